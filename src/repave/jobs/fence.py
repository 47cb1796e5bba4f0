"""One at a time on this machine: the kernel lets go of it when its holder dies, however it dies."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from repave.ports.errors import Conflict


@contextmanager
def alone(file: Path, *, doing: str) -> Iterator[None]:
    """Hold ``file`` for the block. Raises Conflict, with the process that does it already: ``doing`` is for people."""
    # Closed on exec: a program that is started must not hold it when this process has died.
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
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
    finally:
        os.close(descriptor)
