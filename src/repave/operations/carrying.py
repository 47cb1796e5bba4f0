"""Artifacts to other people's registries and from there, with all that is signed of them."""

import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from repave.model.names import Digest
from repave.model.signing import DOCUMENTS, SIGNATURES, name_beside
from repave.operations.errors import Refused
from repave.ports.distribution import DIGEST, Blob, Distribution, Manifest, Reference, Repository
from repave.ports.errors import Corrupt, Gone
from repave.ports.progress import Progress
from repave.ports.registry import Registry

MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"


@dataclass(frozen=True, kw_only=True)
class Carried:
    """One artifact that was carried."""

    digest: Digest
    reference: str
    """Where it is now: of a registry, or by the name it has here."""

    beside: tuple[str, ...]
    """What came along: ``sig``, ``att``."""

    size_bytes: int


class Carrying:
    """Between the registry on this disk and any other. Everything may be called again after a failure."""

    def __init__(self, *, registry: Registry, distribution: Distribution, scratch: Path) -> None:
        """``scratch`` is a folder on the registry's file system."""
        self._registry = registry
        self._distribution = distribution
        self._scratch = scratch

    def push(self, digest: Digest, repository: Repository, tag: str, progress: Progress) -> Carried:
        """Have the artifact there under the tag, its signatures and documents first.

        So that whoever finds the tag finds them. What is there already is not sent again.
        """
        beside = self._beside(digest)
        manifests = [*beside.values(), digest]
        blobs = {blob.digest: blob for manifest in manifests for blob in _blobs(self._registry.read(manifest))}
        size = sum(blob.size_bytes for blob in blobs.values())
        with progress.task(f"Pushing to {repository}", total=size, unit="B") as task:
            for blob in blobs.values():
                self._distribution.upload(repository, blob, self._registry.path(blob.digest), task=task)
        for kind, manifest in beside.items():
            self._distribution.put(repository, self._manifest(manifest), tag=name_beside(digest, kind))
        self._distribution.put(repository, self._manifest(digest), tag=tag)
        return Carried(
            digest=digest,
            reference=str(Reference(repository=repository, tag=tag, digest=digest)),
            beside=tuple(beside),
            size_bytes=size,
        )

    def pull(self, reference: Reference, name: str, progress: Progress) -> Carried:
        """Have the artifact here under the name, with what is signed of it. Raises Refused for an index of several."""
        manifest = self._distribution.manifest(reference)
        if manifest.media_type != MANIFEST_TYPE:
            raise Refused(
                f"{reference} is no OCI image but {manifest.media_type or 'of an unnamed kind'}",
                hint="name one image of it by its digest",
            )
        beside = {kind: found for kind in (SIGNATURES, DOCUMENTS) if (found := self._named(reference, manifest, kind))}
        size = sum(self._fetch(reference.repository, one, progress) for one in (*beside.values(), manifest))
        for kind, one in beside.items():
            self._registry.tag(name_beside(manifest.digest, kind), one.digest)
        self._registry.tag(name, manifest.digest)
        return Carried(digest=manifest.digest, reference=name, beside=tuple(beside), size_bytes=size)

    def _beside(self, digest: Digest) -> dict[str, Digest]:
        found = {}
        for kind in (SIGNATURES, DOCUMENTS):
            with suppress(Gone):
                found[kind] = self._registry.resolve(name_beside(digest, kind))
        return found

    def _named(self, reference: Reference, manifest: Manifest, kind: str) -> Manifest | None:
        tag = name_beside(manifest.digest, kind)
        try:
            return self._distribution.manifest(Reference(repository=reference.repository, tag=tag))
        except Gone:
            return None

    def _manifest(self, digest: Digest) -> Manifest:
        return Manifest(content=self._registry.read(digest), media_type=MANIFEST_TYPE, digest=digest)

    def _fetch(self, repository: Repository, manifest: Manifest, progress: Progress) -> int:
        """Blobs first, each verified on its way; then the manifest that names them."""
        blobs = {blob.digest: blob for blob in _blobs(manifest.content)}
        missing = [blob for blob in blobs.values() if not self._registry.has(blob.digest)]
        with TemporaryDirectory(prefix="pull-", dir=self._scratch) as folder:
            places = [(blob, Path(folder) / blob.digest.removeprefix("sha256:")) for blob in missing]
            self._distribution.fetch(repository, places, progress=progress)
            for _, path in places:
                self._registry.adopt(path)
        self._registry.add(manifest.content)
        return sum(blob.size_bytes for blob in blobs.values())


def _blobs(manifest: bytes) -> Sequence[Blob]:
    try:
        document = json.loads(manifest)
        return tuple(_described(document))
    except (ValueError, KeyError, TypeError, RecursionError) as broken:
        raise Corrupt(f"what should be a manifest names no blobs: {broken!r}") from broken


def _described(document: dict[str, object]) -> Iterator[Blob]:
    layers = document["layers"]
    for descriptor in (document["config"], *(layers if isinstance(layers, list) else ())):
        if not isinstance(descriptor, dict):
            raise TypeError(f"{descriptor!r} is no descriptor")
        digest, size = descriptor["digest"], descriptor["size"]
        if not DIGEST.fullmatch(digest) or not isinstance(size, int):
            raise ValueError(f"{digest!r} is no digest")
        yield Blob(digest=Digest(digest), size_bytes=size)
