"""Whether an artifact can be made again: baked a second time from nothing, compared byte by byte."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import chain
from typing import Any

from repave.model.artifact import Artifact, ArtifactLayer
from repave.model.lock import Layer
from repave.model.names import Digest, ImageName
from repave.model.recipe import ImageKind
from repave.operations.tar_difference import first_difference, parting
from repave.ports.baker import Baker, BakeRequest
from repave.ports.disk_format import DiskManifest
from repave.ports.progress import Progress
from repave.ports.registry import Registry


@dataclass(frozen=True, kw_only=True)
class Difference:
    """The first thing in which two bakes of one image differ."""

    layer: Layer | None
    """None for the manifest, the configuration and the bootstrap document."""

    path: str
    """Of the file in the layer, where it holds files; for the manifest and the configuration, the key."""

    field: str
    """See ``repave.operations.tar_difference.TarDifference``."""

    first: str
    """In the artifact that was there."""

    second: str
    """In the one made again."""


@dataclass(frozen=True, kw_only=True)
class Reproduction:
    """One image, made again."""

    image: ImageName
    digest: Digest
    again: Digest
    difference: Difference | None

    @property
    def same(self) -> bool:
        """Whether it is the same artifact."""
        return self.digest == self.again


class Reproducing:
    """Makes artifacts again, in a registry that is gone afterwards."""

    def __init__(
        self,
        *,
        bakers: Mapping[ImageKind, Baker],
        registry: Registry,
        scratch: Callable[[], AbstractContextManager[Registry]],
    ) -> None:
        self._bakers = bakers
        self._registry = registry
        self._scratch = scratch

    def reproduce(self, request: BakeRequest, artifact: Artifact, progress: Progress) -> Reproduction:
        """Bake the image again, with nothing that earlier bakes left, and compare. Raises what the baker raises."""
        with self._scratch() as scratch:
            again = self._bakers[artifact.kind].rebake(request, registry=scratch, progress=progress)
            different = again.digest != artifact.digest
            found = difference(artifact, self._registry, again, scratch) if different else None
            return Reproduction(image=artifact.image, digest=artifact.digest, again=again.digest, difference=found)


NO_ARCHIVES = frozenset({Layer.MACHINE, Layer.BOOT})
"""Pieces of disks, kernels and initrds: no names of files are in them."""


def difference(artifact: Artifact, registry: Registry, again: Artifact, scratch: Registry) -> Difference:
    """Where two artifacts with different digests part; each is in the registry that follows it.

    Layers come first, from the lowest up, since the higher ones stand on them; then what is written about them.
    """
    document = _bootstrap(artifact, registry)
    # It names each file beside the disk by its digest, so that it differs with each of them: it is told after them.
    pairs = sorted(zip(artifact.layers, again.layers, strict=False), key=lambda pair: pair[0].digest == document)
    for one, other in pairs:
        if one.layer is not other.layer:
            return Difference(layer=one.layer, path="", field="order", first=one.layer, second=other.layer)
        if one.digest != other.digest and one.digest == document:
            return _of_texts(one, registry, other, scratch)
        if one.digest != other.digest:
            return _of_bytes(one, registry, other, scratch)
    if len(artifact.layers) != len(again.layers):
        counts = [f"{len(each.layers)} layers" for each in (artifact, again)]
        return Difference(layer=None, path="layers", field="presence", first=counts[0], second=counts[1])
    return _of_documents(artifact.digest, registry, again.digest, scratch)


def _bootstrap(artifact: Artifact, registry: Registry) -> Digest | None:
    """The document of a machine that installs itself."""
    if artifact.kind is not ImageKind.VM:
        return None
    document = DiskManifest.parse(registry.read(artifact.digest), f"the manifest of {artifact.image}").document
    return document.digest if document else None


def _of_texts(one: ArtifactLayer, registry: Registry, other: ArtifactLayer, scratch: Registry) -> Difference:
    with registry.path(one.digest).open("rb") as first, scratch.path(other.digest).open("rb") as second:
        found = parting(first, second) or (_damaged(one), other.digest)
    return Difference(layer=None, path="bootstrap document", field="content", first=found[0], second=found[1])


def _of_bytes(one: ArtifactLayer, registry: Registry, other: ArtifactLayer, scratch: Registry) -> Difference:
    if one.layer in NO_ARCHIVES:
        return Difference(layer=one.layer, path="", field="content", first=one.digest, second=other.digest)
    with registry.path(one.digest).open("rb") as first, scratch.path(other.digest).open("rb") as second:
        found = first_difference(first, second)
    if found is None:
        return Difference(layer=one.layer, path="", field="archive", first=_damaged(one), second=other.digest)
    return Difference(layer=one.layer, path=found.path, field=found.field, first=found.first, second=found.second)


def _damaged(one: ArtifactLayer) -> str:
    """The digests do differ, so the bytes kept are no longer those the digest was made of."""
    return f"{one.digest}, but damaged in the registry"


def _of_documents(one: Digest, registry: Registry, other: Digest, scratch: Registry) -> Difference:
    manifests = json.loads(registry.read(one)), json.loads(scratch.read(other))
    configurations = (
        json.loads(registry.read(manifests[0]["config"]["digest"])),
        json.loads(scratch.read(manifests[1]["config"]["digest"])),
    )
    # The manifest names the configuration's digest, so the configuration is told first.
    found = chain(_of_values("configuration", *configurations), _of_values("manifest", *manifests))
    path, first, second = next(found)
    return Difference(layer=None, path=path, field="value", first=first, second=second)


def _of_values(path: str, first: Any, second: Any) -> Iterator[tuple[str, str, str]]:  # noqa: ANN401 - whatever JSON holds
    """Every place at which two JSON documents differ."""
    if isinstance(first, dict) and isinstance(second, dict):
        for key in sorted({*first, *second}):
            yield from _of_values(f"{path}.{key}", first.get(key), second.get(key))
    elif isinstance(first, list) and isinstance(second, list) and len(first) == len(second):
        for index, (one, other) in enumerate(zip(first, second, strict=True)):
            yield from _of_values(f"{path}[{index}]", one, other)
    elif first != second:
        yield path, json.dumps(first), json.dumps(second)
