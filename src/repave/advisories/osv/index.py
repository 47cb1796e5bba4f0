"""Records on the disk, found by package: an SQLite file, named by its own sha256 and never changed after it was made.

Beside it stands ``current``, which names that file; a new one takes its place in one move. So a reader sees the old
index or the new one, a half-written or damaged one is never believed, and losing it all changes no answer.
"""

import hashlib
import json
import os
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from repave.advisories.osv.matching import Subject, identity, kind_of, release_of, repository
from repave.advisories.osv.records import GIT, Affected, Record, read_record, write_record

FORMAT = 2
"""Counts up when an older index can no longer be read as meant."""

CURRENT = "current"
BATCH = 2000
"""Rows written at once: some MiB of memory."""

SETTLED_SECONDS = 3600
"""Far above what a build takes: a file that has not been written to for so long is nobody's any more."""

SHOWN_UNREADABLE = 5
"""Broken records that are named; all are counted."""

SCHEMA = """
CREATE TABLE advisories (key TEXT NOT NULL, record BLOB NOT NULL);
CREATE TABLE names (name TEXT NOT NULL, key TEXT NOT NULL);
CREATE TABLE about (document TEXT NOT NULL);
"""


@dataclass(frozen=True, kw_only=True)
class Unreadable:
    """Something among a source's records that is none."""

    problem: str


@dataclass(frozen=True, kw_only=True)
class Contents:
    """What an index holds."""

    made_from: str
    """The state of the source, as the source tells it."""

    records: int
    newest: dict[str, str]
    """By ecosystem with its release: when the newest of its records was modified (ISO 8601)."""

    unreadable: int
    examples: tuple[str, ...]
    """What the first of those are."""

    format: int = FORMAT


class Seen(NamedTuple):
    """A file whose bytes were found to be what its name says: it need not be read whole again while it is the same."""

    name: str
    inode: int
    size_bytes: int
    modified_ns: int


class Index:
    """The records of one source, read-only."""

    def __init__(self, connection: sqlite3.Connection, contents: Contents, seen: Seen) -> None:
        self._connection = connection
        self.contents = contents
        self.seen = seen

    def about(self, subject: Subject) -> list[Record]:
        """The records that name the subject's package, of all releases."""
        rows = self._connection.execute("SELECT record FROM advisories WHERE key = ?", (key_of(subject),))
        return [read_record(row[0], name=f"a record about {subject.name}") for row in rows]

    def keys(self, flaw: str) -> list[str]:
        """Under what the records are kept that have this name, as their own, an alias, or what they are about."""
        rows = self._connection.execute("SELECT DISTINCT key FROM names WHERE name = ? ORDER BY key", (flaw,))
        return [row[0] for row in rows]

    def as_of(self, ecosystem: str) -> datetime | None:
        """When the newest record of an ecosystem was modified; None where it has none."""
        kind = kind_of(ecosystem)
        dates = [self.contents.newest[name] for name in {ecosystem, kind} if name in self.contents.newest]
        return datetime.fromisoformat(max(dates)) if dates else None

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()


def key_of(subject: Subject) -> str:
    """By what a subject's records are found."""
    return _key(subject.kind, repository(subject.name) if subject.ecosystem == GIT else subject.name)


def _key(kind: str, name: str) -> str:
    return f"{kind}\n{identity(kind, name)}"


def open_index(folder: Path, seen: Seen | None = None) -> Index | None:
    """The present index; None when there is none that can be believed. ``seen``: what was believed before."""
    try:
        name = json.loads((folder / CURRENT).read_text(encoding="utf-8"))["index"]
        path = folder / name
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            found = Seen(name, status.st_ino, status.st_size, status.st_mtime_ns)
            if found != seen and hashlib.file_digest(file, "sha256").hexdigest() != name:
                return None
        connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True, check_same_thread=False
        )
        contents = json.loads(connection.execute("SELECT document FROM about").fetchone()[0])
        if contents["format"] != FORMAT:
            connection.close()
            return None
        return Index(connection, Contents(**{**contents, "examples": tuple(contents["examples"])}), found)
    except (OSError, ValueError, KeyError, TypeError, sqlite3.Error):
        return None


