"""One at a time on this machine, or several of one kind: the kernel lets go of it when its holder dies, however."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from repave.ports.errors import Conflict


@contextmanager
def alone(file: Path, *, doing: str) -> Iterator[None]:
    """Hold ``file`` for the block. Raises Conflict, with the process that does it already: ``doing`` is for people."""
    with _opened(file) as descriptor:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(descriptor, 20, 0).decode(errors="replace").strip()
            raise Conflict(
                f"process {holder or 'that began just now'} is {doing} already",
                hint="let it go on, or end it: whoever comes after it goes on where it was",
            ) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        yield


@contextmanager
def beside(file: Path) -> Iterator[None]:
    """Hold ``file`` for the block, as others may who do so too; waits for one who holds it ``without`` them."""
    with _opened(file) as descriptor:
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        yield


@contextmanager
def without(file: Path, *, doing: str) -> Iterator[None]:
    """Hold ``file`` for the block while nobody is ``beside``. Raises Conflict: ``doing`` is what they do, for people.

    It never waits: who holds the file beside others may hold it once more.
    """
    with _opened(file) as descriptor:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Conflict(f"another process is {doing} just now", hint="try again when it has ended") from None
        yield


@contextmanager
def _opened(file: Path) -> Iterator[int]:
    # Closed on exec: a program that is started must not hold it when this process has died.
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
