"""What earlier bakes left for later ones, under the baker's own folder.

lock                  held while a bake runs: one at a time
layers/INPUTS.json    which blob came of which inputs, and its skeleton; the blob itself is in the registry
checked/WORDS         packages that were found to be what the lock says, by the digest of all that was compared
boots/ID/packages/    packages without their compression; given back by a bake that found no room
boots/ID/trees/       unpacked layers, for those above them
work/                 layers and records in the making: named into place when they are whole

Trees and packages are not flushed to the disk file by file, which would cost more than making them again: a power cut
may tear them. So they hold for one boot of the machine only (the kernel's boot id).
"""

import fcntl
import json
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from repave.bakers.rootfs.skeleton import Skeleton
from repave.model.guards import Exposed
from repave.model.lock import Layer
from repave.model.names import Digest
from repave.ports.registry import Registry

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
TREES_KEPT = 6
"""Base and platform of three images; about 200 MiB each."""

RECORDS_KEPT = 1000
"""A virtual machine's disk has some dozens of pieces, and a record for each."""

PLAIN_LAYER = "application/vnd.oci.image.layer.v1.tar"
PACKAGES_KEPT_BYTES = 1 << 30


@dataclass(frozen=True, kw_only=True)
class LayerRecord:
    """A layer that was made: its blob, and what those above must know of the stack up to it."""

    layer: Layer
    inputs: Digest
    digest: Digest
    size_bytes: int
    skeleton: Skeleton | None
    """None where it adds nothing to the one below."""

    exposed: tuple[Exposed, ...] = ()
    media_type: str = PLAIN_LAYER
    difference: Digest | None = None
    """Of the uncompressed tar, where the blob is not that itself."""

    @property
    def diff_id(self) -> Digest:
        """Digest of the uncompressed tar."""
        return self.difference or self.digest


class BakeCache:
    """The folder, as objects. All of it may be removed at any time between bakes."""

    def __init__(self, *, folder: Path, registry: Registry) -> None:
        self._folder = folder
        self._registry = registry
        self._boots = folder / "boots"
        self._boot = _boot(folder)

    @property
    def packages(self) -> Path:
        """Where uncompressed packages are."""
        return packages_below(self._folder)

    @property
    def unpacked(self) -> Path:
        """Where all is that holds for one boot of the machine only."""
        return self._boots

    @contextmanager
    def locked(self) -> Iterator[None]:
        """One bake at a time in this folder; another waits."""
        self._folder.mkdir(parents=True, exist_ok=True)
        with (self._folder / "lock").open("ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def find(self, inputs: Digest) -> LayerRecord | None:
        """The layer made of these inputs, if its blob is still in the registry."""
        place = self._record(inputs)
        try:
            content = json.loads(place.read_bytes())
        except (FileNotFoundError, ValueError):
            # A record torn by a power cut is no record: the layer is made again.
            return None
        if "exposed" not in content:
            # An earlier repave did not look; the layer is made again, to the same bytes.
            return None
        if not self._registry.has(Digest(content["digest"])):
            return None
        os.utime(place)
        return _record(content)

    def keep(self, record: LayerRecord, *, tree: Path | None) -> Path | None:
        """Remember a finished layer; ``tree`` is moved to where the layers above find it, and that is answered.

        Several threads may remember the same one at once.
        """
        target = None if tree is None else self.keep_tree(record.inputs, tree)
        place = self._record(record.inputs)
        place.parent.mkdir(parents=True, exist_ok=True)
        made = self.new_work() / "record"
        made.write_text(json.dumps(vars(record), default=vars), encoding="utf-8")
        made.replace(place)
        return target

    def keep_tree(self, inputs: Digest, tree: Path) -> Path:
        """Move a finished folder to where ``tree`` finds it, and answer where that is."""
        target = self._tree(inputs)
        if target.exists():
            # Its record was lost, so it is made anew; the old one becomes a leftover.
            target.rename(self.new_work() / "tree")
        target.parent.mkdir(parents=True, exist_ok=True)
        tree.rename(target)
        return target

    def forget(self, inputs: Digest) -> None:
        """Have the layer made again."""
        self._record(inputs).unlink(missing_ok=True)

    def is_checked(self, compared: Digest) -> bool:
        """Whether ``keep_checked`` was told of it."""
        try:
            os.utime(self._checked(compared))
        except FileNotFoundError:
            return False
        return True

    def keep_checked(self, compared: Digest) -> None:
        """Remember that packages were compared with what the lock says of them, and are that."""
        place = self._checked(compared)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.touch()

    def tree(self, inputs: Digest) -> Path | None:
        """The unpacked layer, if this boot has it."""
        place = self._tree(inputs)
        if not place.is_dir():
            return None
        os.utime(place.parent)
        return place

    def new_work(self) -> Path:
        """An empty folder to make a layer in."""
        work = self._folder / "work" / uuid.uuid4().hex
        work.mkdir(parents=True)
        return work

    def leftovers(self) -> list[Path]:
        """What no running bake needs: works of bakes that ended, other boots' trees, trees beyond the limit."""
        boots = [boot for boot in _listed(self._boots) if boot != self._boot]
        works = [work for work in _listed(self._folder / "work") if not _held(work)]
        return [*works, *boots, *_newest_first(self._boot / "trees")[TREES_KEPT:]]

    def trim(self) -> None:
        """Forget records, checks and packages that were not used for longest, beyond the limits."""
        for record in _newest_first(self._folder / "layers")[RECORDS_KEPT:]:
            record.unlink()
        for checked in _newest_first(self._folder / "checked")[RECORDS_KEPT:]:
            checked.unlink()
        total = 0
        for package in _newest_first(self.packages):
            total += package.stat().st_size
            if total > PACKAGES_KEPT_BYTES:
                package.unlink()

    def _record(self, inputs: Digest) -> Path:
        return self._folder / "layers" / f"{_hex(inputs)}.json"

    def _checked(self, compared: Digest) -> Path:
        return self._folder / "checked" / _hex(compared)

    def _tree(self, inputs: Digest) -> Path:
        # One folder deeper than listed: its own time says when the tree was used, the tree's own belongs to the image.
        return self._boot / "trees" / _hex(inputs) / "tree"


def packages_below(folder: Path) -> Path:
    """Where the bakes of this folder have laid packages without their compression, each by its sha256."""
    return _boot(folder) / "packages"


def _boot(folder: Path) -> Path:
    return folder / "boots" / BOOT_ID.read_text(encoding="ascii").strip()


def _record(content: dict[str, Any]) -> LayerRecord:
    return LayerRecord(
        layer=Layer(content["layer"]),
        inputs=Digest(content["inputs"]),
        digest=Digest(content["digest"]),
        size_bytes=content["size_bytes"],
        skeleton=None if content["skeleton"] is None else Skeleton.read(content["skeleton"]),
        exposed=tuple(Exposed(**exposed) for exposed in content["exposed"]),
        # What an earlier repave kept is plain.
        media_type=content.get("media_type", PLAIN_LAYER),
        difference=content.get("difference"),
    )


def _hex(digest: Digest) -> str:
    return digest.removeprefix("sha256:")


def _listed(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []


def _newest_first(folder: Path) -> list[Path]:
    return sorted(_listed(folder), key=lambda place: (-place.stat().st_mtime, place.name))


def _held(work: Path) -> bool:
    """Whether a job still works there, though its bake was killed."""
    try:
        handle = os.open(work / "held", os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False
