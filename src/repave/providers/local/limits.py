"""What this machine can limit an instance to: the control groups it has, as they are mounted."""

import os
from pathlib import Path

from repave.providers.local.mapping import Record

CONTROL_GROUPS = Path("/sys/fs/cgroup")
LIMITED = ("cpu", "memory", "pids")

CPU_PERIOD_MICROSECONDS = 100_000
"""The kernel's default period: shorter ones cost switches, longer ones let a process stand still for longer."""


def cgroup_of(record: Record) -> str:
    """The control group's path; at the top, so that nothing of ours stays when it is gone."""
    return f"/repave-{record.instance}"


def cpu_quota(cpus: float) -> int:
    """Microseconds of processor time in each period; the kernel takes no less than a millisecond."""
    return max(1000, round(cpus * CPU_PERIOD_MICROSECONDS))


def usable_controllers(root: Path = CONTROL_GROUPS) -> frozenset[str]:
    """Of cpu, memory and pids: those in which we may make groups. Version 2, else version 1."""
    unified = root / "cgroup.controllers"
    if unified.exists():
        offered = unified.read_text().split()
        return frozenset(name for name in LIMITED if name in offered and os.access(root, os.W_OK))
    return frozenset(name for name in LIMITED if _writable(root / name))


def killed_for_memory(cgroup: str, root: Path = CONTROL_GROUPS) -> bool:
    """Whether the kernel ended a process of the group because the group's memory was used up."""
    for path in (
        root / "memory" / cgroup.lstrip("/") / "memory.oom_control",
        root / cgroup.lstrip("/") / "memory.events",
    ):
        try:
            counters = dict(line.split() for line in path.read_text().splitlines())
        except OSError:
            continue
        if int(counters.get("oom_kill", "0")):
            return True
    return False


def _writable(folder: Path) -> bool:
    return (folder / "cgroup.procs").exists() and os.access(folder, os.W_OK)
