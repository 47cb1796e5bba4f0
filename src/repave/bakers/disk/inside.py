"""The program that ``chamber`` starts for disks: all jobs of root filesystems, and two more."""

from typing import Any

from repave.bakers.disk import making
from repave.bakers.rootfs.inside import JOBS, hold, serve

KEPT = ("disk.img", "kernel", "initrd", "paths")


def _make(job: dict[str, Any]) -> dict[str, Any]:
    """Make a disk of layers, into the folder ``made``."""
    work = hold(job)
    making.make(job, work)
    (work / "made").mkdir()
    for name in KEPT:
        (work / name).rename(work / "made" / name)
    return {}


def _add(job: dict[str, Any]) -> dict[str, Any]:
    """Lay more onto a copy of a disk."""
    making.add(job, hold(job))
    return {}


if __name__ == "__main__":
    serve({**JOBS, "disk": _make, "addition": _add})
