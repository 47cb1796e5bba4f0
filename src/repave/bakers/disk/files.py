"""The files of a disk, of layers: seen as one tree, without those that are unpacked already being written again.

Runs inside ``chamber``'s namespaces.
"""

import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from repave.archives.rules import ROOT_FILESYSTEM
from repave.archives.tars import read_tar
from repave.archives.unpacking import Unpacking, unpack
from repave.archives.whiteouts import Hiding
from repave.bakers.rootfs.installation import verified
from repave.bakers.rootfs.layertar import CAPABILITIES, newest_of, sorted_below
from repave.bakers.rootfs.overlay import overlaid

HOST_ATTRIBUTES = "security."
"""How extended attributes begin that a machine may give to every file, whoever writes it; and so do capabilities."""


@dataclass(frozen=True, kw_only=True)
class Files:
    """All files of a disk, while they can be seen."""

    root: Path
    own: Path
    """The folder that has what was laid over the trees, and nothing else."""

    newest: Mapping[Path, int]
    """The trees below that, topmost first, each with the time that nothing of its layer is newer than."""

    def time(self, path: str, status: os.stat_result) -> int:
        """What its layer says of when its content was written; see ``LayerTar.tree``, which clamps it."""
        seen = int(status.st_mtime)
        if os.path.lexists(self.own / path):
            return seen
        latest = next(latest for tree, latest in self.newest.items() if os.path.lexists(tree / path))
        return latest if stat.S_ISDIR(status.st_mode) else min(seen, latest)


@contextmanager
def laid(work: Path, *, trees: Sequence[Mapping[str, str]], layers: Sequence[Mapping[str, str]]) -> Iterator[Files]:
    """The files of layers, lowest first: of ``trees`` the unpacked layers, of ``layers`` those above them.

    Raises Corrupt when one of ``layers`` is not what its digest says.
    """
    newest = {Path(one["tree"]): newest_of(Path(one["path"])) for one in reversed(trees)}
    stripped, own = work / "stripped", work / "own"
    for folder in (stripped, own, work / "stripping", work / "laying"):
        folder.mkdir(parents=True)
    with overlaid(work / "stripping", lowers=list(newest), upper=stripped) as root:
        strip(root)
    with overlaid(work / "laying", lowers=[stripped, *newest], upper=own) as root:
        for layer in layers:
            take(Path(layer["path"]), layer["digest"], root)
        yield Files(root=root, own=own, newest=newest)


def take(layer: Path, digest: str, tree: Path) -> None:
    """Lay one layer over what is in the tree, through no link there.

    Raises Corrupt when it is not what its digest says, BadArchive when a link is in its way.
    """
    with verified(layer, digest) as stream:
        entries = read_tar(stream, name=layer.name, rules=ROOT_FILESYSTEM)
        unpack(entries, tree, name=layer.name, settings=Unpacking(owners=True, hiding=Hiding.REMOVED))


def strip(root: Path) -> None:
    """Take off what no layer holds: sockets, devices, and of extended attributes all but capabilities of files."""
    for path, status in sorted_below(os.fspath(root)):
        place, mode = root / path, status.st_mode
        if stat.S_ISSOCK(mode) or stat.S_ISCHR(mode) or stat.S_ISBLK(mode):
            place.unlink()
            continue
        for name in os.listxattr(place, follow_symlinks=False):
            if not name.startswith(HOST_ATTRIBUTES) or (name == CAPABILITIES and not stat.S_ISREG(mode)):
                os.removexattr(place, name, follow_symlinks=False)