def build_index(folder: Path, found: Iterable[Record | Unreadable], *, made_from: str, now: datetime) -> None:
    """Make the index anew from all records and put it in the place of the present one, in one move.

    Whatever ``found`` raises leaves the present index as it is.
    """
    folder.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix="making-", dir=folder)
    os.close(descriptor)
    making = Path(name)
    try:
        _write(making, found, made_from, now)
        with making.open("rb+") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            os.fsync(file.fileno())
        making.replace(folder / digest)
        _point(folder, digest)
    finally:
        making.unlink(missing_ok=True)
    _tidy(folder, digest)


def _tidy(folder: Path, kept: str) -> None:
    """Remove what earlier builds left: what is young may be another process's that has not yet moved it."""
    now = (folder / kept).stat().st_mtime
    for old in folder.iterdir():
        with suppress(FileNotFoundError):
            if old.name not in {CURRENT, kept} and old.stat().st_mtime < now - SETTLED_SECONDS:
                old.unlink()


def _point(folder: Path, digest: str) -> None:
    beside = folder / f"making-{digest}"
    beside.write_text(json.dumps({"index": digest}), encoding="utf-8")
    beside.replace(folder / CURRENT)


def _write(path: Path, found: Iterable[Record | Unreadable], made_from: str, now: datetime) -> None:
    counted = _Counted(now)
    connection = sqlite3.connect(path)
    try:
        # Nobody reads it before it is whole, so nothing has to survive a stop half-way.
        connection.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;" + SCHEMA)
        rows: list[tuple[str, bytes]] = []
        names: list[tuple[str, str]] = []
        for one in found:
            for key, record in counted.rows(one):
                rows.append((key, write_record(record)))
                names += ((name, key) for name in record.names)
            if len(rows) >= BATCH:
                _insert(connection, rows, names)
        _insert(connection, rows, names)
        connection.execute("CREATE INDEX by_key ON advisories (key)")
        connection.execute("CREATE INDEX by_name ON names (name)")
        document = json.dumps(asdict(counted.contents(made_from)))
        connection.execute("INSERT INTO about VALUES (?)", (document,))
        connection.commit()
    finally:
        connection.close()


def _insert(connection: sqlite3.Connection, rows: list[tuple[str, bytes]], names: list[tuple[str, str]]) -> None:
    """Write what has come together, and begin anew."""
    connection.executemany("INSERT INTO advisories VALUES (?, ?)", rows)
    connection.executemany("INSERT INTO names VALUES (?, ?)", names)
    rows.clear()
    names.clear()


class _Counted:
    """What is learned of the records on the way."""

    def __init__(self, now: datetime) -> None:
        self._now = now
        self._records = 0
        self._newest: dict[str, datetime] = {}
        self._unreadable = 0
        self._examples: list[str] = []

    def rows(self, one: Record | Unreadable) -> Iterator[tuple[str, Record]]:
        """A record's rows: one for each package it is about, with the parts about that package."""
        if isinstance(one, Unreadable):
            self._unreadable += 1
            if len(self._examples) < SHOWN_UNREADABLE:
                self._examples.append(one.problem)
            return
        self._records += 1
        parts: dict[str, list[Affected]] = {}
        for part in one.affected:
            self._date(part, one)
            for key in _keys(part):
                parts.setdefault(key, []).append(part)
        for key, affected in parts.items():
            yield key, one.only(affected)

    def contents(self, made_from: str) -> Contents:
        """All of it."""
        return Contents(
            made_from=made_from,
            records=self._records,
            newest={name: date.isoformat() for name, date in sorted(self._newest.items())},
            unreadable=self._unreadable,
            examples=tuple(self._examples),
        )

    def _date(self, part: Affected, record: Record) -> None:
        ecosystem = release_of(part.package.ecosystem) if part.package else GIT
        # A date in the future is a slip, and would make old data look new for ever.
        if record.modified <= self._now and (
            ecosystem not in self._newest or self._newest[ecosystem] < record.modified
        ):
            self._newest[ecosystem] = record.modified


def name_in(key: str) -> str | None:
    """The package that is kept under a key; None for a repository, which has many addresses."""
    kind, _, name = key.partition("\n")
    return None if kind == GIT else name


def _keys(part: Affected) -> Sequence[str]:
    keys = {_key(GIT, repository(one.repo)) for one in part.ranges if one.type == GIT and one.repo}
    if part.package is not None:
        keys.add(_key(kind_of(part.package.ecosystem), part.package.name))
    return sorted(keys)
