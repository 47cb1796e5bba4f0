"""Images of registries as their documents describe them: which platforms, which configuration, which layers.

Source: OCI Image Format Specification 1.1 (image index, manifest, configuration); Docker's Image Manifest V2, Schema 2,
which is the same in other words. All of it is written by strangers: what is not as it must be is refused by name.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from repave.model.names import Digest
from repave.ports.distribution import DIGEST
from repave.ports.errors import Invalid

INDEX_TYPES = frozenset(
    {"application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json"}
)
LAYERS = {
    "application/vnd.oci.image.layer.v1.tar": "tar",
    "application/vnd.oci.image.layer.v1.tar+gzip": "tar.gz",
    "application/vnd.oci.image.layer.v1.tar+zstd": "tar.zst",
    "application/vnd.docker.image.rootfs.diff.tar": "tar",
    "application/vnd.docker.image.rootfs.diff.tar.gzip": "tar.gz",
}
"""Media types of layers that can be read, and how each is packed."""

PORT = re.compile(r"[0-9]{1,5}(?:-[0-9]{1,5})?(?:/(?:tcp|udp|sctp))?")
SIGNAL = re.compile(r"[A-Z0-9+-]{1,16}")

MOST_LAYERS = 48
"""Overlayfs takes their names in one page of 4,096 bytes, 65 bytes each, and ours come on top."""

LARGEST_BLOB_BYTES = 32 << 30


@dataclass(frozen=True, kw_only=True)
class Descriptor:
    """One blob that a document names."""

    digest: Digest
    size_bytes: int
    media_type: str


@dataclass(frozen=True, kw_only=True)
class Platform:
    """One of the images that an index names."""

    architecture: str
    os: str
    variant: str
    manifest: Descriptor

    @property
    def title(self) -> str:
        """``linux/arm64``, as people write it."""
        return "/".join(part for part in (self.os, self.architecture, self.variant) if part)


@dataclass(frozen=True, kw_only=True)
class ImageManifest:
    """What one image for one platform consists of."""

    configuration: Descriptor
    layers: tuple[Descriptor, ...]

    @classmethod
    def parse(cls, content: bytes, what: str) -> Self:
        """Read a manifest; ``what`` is for people. Raises Invalid."""
        said = document(content, what)
        layers = said.get("layers")
        if not isinstance(layers, list) or not isinstance(said.get("config"), dict):
            raise Invalid(f"{what} is no image: its manifest names no configuration and layers")
        if len(layers) > MOST_LAYERS:
            raise Invalid(f"{what} has {len(layers)} layers: more than {MOST_LAYERS} cannot be stacked")
        found = cls(
            configuration=descriptor(said["config"], what),
            layers=tuple(descriptor(layer, what) for layer in layers),
        )
        for layer in found.layers:
            if layer.media_type not in LAYERS:
                raise Invalid(
                    f"{what} has a layer of the kind {layer.media_type!r}, which cannot be read",
                    hint="layers are read as plain tar, gzip and zstd: push the image again with one of these",
                )
        return found


@dataclass(frozen=True, kw_only=True)
class ImageConfiguration:
    """What an image says of itself."""

    architecture: str
    os: str
    variant: str
    differences: tuple[Digest, ...]
    """Digests of the layers' uncompressed tars, lowest first."""

    runs: Mapping[str, Any]
    """``config``: what is run, and how. Whoever built the image wrote it: what has no sense is not taken."""

    @property
    def folder(self) -> str:
        """Where programs start; empty where the image does not say."""
        said = self.runs.get("WorkingDir")
        return said if isinstance(said, str) and _plain(said) else ""

    @property
    def labels(self) -> Mapping[str, str]:
        """What the image is labelled."""
        said = self.runs.get("Labels")
        pairs = said.items() if isinstance(said, dict) else ()
        return {name: value for name, value in pairs if isinstance(value, str)}

    @property
    def ports(self) -> tuple[str, ...]:
        """Where its programs listen, as ``80/tcp``; sorted."""
        said = self.runs.get("ExposedPorts")
        return tuple(sorted(port for port in said if PORT.fullmatch(port))) if isinstance(said, dict) else ()

    @property
    def stop_signal(self) -> str:
        """What tells its program to end; empty for the usual."""
        said = self.runs.get("StopSignal")
        return said if isinstance(said, str) and SIGNAL.fullmatch(said) else ""

    @property
    def environment(self) -> Mapping[str, str]:
        """Variables that the image sets."""
        said = self.runs.get("Env")
        pairs = (text.partition("=") for text in said if isinstance(text, str)) if isinstance(said, list) else ()
        return {name: value for name, _, value in pairs if name and "\0" not in name + value}

    @property
    def volumes(self) -> tuple[str, ...]:
        """Folders in which the image wants to keep data."""
        said = self.runs.get("Volumes")
        return tuple(sorted(said)) if isinstance(said, dict) else ()

    @classmethod
    def parse(cls, content: bytes, what: str) -> Self:
        """Read a configuration; ``what`` is for people. Raises Invalid."""
        said = document(content, what)
        files = said.get("rootfs")
        differences = files.get("diff_ids") if isinstance(files, dict) else None
        if not isinstance(differences, list) or not all(
            isinstance(digest, str) and DIGEST.fullmatch(digest) for digest in differences
        ):
            raise Invalid(f"{what} does not say which layers it has: its configuration has no digests of them")
        runs = said.get("config")
        found = cls(
            architecture=str(said.get("architecture") or ""),
            os=str(said.get("os") or ""),
            variant=str(said.get("variant") or ""),
            differences=tuple(Digest(digest) for digest in differences),
            runs=runs if isinstance(runs, dict) else {},
        )
        for path in found.volumes:
            if not _plain(path):
                raise Invalid(f"{what} declares the volume {path!a}, which is no absolute path")
        return found


