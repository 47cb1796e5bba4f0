"""A virtual machine's artifact: a disk in pieces, the kernel that can be started without it, and how to start both.

An OCI manifest whose configuration says what each blob holds. The disk is cut where a change of the application leaves
most pieces as they were; pieces of nothing but zeros are left out. Every size and digest in the configuration is of
the content as it lies on the disk, so that whoever puts it together can check it, however the blobs are packed.

A machine that installs itself (`boot: bootstrap`) has on its disk the base alone; beside it are the document that
cloud-init is given at the first start, see ``bootstrap_format``, and the files that it installs, as they are.

Source: OCI Image Format Specification 1.1 (manifest, "Guidelines for Artifact Usage").
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

from repave.model.names import Digest
from repave.ports.distribution import DIGEST
from repave.ports.errors import Invalid
from repave.ports.image_format import Descriptor, descriptor, document

MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
ARTIFACT_TYPE = "application/vnd.repave.vm.v1"
CONFIGURATION_TYPE = "application/vnd.repave.vm.config.v1+json"
PIECE_TYPE = "application/vnd.repave.disk.raw.v1+zstd"
KERNEL_TYPE = "application/vnd.repave.kernel.v1"
INITRD_TYPE = "application/vnd.repave.initrd.v1"
DOCUMENT_TYPE = "application/vnd.repave.bootstrap.v1"
FILE_TYPE = "application/vnd.repave.bootstrap.file.v1"
PARTS = frozenset({PIECE_TYPE, KERNEL_TYPE, INITRD_TYPE, DOCUMENT_TYPE, FILE_TYPE})

ENVIRONMENT_ARGUMENT = "repave.environment"
"""On the kernel's command line: one of the disks is an ISO 9660 file system with `ENVIRONMENT_NAME`."""

ENVIRONMENT_NAME = "environment"
"""The file with the machine's variables, as systemd.exec(5) reads them."""

ENVIRONMENT_FILE = "/run/repave/environment"
"""Where a machine has them: in memory, never on the disk that was baked."""

SECTOR_BYTES = 512
LARGEST_DISK_BYTES = 1 << 44
"""16 TiB: what ext4 with blocks of 4 KiB can hold."""

FIRMWARE = frozenset({"uefi", "bios"})
WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


@dataclass(frozen=True, kw_only=True)
class Content:
    """Bytes as they are on the disk or in memory, unpacked."""

    digest: Digest
    size: int
    """In bytes."""


@dataclass(frozen=True, kw_only=True)
class Piece(Content):
    """A part of the disk."""

    offset: int
    """Where on the disk it begins, in bytes."""


@dataclass(frozen=True, kw_only=True)
class Bootstrap:
    """What a machine that installs itself is given beside its disk."""

    document: Content
    files: tuple[Content, ...]

    @property
    def contents(self) -> tuple[Content, ...]:
        """All of it, in the manifest's order."""
        return (self.document, *self.files)


