"""The bytes of one layer of an image: as stored, and uncompressed."""

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from repave.archives.compression import Compression, unpacked
from repave.archives.errors import BadArchive
from repave.archives.layers import COMPRESSIONS, HINT
from repave.archives.rules import ROOT_FILESYSTEM
from repave.model.names import Digest
from repave.operations.integrity.parts import Part, hint, other_bytes
from repave.ports.disk_format import DOCUMENT_TYPE, FILE_TYPE, INITRD_TYPE, KERNEL_TYPE, PIECE_TYPE
from repave.ports.errors import Corrupt
from repave.ports.progress import Task

CHUNK_BYTES = 1024 * 1024
PACKED = {
    **COMPRESSIONS,
    PIECE_TYPE: Compression.ZSTD,
    KERNEL_TYPE: Compression.NONE,
    INITRD_TYPE: Compression.NONE,
    DOCUMENT_TYPE: Compression.NONE,
    FILE_TYPE: Compression.NONE,
}
"""How each part of an image is compressed, by its media type."""


def read_content(layer: Part, path: Path, task: Task) -> None:
    """All of a layer that is in this file. Raises Corrupt."""
    found = _digest_of(_advancing(_stored(path), task))
    if found != layer.digest:
        raise other_bytes(layer.what, layer.digest, found, path)
    # Only now: nothing is decompressed that is not what was promised.
    kind = PACKED.get(layer.media_type)
    if kind is None:
        raise Corrupt(
            f"{layer.what} {layer.digest} is of the kind {layer.media_type}, which cannot be read here", hint=HINT
        )
    if kind is not Compression.NONE:
        try:
            found = _digest_of(_unpacked(path, kind, f"{layer.what} {layer.digest}"))
        except BadArchive as error:
            raise Corrupt(error.message, hint=hint(path)) from error
    if found != layer.difference:
        raise other_bytes(f"{layer.what}, uncompressed,", layer.difference, found, path)


def _stored(path: Path) -> Iterator[bytes]:
    with path.open("rb") as stream:
        while chunk := stream.read(CHUNK_BYTES):
            yield chunk


def _advancing(chunks: Iterator[bytes], task: Task) -> Iterator[bytes]:
    for chunk in chunks:
        task.advance(len(chunk))
        yield chunk


def _unpacked(path: Path, kind: Compression, name: str) -> Iterator[bytes]:
    with path.open("rb") as stream:
        plain = unpacked(stream, kind, name=name, rules=ROOT_FILESYSTEM)
        while chunk := plain.read(CHUNK_BYTES):
            yield chunk


def _digest_of(chunks: Iterator[bytes]) -> Digest:
    hashed = sha256()
    for chunk in chunks:
        hashed.update(chunk)
    return Digest(f"sha256:{hashed.hexdigest()}")
