"""What an archive may hold, and how much of it."""

from dataclasses import dataclass
from enum import Enum

KIB, MIB, GIB = 1024, 1024**2, 1024**3


class Links(Enum):
    """Where symbolic links may lead. Hard links lead to a file of the same archive, or nowhere."""

    REFUSED = "refused"
    INSIDE = "inside"
    """Below the archive's own root, whatever the other links are."""

    ANYWHERE = "anywhere"
    """For a root filesystem, in which they are followed by those who live in it; nothing here follows them."""


class Special(Enum):
    """What becomes of devices and pipes."""

    REFUSED = "refused"
    LEFT_OUT = "left out"


@dataclass(frozen=True, kw_only=True)
class Rules:
    """Limits, and what is allowed. The defaults are the strictest that honest packages and sources pass."""

    entries: int = 200_000
    """The largest packages of npm, PyPI and Debian have some ten thousand."""

    name_bytes: int = 1024
    depth: int = 64
    """Folders within each other; as many handles are open at once."""

    file_bytes: int = 2 * GIB
    total_bytes: int = 4 * GIB
    """Unpacked."""

    ratio: int = 250
    """Unpacked to packed, from 64 MiB on: text is packed to a tenth or so, a bomb to a thousandth."""

    links: Links = Links.INSIDE
    special: Special = Special.REFUSED
    set_id: bool = False
    """Whether programs may change their user or group when run."""

    repeated: bool = False
    """Whether a file may stand in it again; the last one counts then, for whoever reads in order."""

    rooted: bool = False
    """Whether a leading slash means the archive's own root; else such a name is refused."""

    any_name: bool = False
    """Whether names may hold control characters and bytes that are no UTF-8."""


TREE = Rules()
"""Packages, wheels and sources of strangers."""

ROOT_FILESYSTEM = Rules(
    entries=1_000_000,
    name_bytes=4095,
    depth=128,
    file_bytes=16 * GIB,
    total_bytes=64 * GIB,
    links=Links.ANYWHERE,
    special=Special.LEFT_OUT,
    set_id=True,
    rooted=True,
    any_name=True,
)
"""Layers of images: all that a Linux system may hold, except devices, which an instance gets of its own."""
