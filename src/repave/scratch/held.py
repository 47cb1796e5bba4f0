"""A folder of one's own: gone with the block, or else with the next of its kind."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path
from tempfile import mkdtemp

FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
"""Closed on exec: a program that is started must not hold it when its starter has died."""


@contextmanager
def held(parent: Path, *, prefix: str) -> Iterator[Path]:
    """A new folder in ``parent``, which is there, held while the block lasts, and gone after it.

    Folders of this kind begin with ``prefix``; those that nobody holds any more are removed first. Raises OSError.
    """
    sweep(parent, prefix=prefix)
    folder, handle = _held(parent, prefix)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(handle)


def sweep(parent: Path, *, prefix: str) -> None:
    """Remove such folders as nobody holds: the kernel lets go of what the killed held."""
    for folder in parent.glob(f"{prefix}*"):
        with suppress(OSError):
            handle = os.open(folder, FOLDER)
            try:
                flock(handle, LOCK_EX | LOCK_NB)
                shutil.rmtree(folder)
            finally:
                os.close(handle)


def _held(parent: Path, prefix: str) -> tuple[Path, int]:
    while True:
        folder = Path(mkdtemp(prefix=prefix, dir=parent))
        with suppress(FileNotFoundError):  # of one that is swept before it is held there is another
            handle = os.open(folder, FOLDER)
            with suppress(OSError):  # where a file system knows no locks nobody sweeps either
                flock(handle, LOCK_EX)
            if folder.exists():
                return folder, handle
            os.close(handle)
