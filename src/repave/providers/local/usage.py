"""What one instance uses of this machine: by its control group, or without one by its processes.

The files are those of cgroups(7), version 1 and 2, and of proc(5).
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from repave.model.release import Limits
from repave.providers.local.limits import CONTROL_GROUPS
from repave.providers.local.processes import ANY_NAME

NO_LIMIT = 2**60
"""Version 1 says "no limit" by a number of bytes that no machine has."""

NANOSECONDS = 1e9
MICROSECONDS = 1e6


@dataclass(frozen=True, kw_only=True)
class Usage:
    """Since it started, and now."""

    cpu_seconds: float
    memory_bytes: int
    cpus: float
    """Processors it may use: its limit, or all there are."""

    memory_limit_bytes: int
    """Memory it may use: its limit, or all there is."""


@dataclass(frozen=True, kw_only=True)
class Running:
    """One process of the machine."""

    parent: int
    cpu_seconds: float
    """With that of its children which have ended."""

    memory_bytes: int


def by_group(cgroup: str, root: Path = CONTROL_GROUPS) -> Usage | None:
    """What the control group counts; None where there is none that counts both processor and memory."""
    name = cgroup.lstrip("/")
    try:
        return _unified(root / name) if (root / "cgroup.controllers").exists() else _split(root, name)
    except (OSError, ValueError, KeyError):
        return None


def by_processes(first: int, running: Mapping[int, Running], allowance: Limits) -> Usage | None:
    """What the process and all that descend from it use; None when it has ended.

    What ended counts with its parent, or with the container's first process, which inherits orphans.
    """
    if first not in running:
        return None
    children: dict[int, list[int]] = {}
    for pid, process in running.items():
        children.setdefault(process.parent, []).append(pid)
    family, unvisited = [], [first]
    while unvisited:
        pid = unvisited.pop()
        family.append(running[pid])
        unvisited += children.get(pid, ())
    return Usage(
        cpu_seconds=sum(process.cpu_seconds for process in family),
        memory_bytes=sum(process.memory_bytes for process in family),
        cpus=allowance.cpus or _processors(),
        memory_limit_bytes=allowance.memory_bytes or _machine_memory(),
    )


def running_processes(root: Path = Path("/proc")) -> dict[int, Running]:
    """Every process that can be seen, by its number."""
    found = {}
    for path in root.glob("[0-9]*/stat"):
        try:
            content = path.read_text(errors=ANY_NAME)
        except OSError:
            continue  # it has ended since it was listed, or is hidden from us
        found[int(path.parent.name)] = _process(content)
    return found


def _process(content: str) -> Running:
    # The second field is the program's name in brackets and may hold anything, brackets and blanks included.
    fields = content.rpartition(")")[2].split()
    ticks = sum(int(field) for field in fields[11:15])
    return Running(
        parent=int(fields[1]),
        cpu_seconds=ticks / os.sysconf("SC_CLK_TCK"),
        memory_bytes=int(fields[21]) * os.sysconf("SC_PAGE_SIZE"),
    )


def _unified(group: Path) -> Usage:
    quota, _, period = (group / "cpu.max").read_text().partition(" ")
    limit = (group / "memory.max").read_text().strip()
    cached = _table(group / "memory.stat")["inactive_file"]
    return Usage(
        cpu_seconds=_table(group / "cpu.stat")["usage_usec"] / MICROSECONDS,
        memory_bytes=max(0, int((group / "memory.current").read_text()) - cached),
        cpus=_processors() if quota == "max" else int(quota) / int(period),
        memory_limit_bytes=_machine_memory() if limit == "max" else int(limit),
    )


def _split(root: Path, name: str) -> Usage:
    processor, memory = root / "cpu" / name, root / "memory" / name
    quota = int((processor / "cpu.cfs_quota_us").read_text())
    period = int((processor / "cpu.cfs_period_us").read_text())
    limit = int((memory / "memory.limit_in_bytes").read_text())
    cached = _table(memory / "memory.stat")["total_inactive_file"]
    return Usage(
        cpu_seconds=int((root / "cpuacct" / name / "cpuacct.usage").read_text()) / NANOSECONDS,
        memory_bytes=max(0, int((memory / "memory.usage_in_bytes").read_text()) - cached),
        cpus=_processors() if quota < 0 else quota / period,
        memory_limit_bytes=_machine_memory() if limit > NO_LIMIT else limit,
    )


def _table(path: Path) -> dict[str, int]:
    """Lines of a name and a number."""
    return {name: int(value) for name, value in (line.split() for line in path.read_text().splitlines())}


def _processors() -> float:
    return float(len(os.sched_getaffinity(0)))


def _machine_memory() -> int:
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
