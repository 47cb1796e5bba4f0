"""What a database says, in the words of the ports: the one table."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError

from repave.ports.errors import Corrupt, Denied, Invalid, Unreachable, WorldError

SIGNS: tuple[tuple[str, type[WorldError], str, str], ...] = (
    (
        "disk is full",
        WorldError,
        "its disk is full",
        "free some space, as `repave gc --yes` may; nothing was half-written",
    ),
    # SQLite says the same of a disk without room for its shared index.
    (
        "disk i/o error",
        WorldError,
        "its disk failed, or is full",
        "look at the disk and the room on it (`repave gc --yes` may free some), then try again",
    ),
    (
        "readonly database",
        Denied,
        "it may not be written to",
        "give this user write access to the file and its folder; their disk may be mounted read-only",
    ),
    (
        "unable to open",
        Denied,
        "it cannot be opened",
        "give this user read and write access to the file and its folder; their disk may be mounted read-only",
    ),
    (
        "not a database",
        Corrupt,
        "the file is no database",
        "restore it from a backup, or move it away: instances are found again by their tags, history is not",
    ),
    (
        "malformed",
        Corrupt,
        "the file is damaged",
        "restore it from a backup, or move it away: instances are found again by their tags, history is not",
    ),
    ("permission denied", Denied, "its user may not do that", "let this user create and change tables there"),
    ("authentication failed", Denied, "the user is not let in", "see who the address names, and the password"),
    ("no password supplied", Denied, "a password is wanted", "put it into the address, or into ~/.pgpass"),
    ('fatal:  database "', Denied, "its database is not there", "make it, as `createdb` does"),
    ('fatal:  role "', Denied, "its user is not there", "make it, as `createuser` does"),
    ("no space left", WorldError, "its disk is full", "free some space; nothing was half-written"),
    ("lock timeout", Unreachable, "another process holds it for too long", "wait for the other repave, then try again"),
    ("connection", Unreachable, "its server does not answer", "is its server running, and reachable from here?"),
    ("is locked", Unreachable, "another process holds it for too long", "wait for the other repave, then try again"),
)
"""What the message holds, what it means, how that is said, and what to do."""

KEPT_FROM_WRITING = ("disk is full", "disk i/o error", "readonly database", "unable to open")
"""What SQLite says where it cannot have its files beside the database: what is in it may still be read."""


def kept_from_writing(foreign: DBAPIError) -> bool:
    """Whether it may be the disk that takes nothing more."""
    text = str(foreign.orig).lower()
    return any(sign in text for sign in KEPT_FROM_WRITING)


@contextmanager
def answered(where: str) -> Iterator[None]:
    """Every error of the database leaves as a WorldError that names ``where`` and what to do."""
    try:
        yield
    except DBAPIError as foreign:
        raise _translated(foreign, where) from foreign
    except ImportError as missing:
        raise Invalid(
            f"the store at {where} needs a database driver that is not installed: {missing}",
            hint="install `repave[postgresql]`",
        ) from missing


def _translated(foreign: DBAPIError, where: str) -> WorldError:
    text = str(foreign.orig).lower()
    for sign, kind, cause, hint in SIGNS:
        if sign in text:
            return kind(f"the store at {where} cannot be used: {cause}", hint=hint)
    if foreign.connection_invalidated:
        return Unreachable(f"the store at {where} does not answer: {foreign.orig}", hint="is its server running?")
    return WorldError(f"the store at {where} answered: {foreign.orig}", hint="`repave doctor` looks into it")
