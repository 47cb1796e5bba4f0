"""A file or folder that a person asked for: there whole or not at all, and never in the place of another."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from repave.operations.errors import Refused
from repave.ports.errors import Denied, NoCapacity
from repave.scratch.held import held

PREFIX = ".repave-export-"
"""Of the folders in which such things are made."""

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
        with held(path.parent, prefix=PREFIX) as folder:
            yield folder / path.name
            _put(folder / path.name, path)
    except OSError as failure:
        error = NoCapacity if failure.errno in FULL_DISK else Denied
        raise error(f"could not write {path}: {failure.strerror}; nothing is left of it") from failure


def _put(made: Path, path: Path) -> None:
    """Give it its name."""
    try:
        path.hardlink_to(made)
    except OSError as failure:
        refuse_taken(path)
        if failure.errno not in NO_LINKS:
            raise
        made.rename(path)
