"""What lies on a disk, from front to back, verified before anybody sees it."""

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import sha256

from repave.archives.compression import Compression, unpacked
from repave.archives.errors import BadArchive
from repave.archives.rules import ROOT_FILESYSTEM
from repave.model.names import Digest
from repave.ports.disk_format import DiskConfiguration, DiskManifest, Piece
from repave.ports.errors import Corrupt, Invalid
from repave.ports.image_format import Descriptor
from repave.ports.registry import Registry

BLOCK_BYTES = 1 << 16
"""The unit in which holes are kept, which is QEMU's and VMware's own."""

Blocks = Iterator[tuple[int, bytes]]
"""Where each block begins, a multiple of `BLOCK_BYTES`, and all of it; those of nothing but zeros are left out."""


@dataclass(frozen=True, kw_only=True)
class Disk:
    """One disk as it is written."""

    identity: Digest
    """Of the artifact: what formats want to be unique is derived from it."""

    size: int
    """In bytes."""

    blocks: Blocks
    """Can be gone through once."""


def disk_of(digest: Digest, registry: Registry, advance: Callable[[int], None]) -> Disk:
    """The disk of an artifact; ``advance`` is told the bytes of each piece. Raises Invalid, Gone, Corrupt when read."""
    what = f"the artifact {digest}"
    manifest = DiskManifest.parse(registry.read(digest), what)
    said = DiskConfiguration.parse(registry.read(manifest.configuration.digest), what)
    if len(manifest.pieces) != len(said.pieces):
        raise Corrupt(f"{what} has other parts than its configuration says", hint="bake the image again")
    pieces = zip(manifest.pieces, said.pieces, strict=True)

    def blocks() -> Blocks:
        for blob, piece in pieces:
            yield from _blocks(piece, _content(blob, piece, registry))
            advance(piece.size)

    return Disk(identity=digest, size=said.disk_bytes, blocks=blocks())


def _blocks(piece: Piece, content: bytes) -> Blocks:
    if piece.offset % BLOCK_BYTES:
        raise Invalid(f"a piece of the disk begins at {piece.offset}, which is no multiple of {BLOCK_BYTES}")
    for start in range(0, len(content), BLOCK_BYTES):
        block = content[start : start + BLOCK_BYTES]
        if block.strip(b"\0"):
            yield piece.offset + start, block.ljust(BLOCK_BYTES, b"\0")


def _content(blob: Descriptor, piece: Piece, registry: Registry) -> bytes:
    """One piece, whole in memory. Raises Corrupt for other bytes than promised."""
    name = f"the part {blob.digest}"
    stored = registry.read(blob.digest)
    _check(name, blob.digest, stored)
    plain = unpacked(io.BytesIO(stored), Compression.ZSTD, name=name, rules=ROOT_FILESYSTEM)
    content = bytearray()
    try:
        while len(content) <= piece.size and (chunk := plain.read(piece.size + 1 - len(content))):
            content += chunk
    except BadArchive as bad:
        raise Corrupt(bad.message, hint="bake the image again") from bad
    _check(name, piece.digest, content)
    return bytes(content)


def _check(name: str, wanted: Digest, content: bytes | bytearray) -> None:
    found = f"sha256:{sha256(content).hexdigest()}"
    if found != wanted:
        raise Corrupt(
            f"{name} is refused: its bytes have the digest {found}, not {wanted}", hint="bake the image again"
        )