@dataclass(frozen=True, kw_only=True)
class DiskConfiguration:
    """What the machine is: what its firmware must be, what is on its disk, and how its kernel is started directly."""

    architecture: str
    """As Debian names it: ``amd64``."""

    firmware: tuple[str, ...]
    """What the disk boots with unchanged: ``uefi``, ``bios``."""

    disk_bytes: int
    """Size of the whole disk; what no piece covers is zeros."""

    pieces: tuple[Piece, ...]
    """In the disk's order, without overlap."""

    kernel: Content
    initrd: Content | None
    arguments: str
    """The kernel's command line."""

    data_sources: tuple[str, ...]
    """Where the machine looks for its configuration at its first start, by cloud-init's names."""

    takes_environment: bool = False
    """Whether its initrd knows `ENVIRONMENT_ARGUMENT`; older ones may not."""

    needs_cloud_init: bool = False
    """Whether its first start has more to do than taking its variables. Those that know no argument need it anyhow."""

    starts_cold: str | None = None
    """Why it cannot go on from saved memory as another machine, see ``identity_format``: "" where it can, None of older
    ones, which cannot."""

    bootstrap: Bootstrap | None = None
    """None of a machine whose disk has all of it."""

    @property
    def contents(self) -> tuple[Content, ...]:
        """What each blob of the manifest holds, in its order."""
        initrd = (self.initrd,) if self.initrd else ()
        return (*self.pieces, self.kernel, *initrd, *(self.bootstrap.contents if self.bootstrap else ()))

    def content(self) -> bytes:
        """The document, always the same for the same machine."""
        return _canonical(
            {
                "architecture": self.architecture,
                "os": "linux",
                "firmware": list(self.firmware),
                "disk": {
                    "format": "raw",
                    "size": self.disk_bytes,
                    "pieces": [asdict(piece) for piece in self.pieces],
                },
                "kernel": {**asdict(self.kernel), "arguments": self.arguments},
                "initrd": asdict(self.initrd) if self.initrd else None,
                "data_sources": list(self.data_sources),
                "takes_environment": self.takes_environment,
                "needs_cloud_init": self.needs_cloud_init,
                "starts_cold": self.starts_cold,
                **({"bootstrap": asdict(self.bootstrap)} if self.bootstrap else {}),
            }
        )

    @classmethod
    def parse(cls, content: bytes, what: str) -> Self:
        """Read the document; ``what`` is for people. Raises Invalid for what no disk can be made of."""
        said = document(content, what)
        disk, kernel = _mapping(said, "disk", what), _mapping(said, "kernel", what)
        if disk.get("format") != "raw":
            raise Invalid(f"{what} has a disk of the format {disk.get('format')!r}, which cannot be read")
        found = cls(
            architecture=str(said.get("architecture") or ""),
            firmware=_words(said.get("firmware"), what),
            disk_bytes=_bytes(disk.get("size"), what),
            pieces=tuple(_piece(piece, what) for piece in _list(disk.get("pieces"), what)),
            kernel=_content(kernel, what),
            initrd=_content(said["initrd"], what) if said.get("initrd") else None,
            arguments=_line(kernel.get("arguments"), what, "the kernel's command line"),
            data_sources=_words(said.get("data_sources"), what),
            takes_environment=said.get("takes_environment") is True,
            needs_cloud_init=said.get("needs_cloud_init") is True,
            starts_cold=_line(why, what, "why it starts cold")
            if (why := said.get("starts_cold")) is not None
            else None,
            bootstrap=_bootstrap(_mapping(said, "bootstrap", what), what) if said.get("bootstrap") else None,
        )
        _check(found, what)
        return found


@dataclass(frozen=True, kw_only=True)
class DiskManifest:
    """Which blobs hold it: one for each piece, in the configuration's order."""

    configuration: Descriptor
    pieces: tuple[Descriptor, ...]
    kernel: Descriptor
    initrd: Descriptor | None
    document: Descriptor | None = None
    """With ``files``: of a machine that installs itself."""

    files: tuple[Descriptor, ...] = ()

    @property
    def blobs(self) -> tuple[Descriptor, ...]:
        """Every part, in the manifest's order."""
        alone = (self.kernel, self.initrd, self.document)
        return (*self.pieces, *(blob for blob in alone if blob), *self.files)

    def content(self, *, annotations: Mapping[str, str]) -> bytes:
        """The manifest, always the same for the same blobs."""
        return _canonical(
            {
                "schemaVersion": 2,
                "mediaType": MANIFEST_TYPE,
                "artifactType": ARTIFACT_TYPE,
                "config": _described(self.configuration),
                "layers": [_described(blob) for blob in self.blobs],
                "annotations": dict(annotations),
            }
        )

    @classmethod
    def parse(cls, content: bytes, what: str) -> Self:
        """Read a manifest; ``what`` is for people. Raises Invalid."""
        said = document(content, what)
        if said.get("artifactType") != ARTIFACT_TYPE:
            raise Invalid(f"{what} is no virtual machine", hint=f"its manifest would say {ARTIFACT_TYPE}")
        layers = [descriptor(layer, what) for layer in _list(said.get("layers"), what)]
        kinds = [layer.media_type for layer in layers]
        strange = next((kind for kind in kinds if kind not in PARTS), None)
        if strange is not None:
            raise Invalid(f"{what} has a part of the kind {strange!r}, which this version cannot read")
        if kinds.count(KERNEL_TYPE) != 1 or kinds.count(INITRD_TYPE) > 1:
            raise Invalid(f"{what} must have one kernel, and at most one initrd")
        if kinds.count(DOCUMENT_TYPE) > 1 or (FILE_TYPE in kinds and DOCUMENT_TYPE not in kinds):
            raise Invalid(f"{what} must have one document that its files are for, or neither")
        return cls(
            configuration=descriptor(said.get("config"), what),
            pieces=tuple(layer for layer in layers if layer.media_type == PIECE_TYPE),
            kernel=next(layer for layer in layers if layer.media_type == KERNEL_TYPE),
            initrd=next((layer for layer in layers if layer.media_type == INITRD_TYPE), None),
            document=next((layer for layer in layers if layer.media_type == DOCUMENT_TYPE), None),
            files=tuple(layer for layer in layers if layer.media_type == FILE_TYPE),
        )


