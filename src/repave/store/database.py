"""One database: connections, transactions, and the schema brought up to date when it is opened."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import local

from sqlalchemy import Connection, Engine, create_engine, event, func, inspect, make_url, select, text
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import ConnectionPoolEntry

from repave.ports.errors import Denied, Invalid
from repave.store.errors import answered
from repave.store.schema import REVISION

BUSY_TIMEOUT_SECONDS = 30.0
"""How long a writer waits for another: transactions take milliseconds, so this long means that something hangs."""

WRITES = "repave_writes"

MIGRATION_LOCK = 0x7265_7061_7665
"""A number that no other user of the database takes by chance: "repave" in ASCII."""


class _UnderWay(local):
    """The writing transaction that this thread is within."""

    connection: Connection | None = None


class Database:
    """Transactions over one engine; safe to use from several threads and, by the file's locks, processes."""

    def __init__(self, url: str, *, by: str = "") -> None:
        """``by``: who or what causes what is written through it."""
        self.by = by
        try:
            address = make_url(url)
        except ArgumentError as malformed:
            raise Invalid(f"{url!r} is no database address", hint="as in sqlite:///.repave/store.db") from malformed
        self._under_way = _UnderWay()
        self.where = address.database or "?" if address.get_backend_name() == "sqlite" else address.render_as_string()
        with answered(self.where):
            if address.get_backend_name() == "sqlite":
                _prepare_file(Path(self.where))
                self._engine = create_engine(address, connect_args={"timeout": BUSY_TIMEOUT_SECONDS})
                _teach_sqlite(self._engine)
            else:
                self._engine = create_engine(address)
            self._writer = self._engine.execution_options(**{WRITES: True})
        try:
            self._bring_up_to_date()
        except BaseException:
            self.close()
            raise

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A consistent view; within a transaction of the same thread, with what that has written."""
        if self._under_way.connection is not None:
            yield self._under_way.connection
            return
        with answered(self.where), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """All of it or nothing; on SQLite one writer at a time, from the first read on.

        Within another of the same thread it is a part of that one.
        """
        if self._under_way.connection is not None:
            yield self._under_way.connection
            return
        with answered(self.where), self._writer.begin() as connection:
            self._under_way.connection = connection
            try:
                yield connection
            finally:
                self._under_way.connection = None

    def close(self) -> None:
        """Let go of every connection."""
        self._engine.dispose()

    def _bring_up_to_date(self) -> None:
        with self.reading() as connection:
            if _revision(connection) == REVISION:
                return
        # Alembic takes longer to import than `repave status` may take: only a schema that differs is worth it.
        from repave.store.upgrade import upgrade  # noqa: PLC0415 - the reason stands above

        with self.writing() as connection:
            if connection.dialect.name == "postgresql":
                # SQLite's writers wait for each other from their beginning; here, those who migrate must be made to.
                connection.execute(select(func.pg_advisory_xact_lock(MIGRATION_LOCK)))
            found = _revision(connection)
            if found != REVISION:
                upgrade(connection, found=found, where=self.where)


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()


def _prepare_file(file: Path) -> None:
    """The file and its folder are their owner's alone: configuration is in it, though no secret."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(os.open(file, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
    except OSError as refused:
        raise Denied(
            f"the store at {file} cannot be used: {refused.strerror}",
            hint="give this user write access to the file and its folder, and see that the disk has room",
        ) from refused


def _teach_sqlite(engine: Engine) -> None:
    """SQLite as this store needs it.

    WAL: readers never wait for a writer. FULL: a committed order survives a power cut, or its slot would be given
    twice. BEGIN IMMEDIATE: a writer that had read before it locked could fail half-way (https://sqlite.org/isolation.html).
    """

    @event.listens_for(engine, "connect")
    def prepare(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get(WRITES, False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
