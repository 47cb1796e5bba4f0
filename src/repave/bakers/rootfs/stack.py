"""The layers of one bake, as they come: from the lowest up."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from repave.bakers.rootfs.cache import LayerRecord
from repave.bakers.rootfs.skeleton import Skeleton
from repave.model.lock import Layer
from repave.model.names import Digest

FORMAT = 1
"""Counts up whenever the same inputs would give other bytes: older layers are then not taken for new ones."""


SYSTEM = frozenset({Layer.BASE, Layer.PLATFORM})
"""The layers of Debian packages: kept unpacked, for what is installed above needs them."""


@dataclass(frozen=True, kw_only=True)
class Laid:
    """One layer of the stack."""

    record: LayerRecord
    cached: bool
    tree: Path | None
    """Unpacked, if it is Debian packages and has not been swept away."""


class TreesLost(Exception):
    """Layers are in the registry, but no longer unpacked, and one above must be made."""

    def __init__(self, lost: tuple[LayerRecord, ...]) -> None:
        super().__init__(", ".join(record.layer for record in lost))
        self.lost = lost


class Stack:
    """Grows by one layer at a time; knows what the next one stands on."""

    def __init__(self) -> None:
        self.laid: list[Laid] = []
        self.skeleton = Skeleton()
        self.system = Skeleton()
        """Of the Debian packages alone."""

    def inputs(self, layer: Layer, content: object) -> Digest:
        """The digest of all that determines the layer's bytes: what goes in, and what it stands on."""
        return inputs_of(layer, [laid.record.digest for laid in self.laid], content)

    def add(self, record: LayerRecord, *, tree: Path | None, cached: bool) -> None:
        """Lay it on top."""
        self.laid.append(Laid(record=record, cached=cached, tree=tree))
        self.skeleton = record.skeleton or self.skeleton
        if record.layer in SYSTEM:
            self.system = self.skeleton

    def trees(self) -> list[Path]:
        """The unpacked layers of Debian packages, topmost first, as overlayfs wants them; raises TreesLost."""
        system = [laid for laid in self.laid if laid.record.layer in SYSTEM]
        lost = tuple(laid.record for laid in system if laid.tree is None)
        if lost:
            raise TreesLost(lost)
        return [laid.tree for laid in reversed(system) if laid.tree is not None]

    @property
    def others(self) -> tuple[LayerRecord, ...]:
        """The layers that ``trees`` does not have, lowest first: they are above those, and nowhere unpacked."""
        return tuple(laid.record for laid in self.laid if laid.record.layer not in SYSTEM)

    @property
    def records(self) -> tuple[LayerRecord, ...]:
        """The layers, lowest first."""
        return tuple(laid.record for laid in self.laid)


def inputs_of(layer: Layer, below: Sequence[Digest], content: object) -> Digest:
    """The digest of what goes in, and of what it stands on, lowest first."""
    text = json.dumps([FORMAT, layer, below, content], separators=(",", ":"))
    return Digest(f"sha256:{sha256(text.encode()).hexdigest()}")
