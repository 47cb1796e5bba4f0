"""A file or folder that a person asked for: there whole or not at all, and never in the place of another."""

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path
from tempfile import mkdtemp

from repave.operations.errors import Refused
from repave.ports.errors import Denied, NoCapacity

PREFIX = ".repave-export-"
"""Of the folders in which such things are made."""

FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
FULL_DISK = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
NO_LINKS = frozenset({errno.EPERM, errno.EOPNOTSUPP})
"""What file systems that know no second name for a file, such as FAT, answer to who asks for one; all, for a folder."""


def refuse_taken(path: Path) -> None:
    """Raises Refused when something is there."""
    if os.path.lexists(path):
        raise Refused(f"{path} exists already", hint="name another, or remove it first")


@contextmanager
def placed(path: Path) -> Iterator[Path]:
    """The block makes it where it is told, on the same file system; then it gets its name, and what else is there goes.

    Each has a place of its own. What those leave that are killed goes with the next that is placed beside it.
    Raises Refused when something is at ``path``, before or after the block, Denied and NoCapacity.
    """
    refuse_taken(path)
    try:
        _sweep(path.parent)
        with _folder(path.parent) as folder:
            yield folder / path.name
            _put(folder / path.name, path)
    except OSError as failure:
        error = NoCapacity if failure.errno in FULL_DISK else Denied
        raise error(f"could not write {path}: {failure.strerror}; nothing is left of it") from failure


@contextmanager
def _folder(parent: Path) -> Iterator[Path]:
    """A new one, held while the block lasts, and gone after it."""
    folder, handle = _held(parent)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(handle)


def _held(parent: Path) -> tuple[Path, int]:
    while True:
        folder = Path(mkdtemp(prefix=PREFIX, dir=parent))
        with suppress(FileNotFoundError):  # of one that is swept before it is held there is another
            handle = os.open(folder, FOLDER)
            with suppress(OSError):  # where a file system knows no locks nobody sweeps either
                flock(handle, LOCK_EX)
            if folder.exists():
                return folder, handle
            os.close(handle)


def _sweep(parent: Path) -> None:
    """Remove such folders as nobody holds: the kernel lets go of what the killed held."""
    for folder in parent.glob(f"{PREFIX}*"):
        with suppress(OSError):
            handle = os.open(folder, FOLDER)
            try:
                flock(handle, LOCK_EX | LOCK_NB)
                shutil.rmtree(folder)
            finally:
                os.close(handle)


def _put(made: Path, path: Path) -> None:
    """Give it its name."""
    try:
        path.hardlink_to(made)
    except OSError as failure:
        refuse_taken(path)
        if failure.errno not in NO_LINKS:
            raise
        made.rename(path)
