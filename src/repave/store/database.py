"""One database: connections, transactions, and the schema brought up to date when it is opened."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from threading import local

from sqlalchemy import URL, Connection, Engine, create_engine, event, inspect, make_url, text
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.pool import ConnectionPoolEntry

from repave.ports.errors import Denied, Invalid
from repave.store.errors import answered, kept_from_writing
from repave.store.schema import REVISION

BUSY_TIMEOUT_SECONDS = 30.0
"""How long a writer waits for another: transactions take milliseconds, so this long means that something hangs."""

CONNECT_TIMEOUT_SECONDS = 10
"""A server that is there answers in milliseconds."""

ADDRESSES = "as in sqlite:///.repave/store.db or postgresql://USER@HOST/DATABASE"

WRITES = "repave_writes"

WRITER_LOCK = 0x7265_7061_7665
"""A number that no other user of the database takes by chance: "repave" in ASCII."""

SESSION = "-c timezone=UTC -c synchronous_commit=on"
"""PostgreSQL, whatever its server or role prefers: a committed order survives a power cut, or its slot would be given
twice."""


class _UnderWay(local):
    """What this thread is within."""

    written: Connection | None = None
    """A writing transaction."""

    viewed: Connection | None = None
    """One that reads of one moment."""


class Database:
    """Transactions over one engine; safe to use from several threads and, by the database's locks, processes."""

    def __init__(self, url: str, *, by: str = "") -> None:
        """``by``: who or what causes what is written through it."""
        self.by = by
        try:
            address = make_url(url)
        except ArgumentError as malformed:
            # Not the address itself: a password may be in it.
            raise Invalid("the store's address is none", hint=ADDRESSES) from malformed
        self._under_way = _UnderWay()
        self._address = address
        kind = address.get_backend_name()
        self.where = address.database or "?" if kind == "sqlite" else _told(address)
        if kind not in ENGINES:
            raise Invalid(f"the store at {self.where} is of no kind that is known", hint=ADDRESSES)
        with answered(self.where):
            self._engine = ENGINES[kind](address)
            self._reader = self._engine
            if kind == "postgresql":
                self._reader = self._engine.execution_options(isolation_level="REPEATABLE READ")
            self._writer = self._engine.execution_options(**{WRITES: True})
        try:
            self._bring_up_to_date()
        except BaseException:
            self.close()
            raise

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A consistent view; within a transaction of the same thread, with what that has written."""
        under_way = self._under_way.written or self._under_way.viewed
        with answered(self.where), nullcontext(under_way) if under_way else self._reader.begin() as connection:
            yield connection

    @contextmanager
    def viewing(self) -> Iterator[None]:
        """One view for all that this thread reads within: also one way to the server and back less for each."""
        with self.reading() as connection:
            before, self._under_way.viewed = self._under_way.viewed, connection
            try:
                yield
            finally:
                self._under_way.viewed = before

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """All of it or nothing; one writer at a time, from the first read on.

        Within another of the same thread it is a part of that one.
        """
        if self._under_way.written is not None:
            yield self._under_way.written
            return
        with answered(self.where), self._writer.begin() as connection:
            self._under_way.written = connection
            try:
                yield connection
            finally:
                self._under_way.written = None

    def close(self) -> None:
        """Let go of every connection."""
        self._engine.dispose()

    def _bring_up_to_date(self) -> None:
        if self._found() == REVISION:
            return
        # Alembic takes longer to import than `repave status` may take: only a schema that differs is worth it.
        from repave.store.upgrade import upgrade  # noqa: PLC0415 - the reason stands above

        with self.writing() as connection:
            found = _revision(connection)
            if found != REVISION:
                upgrade(connection, found=found, where=self.where)

    def _found(self) -> str | None:
        """The schema that is there. Where the disk takes nothing more, it is read all the same, now and later on.

        Whoever writes is told what the disk says.
        """
        with answered(self.where):
            try:
                with self._reader.begin() as connection:
                    return _revision(connection)
            except DBAPIError as refused:
                if self._address.get_backend_name() != "sqlite" or not kept_from_writing(refused):
                    raise
                # Not above: it is of use on a bad day only.
                from repave.store.only_read import only_read  # noqa: PLC0415 - the reason stands above

                reader = only_read(Path(self._address.database or "?"), patience=BUSY_TIMEOUT_SECONDS)
                try:
                    with reader.begin() as connection:
                        found = _revision(connection)
                except DBAPIError:
                    raise refused from None
            self._reader = reader
            return found


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
        if refused.errno == errno.EROFS and file.exists():
            return
        raise Denied(
            f"the store at {file} cannot be used: {refused.strerror}",
            hint="give this user write access to the file and its folder, and see that the disk has room",
        ) from refused


def _told(address: URL) -> str:
    """Where it is, without who asks and how: a password may also stand in the query."""
    return URL.create(
        address.drivername, host=address.host, port=address.port, database=address.database
    ).render_as_string()


def _sqlite(address: URL) -> Engine:
    _prepare_file(Path(address.database or "?"))
    engine = create_engine(address, connect_args={"timeout": BUSY_TIMEOUT_SECONDS})
    _teach_sqlite(engine)
    return engine


def _postgresql(address: URL) -> Engine:
    """PostgreSQL as this store needs it.

    One writer at a time, as with SQLite, by a lock that is taken before anything is read and falls with the
    transaction: what a writer has read stays true until it commits, and no two wait for each other. READ COMMITTED, so
    that its first read sees what the writer before it has committed; readers wait for nobody.
    """
    asked = address.query.get("options", "")
    patience = f"-c lock_timeout={BUSY_TIMEOUT_SECONDS * 1000:.0f}ms"
    options = " ".join(filter(None, (asked if isinstance(asked, str) else " ".join(asked), SESSION, patience)))
    engine = create_engine(
        address.set(drivername="postgresql+psycopg").difference_update_query(["options"]),
        connect_args={"options": options, "connect_timeout": CONNECT_TIMEOUT_SECONDS},
        isolation_level="READ COMMITTED",
        pool_pre_ping=True,
    )

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        if connection.get_execution_options().get(WRITES, False):
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({WRITER_LOCK})")

    return engine


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


ENGINES = {"sqlite": _sqlite, "postgresql": _postgresql}
"""By the name of the database."""