def is_disk(content: bytes, what: str) -> bool:
    """Whether the manifest is of a virtual machine; raises Invalid for what is no manifest at all."""
    return document(content, what).get("artifactType") == ARTIFACT_TYPE


def _check(found: DiskConfiguration, what: str) -> None:
    if not found.firmware or not FIRMWARE.issuperset(found.firmware):
        raise Invalid(f"{what} says it starts with {', '.join(found.firmware) or 'nothing'}: uefi and bios are known")
    if not 0 < found.disk_bytes <= LARGEST_DISK_BYTES or found.disk_bytes % SECTOR_BYTES:
        raise Invalid(f"{what} has a disk of {found.disk_bytes} bytes: no whole number of sectors, or too large")
    end = 0
    for piece in found.pieces:
        if piece.offset < end or not piece.size or piece.offset + piece.size > found.disk_bytes:
            raise Invalid(
                f"{what} has a piece of its disk at {piece.offset} that overlaps another, or lies beyond the end"
            )
        end = piece.offset + piece.size


def _canonical(content: Mapping[str, Any]) -> bytes:
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _described(blob: Descriptor) -> dict[str, Any]:
    return {"mediaType": blob.media_type, "digest": blob.digest, "size": blob.size_bytes}


def _mapping(said: Mapping[str, Any], key: str, what: str) -> Mapping[str, Any]:
    value = said.get(key)
    if not isinstance(value, dict):
        raise Invalid(f"{what} says nothing of its {key}")
    return value


def _list(value: object, what: str) -> Sequence[Any]:
    if not isinstance(value, list):
        raise Invalid(f"{what} lacks a list of its parts")
    return value


def _bytes(value: object, what: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise Invalid(f"{what} says {value!r} where a number of bytes must be")
    return value


def _words(value: object, what: str) -> tuple[str, ...]:
    words = _list(value, what)
    for word in words:
        if not isinstance(word, str) or not WORD.fullmatch(word):
            raise Invalid(f"{what} says {word!r} where a plain word must be")
    return tuple(words)


def _line(value: object, what: str, wanted: str) -> str:
    if not isinstance(value, str) or not value.isprintable():
        raise Invalid(f"{what} says {value!r} where {wanted} must be")
    return value


def _content(said: object, what: str) -> Content:
    digest, size = _known(said, what)
    return Content(digest=digest, size=size)


def _piece(said: object, what: str) -> Piece:
    digest, size = _known(said, what)
    offset = said.get("offset") if isinstance(said, dict) else None
    return Piece(digest=digest, size=size, offset=_bytes(offset, what))


def _bootstrap(said: Mapping[str, Any], what: str) -> Bootstrap:
    files = tuple(_content(file, what) for file in _list(said.get("files"), what))
    return Bootstrap(document=_content(said.get("document"), what), files=files)


def _known(said: object, what: str) -> tuple[Digest, int]:
    digest = said.get("digest") if isinstance(said, dict) else None
    if not isinstance(said, dict) or not isinstance(digest, str) or not DIGEST.fullmatch(digest):
        raise Invalid(f"{what} names a content without its digest", hint="only sha256 digests are read")
    return Digest(digest), _bytes(said.get("size"), what)