def _plain(path: str) -> bool:
    """Whether it is an absolute path that leads down only."""
    return path.startswith("/") and ".." not in path.split("/") and path.isprintable()


def platforms(content: bytes, what: str) -> tuple[Platform, ...]:
    """The images that an index names, in its order. Raises Invalid."""
    manifests = document(content, what).get("manifests")
    if not isinstance(manifests, list):
        raise Invalid(f"{what} is an index that names no images")
    found = []
    for entry in manifests:
        said = entry.get("platform") if isinstance(entry, dict) else None
        if isinstance(said, dict):
            found.append(
                Platform(
                    architecture=str(said.get("architecture") or ""),
                    os=str(said.get("os") or ""),
                    variant=str(said.get("variant") or ""),
                    manifest=descriptor(entry, what),
                )
            )
    return tuple(found)


def is_index(content: bytes, media_type: str) -> bool:
    """Whether it names images for several platforms; registries do not always say."""
    if media_type in INDEX_TYPES:
        return True
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        return False
    return isinstance(found, dict) and "manifests" in found and "layers" not in found


def document(content: bytes, what: str) -> dict[str, Any]:
    """A document of an image as JSON has it; ``what`` is for people. Raises Invalid."""
    try:
        found = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise Invalid(f"{what} is no image: {error}") from error
    if not isinstance(found, dict):
        raise Invalid(f"{what} is no image: its document is no JSON object")
    return found


def descriptor(said: object, what: str) -> Descriptor:
    """The blob that a document names; ``what`` is for people. Raises Invalid."""
    if isinstance(said, dict):
        digest, size, kind = said.get("digest"), said.get("size"), said.get("mediaType")
        if isinstance(digest, str) and DIGEST.fullmatch(digest) and isinstance(size, int) and isinstance(kind, str):
            if not 0 <= size <= LARGEST_BLOB_BYTES:
                raise Invalid(f"{what} names a blob of {size} bytes: at most {LARGEST_BLOB_BYTES} are taken")
            return Descriptor(digest=Digest(digest), size_bytes=size, media_type=kind)
    raise Invalid(f"{what} names a blob without digest, size and kind", hint="only sha256 digests are read")
