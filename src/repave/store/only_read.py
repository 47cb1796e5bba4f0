"""A database of SQLite on a disk that takes nothing more: full, or mounted to be read.

In WAL mode even reading wants a file of shared memory beside the database (https://sqlite.org/wal.html#read_only_databases).
"""

import sqlite3
from contextlib import closing, suppress
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.pool import NullPool


def only_read(file: Path, *, patience: float) -> Engine:
    """Each transaction opens it anew, and so sees what is there by then."""
    engine = create_engine("sqlite://", creator=lambda: _opened(file.absolute(), patience), poolclass=NullPool)

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN")

    return engine


def _opened(file: Path, patience: float) -> sqlite3.Connection:
    """Beside who writes, where that one's files are seen; else by itself, for then nobody writes."""
    with suppress(sqlite3.OperationalError):
        return _connected(f"{file.as_uri()}?mode=ro", patience)
    if any(_holds(file.with_name(file.name + ending)) for ending in ("-wal", "-journal")):
        return _copied(file, patience)
    return _connected(f"{file.as_uri()}?mode=ro&immutable=1", patience)


def _connected(uri: str, patience: float) -> sqlite3.Connection:
    connection = sqlite3.connect(uri, uri=True, timeout=patience, isolation_level=None)
    try:
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except BaseException:
        connection.close()
        raise
    return connection


def _copied(file: Path, patience: float) -> sqlite3.Connection:
    """In memory, with what was committed and did not yet find its place: a killed writer has left it beside the file.

    Who has the database alone needs no shared memory.
    """
    copy = sqlite3.connect(":memory:", isolation_level=None)
    try:
        with closing(sqlite3.connect(f"{file.as_uri()}?mode=rw", uri=True, timeout=patience)) as source:
            source.execute("PRAGMA locking_mode=EXCLUSIVE")
            source.backup(copy)
        copy.execute("PRAGMA query_only=ON")
    except BaseException:
        copy.close()
        raise
    return copy


def _holds(file: Path) -> bool:
    """Whether something is in it."""
    return file.exists() and file.stat().st_size > 0
