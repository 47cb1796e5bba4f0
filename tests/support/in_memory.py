"""Folders in memory, where there is room: nothing waits for a disk."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

MEMORY = Path("/dev/shm")  # noqa: S108 - folders of random names


@contextmanager
def in_memory(otherwise: Path, *, wanted_bytes: int, devices: bool = False) -> Iterator[Path]:
    """A new folder in memory for the block, or ``otherwise`` where so much of it is not free.

    With ``devices`` it is one in which they, and programs that change their user, do their work.
    """
    if not _has_room(wanted_bytes, os.ST_NOEXEC | (os.ST_NODEV | os.ST_NOSUID if devices else 0)):
        yield otherwise
        return
    with TemporaryDirectory(prefix="repave-", dir=MEMORY) as folder:
        place = Path(folder) / otherwise.name  # within a folder: some put things beside it
        place.mkdir()
        yield place


def _has_room(wanted_bytes: int, forbidding: int) -> bool:
    """Whether memory takes files now, mounted with none of these flags: in some containers no program there may run."""
    if not MEMORY.is_dir():
        return False
    told = os.statvfs(MEMORY)
    free_bytes = min(told.f_bavail * told.f_frsize, _available_bytes())
    return free_bytes >= wanted_bytes and not told.f_flag & forbidding


def _available_bytes() -> int:
    """Of memory, without anything being swapped out (proc_meminfo(5))."""
    (told,) = (line for line in Path("/proc/meminfo").read_text().splitlines() if line.startswith("MemAvailable:"))
    return int(told.split()[1]) << 10
