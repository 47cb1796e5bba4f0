"""The control group of a machine: what its QEMU may use of this machine, whatever its guest does.

The files are those of cgroups(7), version 1 and 2.
"""

import errno
from pathlib import Path

from repave.ports.clock import Clock
from repave.providers.local.limits import CONTROL_GROUPS, CPU_PERIOD_MICROSECONDS, cgroup_of, cpu_quota
from repave.providers.local.mapping import Record

REMOVE_ATTEMPTS = 100
REMOVE_SECONDS = 0.02
"""A group is busy until the kernel has put away its last process: a moment after that has ended."""


class ControlGroups:
    """Makes and removes groups; where this machine allows none there are none."""

    def __init__(self, *, controllers: frozenset[str], clock: Clock, root: Path = CONTROL_GROUPS) -> None:
        self._controllers = controllers
        self._clock = clock
        self._root = root

    def make(self, record: Record, *, memory_bytes: int, cpus: float) -> tuple[Path, ...]:
        """Make the group; answers the files that a process writes its number to in order to join."""
        folders = self._folders(record)
        for folder in folders:
            folder.mkdir(exist_ok=True)
        unified = self._unified
        if "memory" in self._controllers:
            name = "memory.max" if unified else "memory.limit_in_bytes"
            (self._folder(record, "memory") / name).write_text(f"{memory_bytes}")
        if "cpu" in self._controllers:
            self._limit_processor(self._folder(record, "cpu"), cpu_quota(cpus))
        return tuple(folder / "cgroup.procs" for folder in folders)

    def remove(self, record: Record) -> None:
        """Remove the group, whose processes have ended."""
        for folder in self._folders(record):
            for _ in range(REMOVE_ATTEMPTS):
                if _removed(folder):
                    break
                self._clock.sleep(REMOVE_SECONDS)
            else:
                folder.rmdir()

    @property
    def _unified(self) -> bool:
        return (self._root / "cgroup.controllers").exists()

    def _limit_processor(self, folder: Path, quota: int) -> None:
        if self._unified:
            (folder / "cpu.max").write_text(f"{quota} {CPU_PERIOD_MICROSECONDS}")
            return
        (folder / "cpu.cfs_period_us").write_text(f"{CPU_PERIOD_MICROSECONDS}")
        (folder / "cpu.cfs_quota_us").write_text(f"{quota}")

    def _folders(self, record: Record) -> list[Path]:
        """Of version 1 one for each controller, and one that counts processor time."""
        if self._unified:
            return [self._folder(record, "")] if self._controllers else []
        counting = ["cpuacct"] if "cpu" in self._controllers else []
        return [self._folder(record, name) for name in sorted([*self._controllers, *counting])]

    def _folder(self, record: Record, controller: str) -> Path:
        name = cgroup_of(record).lstrip("/")
        return self._root / name if self._unified else self._root / controller / name


def _removed(folder: Path) -> bool:
    """Whether it is gone; False while it is busy."""
    try:
        folder.rmdir()
    except FileNotFoundError:
        return True
    except OSError as error:
        if error.errno != errno.EBUSY:
            raise
        return False
    return True
