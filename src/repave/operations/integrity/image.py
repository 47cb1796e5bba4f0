"""One image in a registry, read from the manifest down: every blob by digest and size, every layer also uncompressed.

Source: OCI Image Format Specification 1.1 (descriptors, manifest, configuration).
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from repave.archives.compression import Compression, unpacked
from repave.archives.errors import BadArchive
from repave.archives.layers import COMPRESSIONS, HINT
from repave.archives.rules import ROOT_FILESYSTEM
from repave.model.names import Digest
from repave.ports.disk_format import (
    ARTIFACT_TYPE,
    DOCUMENT_TYPE,
    FILE_TYPE,
    INITRD_TYPE,
    KERNEL_TYPE,
    PIECE_TYPE,
    DiskConfiguration,
)
from repave.ports.errors import Corrupt, Gone, Invalid
from repave.ports.progress import Task
from repave.ports.registry import Registry

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

ALONE = {KERNEL_TYPE: "the kernel", INITRD_TYPE: "the initrd", DOCUMENT_TYPE: "the bootstrap document"}
"""What a machine has one of, by its media type, for people."""

LARGEST_DOCUMENT_BYTES = 4 * 1024 * 1024
"""Of a manifest or configuration; see the registries' own limit."""


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


class ImageReader:
    """Reads images of one registry. All raise Gone and Corrupt, whose words name the part and its file."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def parts(self, manifest: Digest) -> ImageParts:
        """Manifest and configuration, verified; the layers are there and have their size."""
        path = self._path("the manifest", manifest)
        document = self._document("the manifest", manifest, path)
        named = document.get("config"), document.get("layers")
        if document.get("schemaVersion") != 2 or not isinstance(named[1], list):  # noqa: PLR2004 - the specification's
            raise Corrupt(f"the manifest {manifest} is no image's", hint=_hint(path))
        configuration = _part("the configuration", named[0], path)
        place = self._sized(configuration)
        told = self._document("the configuration", configuration.digest, place)
        disk = document.get("artifactType") == ARTIFACT_TYPE
        differences = _contents(told, place) if disk else _differences(told, place)
        if len(differences) != len(named[1]):
            raise Corrupt(
                f"the configuration {configuration.digest} has {len(differences)} layers, "
                f"the manifest {manifest} {len(named[1])}",
                hint=_hint(place),
            )
        layers = tuple(
            _part(_piece_title(number, layer) if disk else _title(number, layer), layer, path, difference)
            for number, (layer, difference) in enumerate(zip(named[1], differences, strict=True), 1)
        )
        for layer in layers:
            self._sized(layer)
        return ImageParts(configuration=configuration, layers=layers)

    def read(self, layer: Part, task: Task) -> None:
        """All of a layer, as stored and uncompressed."""
        path = self._sized(layer)
        found = _digest_of(_advancing(_stored(path), task))
        if found != layer.digest:
            raise _other(layer.what, layer.digest, found, path)
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
                raise Corrupt(error.message, hint=_hint(path)) from error
        if found != layer.difference:
            raise _other(f"{layer.what}, uncompressed,", layer.difference, found, path)

    def _path(self, what: str, digest: Digest) -> Path:
        try:
            return self._registry.path(digest)
        except Gone as error:
            raise Gone(f"{what} {error.message}", hint="bake it again from its lock: the same lock gives it") from error

    def _sized(self, part: Part) -> Path:
        path = self._path(part.what, part.digest)
        size = path.stat().st_size
        if size != part.size_bytes:
            told = f"{part.what} {part.digest} has {size} bytes, not {part.size_bytes} as the manifest says"
            raise Corrupt(told, hint=_hint(path))
        return path

    def _document(self, what: str, digest: Digest, path: Path) -> dict[str, Any]:
        if path.stat().st_size > LARGEST_DOCUMENT_BYTES:
            raise Corrupt(f"{what} {digest} has {path.stat().st_size} bytes: too many to be one", hint=_hint(path))
        content = path.read_bytes()
        found = Digest(f"sha256:{sha256(content).hexdigest()}")
        if found != digest:
            raise _other(what, digest, found, path)
        try:
            document = json.loads(content)
        except (ValueError, RecursionError) as error:
            raise Corrupt(f"{what} {digest} is no JSON: {error}", hint=_hint(path)) from error
        if not isinstance(document, dict):
            raise Corrupt(f"{what} {digest} is no JSON object", hint=_hint(path))
        return document


def _part(what: str, said: object, path: Path, difference: Digest | None = None) -> Part:
    if isinstance(said, dict):
        digest, size, kind = said.get("digest"), said.get("size"), said.get("mediaType")
        if isinstance(digest, str) and isinstance(size, int) and isinstance(kind, str):
            return Part(what=what, digest=Digest(digest), size_bytes=size, media_type=kind, difference=difference)
    raise Corrupt(f"the manifest in {path} does not say what {what} is", hint=_hint(path))


def _differences(configuration: dict[str, Any], path: Path) -> list[Digest]:
    files = configuration.get("rootfs")
    named = files.get("diff_ids") if isinstance(files, dict) else None
    if not isinstance(named, list) or not all(isinstance(digest, str) for digest in named):
        raise Corrupt(f"the configuration in {path} does not say which layers it has", hint=_hint(path))
    return [Digest(digest) for digest in named]


def _contents(configuration: dict[str, Any], path: Path) -> list[Digest]:
    """Of a virtual machine: the pieces of its disk as they lie there, its kernel, its initrd, what it installs."""
    try:
        machine = DiskConfiguration.parse(json.dumps(configuration).encode(), f"the configuration in {path}")
    except Invalid as error:
        raise Corrupt(error.message, hint=_hint(path)) from error
    return [content.digest for content in machine.contents]


def _piece_title(number: int, layer: object) -> str:
    kind = layer.get("mediaType") if isinstance(layer, dict) else None
    if kind == FILE_TYPE:
        return f"file {number}"
    return ALONE.get(str(kind), f"piece {number} of the disk")


def _title(number: int, layer: object) -> str:
    annotations = layer.get("annotations") if isinstance(layer, dict) else None
    name = annotations.get("repave.layer") if isinstance(annotations, dict) else None
    return f"layer {number} ({name})" if isinstance(name, str) else f"layer {number}"


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


def _other(what: str, wanted: Digest | None, found: Digest, path: Path) -> Corrupt:
    return Corrupt(f"{what} {wanted} holds other bytes ({found})", hint=_hint(path))


def _hint(path: Path) -> str:
    return f"remove {path} and look at the disk; then bake its lock again, which gives the same bytes"
