"""What a layer's tar holds in place of what it removes from the layers below it.

Source: https://github.com/opencontainers/image-spec/blob/v1.1.0/layer.md; for overlayfs their translation by
https://docs.kernel.org/filesystems/overlayfs.html.
"""

import os
import stat
from enum import Enum

WHITEOUT = ".wh."
OPAQUE = ".wh..wh..opq"


class Hiding(Enum):
    """What becomes of whiteouts."""

    NONE = "none"
    """The archive is no layer: their names mean nothing."""

    REMOVED = "removed"
    """The layers below lie in the same folder: what they name is removed there."""

    OVERLAYFS = "overlayfs"
    """Each layer has a folder of its own: they become what overlayfs takes for whiteouts; needs root."""


def hide(name: str, folder: int) -> None:
    """Have overlayfs hide one name of an open folder."""
    os.mknod(name, stat.S_IFCHR, os.makedev(0, 0), dir_fd=folder)


def hide_below(folder: int) -> None:
    """Have overlayfs hide what lies in the same folder of lower layers."""
    os.setxattr(folder, "trusted.overlay.opaque", b"y")


def is_hidden(status: os.stat_result) -> bool:
    """Whether ``hide`` made it."""
    return stat.S_ISCHR(status.st_mode) and status.st_rdev == os.makedev(0, 0)
