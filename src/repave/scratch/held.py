"""A folder of one's own: gone with the block, or else with the next of its kind."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path
from tempfile import mkdtemp

from repave.scratch.cached import bytes_below

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


@dataclass(frozen=True, kw_only=True)
class Kind:
    """Folders that are made in one place, under names that begin alike."""

    parent: Path
    prefix: str

    def left(self) -> Iterator[tuple[Path, int]]:
        """Those that nobody holds, and how many bytes they have."""
        for folder in sorted(self.parent.glob(f"{self.prefix}*")):
            with suppress(OSError), _unheld(folder):
                yield folder, bytes_below(folder)


def sweep(parent: Path, *, prefix: str) -> None:
    """Remove such folders as nobody holds, as far as we may."""
    for folder in parent.glob(f"{prefix}*"):
        with suppress(OSError):
            clear(folder)


def clear(folder: Path) -> None:
    """Remove one of them, unless somebody holds it or it is gone. Raises OSError."""
    with suppress(FileNotFoundError, BlockingIOError), _unheld(folder):
        shutil.rmtree(folder)


@contextmanager
def _unheld(folder: Path) -> Iterator[None]:
    """Hold what nobody holds: the kernel lets go of what the killed held. Raises OSError where somebody does."""
    handle = os.open(folder, FOLDER)
    try:
        flock(handle, LOCK_EX | LOCK_NB)
        yield
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
