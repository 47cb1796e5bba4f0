"""An archive made to do harm, and what must be said of it; they are built by code and nowhere kept."""

from dataclasses import dataclass, replace

from repave.archives.rules import ROOT_FILESYSTEM, TREE, Links, Rules

SMALL = replace(TREE, entries=10, file_bytes=1000, total_bytes=5000, name_bytes=100, depth=5)
FEW = replace(TREE, entries=10)
NO_LINKS = replace(TREE, links=Links.REFUSED)
SMALL_ROOT = replace(ROOT_FILESYSTEM, entries=10)


@dataclass(frozen=True, kw_only=True)
class Hostile:
    """One archive."""

    name: str
    content: bytes
    says: str
    """What the error must say, beside the archive's name."""

    member: str = ""
    """What it must name."""

    rules: Rules = TREE
