"""Layers on top of each other by overlayfs, and how to read what it leaves in its upper directory.

Source: Documentation/filesystems/overlayfs.rst of the kernel.
"""

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from repave.bakers.rootfs.isolation import first_users, mounted

OPAQUE_MARKS = ("trusted.overlay.opaque", "user.overlay.opaque")
"""How overlayfs says that a directory hides the one below it: as root, and in a user namespace."""


@contextmanager
def overlaid(work: Path, *, lowers: Sequence[Path], upper: Path) -> Iterator[Path]:
    """The lower trees, topmost first, with ``upper`` above them taking every change; answers the merged root.

    Paths go in as names relative to ``work``: commas and colons in a path mean something to overlayfs.
    """
    os.chdir(work)
    for number, lower in enumerate(lowers):
        Path(f"lower{number}").symlink_to(lower)
    Path("overlay").mkdir()
    merged = work / "merged"
    merged.mkdir()
    # No option of the host's kernel may change what ends up in the upper directory. Volatile: dpkg asks for a thousand
    # flushes, which take longer than all else; what a power cut tears is never used (see ``cache``).
    options = (
        ["volatile", "redirect_dir=off", "metacopy=off", "index=off"] if first_users() else ["volatile", "userxattr"]
    )
    options += [
        "lowerdir=" + ":".join(f"lower{number}" for number in range(len(lowers))),
        f"upperdir={os.path.relpath(upper, work)}",
        "workdir=overlay",
    ]
    with mounted(["-t", "overlay", "overlay", "-o", ",".join(options)], merged):
        yield merged


def is_whiteout(status: os.stat_result) -> bool:
    """Whether overlayfs says by it that the name below is removed."""
    return stat.S_ISCHR(status.st_mode) and status.st_rdev == 0


def is_opaque(place: str | Path) -> bool:
    """Whether overlayfs says by it that the directory below is hidden."""
    return any(attribute(place, mark) == b"y" for mark in OPAQUE_MARKS)


def attribute(place: str | Path, name: str) -> bytes | None:
    """An extended attribute; None when it is not set."""
    try:
        return os.getxattr(place, name, follow_symlinks=False)
    except OSError:
        # Not set, not supported by the file system, or not ours to see: then no layer can hold it either.
        return None
