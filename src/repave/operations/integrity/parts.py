"""What an image in a registry consists of, and what is said where it does not."""

from dataclasses import dataclass
from pathlib import Path

from repave.model.names import Digest
from repave.ports.errors import Corrupt


@dataclass(frozen=True, kw_only=True)
class Part:
    """One blob that a manifest names."""

    what: str
    """``the configuration``, ``layer 2 (python)``."""

    digest: Digest
    size_bytes: int
    media_type: str
    difference: Digest | None = None
    """Of a layer: the digest of its uncompressed tar."""


@dataclass(frozen=True, kw_only=True)
class ImageParts:
    """What an image consists of."""

    configuration: Part
    layers: tuple[Part, ...]

    @property
    def size_bytes(self) -> int:
        """Of all layers, as stored."""
        return sum(layer.size_bytes for layer in self.layers)


def other_bytes(what: str, wanted: Digest | None, found: Digest, path: Path) -> Corrupt:
    """What to say of a file that does not hold what it should."""
    return Corrupt(f"{what} {wanted} holds other bytes ({found})", hint=hint(path))


def hint(path: Path) -> str:
    """What to do about a file that is not as it should be."""
    return f"remove {path} and look at the disk; then bake its lock again, which gives the same bytes"
