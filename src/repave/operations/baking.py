"""From the lock to artifacts and a release of them."""

from collections.abc import Mapping
from dataclasses import dataclass

from repave.config.recipes import recipe_content
from repave.model.artifact import Artifact
from repave.model.guards import Judged
from repave.model.lock import Lock
from repave.model.names import Digest, ImageName
from repave.model.project import Project
from repave.model.recipe import ImageKind
from repave.model.release import Bake, Release
from repave.operations.documents import Documents
from repave.operations.errors import Refused
from repave.operations.guards.judging import judge_artifact, judge_files, stop_at
from repave.operations.integrity.records import artifact_name
from repave.ports.attachments import Attached
from repave.ports.baker import Baker, BakeRequest
from repave.ports.catalog import Catalog
from repave.ports.clock import Clock
from repave.ports.inventories import Made
from repave.ports.progress import Progress
from repave.ports.registry import Registry
from repave.ports.vault import Vault


@dataclass(frozen=True, kw_only=True)
class Signed:
    """One artifact that was signed."""

    image: ImageName
    digest: Digest
    documents: tuple[str, ...]
    """Kinds of the documents that were signed with it."""


@dataclass(frozen=True, kw_only=True)
class Baked:
    """What one bake made, or found made."""

    release: Release
    new: bool
    """False when the newest release held just this already."""

    artifacts: tuple[Artifact, ...]
    tags: tuple[str, ...]
    documents: Mapping[ImageName, tuple[Attached, ...]]
    """By image, what is kept beside its artifact: what it is made of, and how it was made."""

    judged: Mapping[ImageName, tuple[Judged, ...]]
    """By image, what the guards saw; nothing of it stops."""

    bake: Bake
    """When, and how much of it was there already."""

    signed: tuple[Signed, ...] = ()
    """Empty when the project declares no key."""


@dataclass(frozen=True, kw_only=True)
class Shelves:
    """Where what is baked comes from, and where it is kept."""

    vault: Vault
    registry: Registry
    documents: Documents
    catalog: Catalog


class Baking:
    """Makes releases of one project."""

    def __init__(self, *, project: Project, bakers: Mapping[ImageKind, Baker], shelves: Shelves, clock: Clock) -> None:
        self._project = project
        self._bakers = bakers
        self._vault = shelves.vault
        self._registry = shelves.registry
        self._documents = shelves.documents
        self._catalog = shelves.catalog
        self._clock = clock

    def bake(self, lock: Lock, digest: Digest, source: str, progress: Progress) -> Baked:
        """Bake every image of the lock and keep its documents; record lock, artifacts, release and bake, in that order.

        May be called again after any failure; the same lock again is the same release. Raises Guarded, before anything
        is recorded, for what must not go into an image.
        """
        began = self._clock.now()
        images = self._project.images
        files = {name: judge_files(image, lock.files_of(name), self._vault) for name, image in images.items()}
        stop_at(files)
        artifacts = {name: self._one(name, lock, progress) for name in self._project.images}
        exposed = {name: judge_artifact(images[name], artifact) for name, artifact in artifacts.items()}
        stop_at(exposed)
        documents = {name: self._document(artifact, lock, digest, progress) for name, artifact in artifacts.items()}
        now = self._clock.now()
        self._catalog.add_lock(digest, lock, now)
        for artifact in artifacts.values():
            self._catalog.add_artifact(artifact, digest, now)
        before = self._catalog.releases()
        digests = {name: artifact.digest for name, artifact in artifacts.items()}
        release = self._catalog.add_release(digests, digest, source, now)
        layers = [layer for artifact in artifacts.values() for layer in artifact.layers]
        cached = sum(layer.cached for layer in layers)
        bake = Bake(release=release.number, began_at=began, ended_at=now, built=len(layers) - cached, cached=cached)
        self._catalog.add_bake(bake)
        tags = self._tag(release, artifacts)
        return Baked(
            release=release,
            new=not before or before[-1].number != release.number,
            artifacts=tuple(artifacts.values()),
            tags=tags,
            documents=documents,
            judged={name: (*files[name], *exposed[name]) for name in images},
            bake=bake,
        )

    def _one(self, name: ImageName, lock: Lock, progress: Progress) -> Artifact:
        request = bake_request(self._project, name, lock)
        kind = request.image.kind
        baker = self._bakers.get(kind)
        if baker is None:
            kinds = ", ".join(sorted(self._bakers)) or "none"
            raise Refused(f"nothing here bakes images of kind {kind} ({name})", hint=f"kinds that are: {kinds}")
        return baker.bake(request, progress=progress)

    def _document(self, artifact: Artifact, lock: Lock, digest: Digest, progress: Progress) -> tuple[Attached, ...]:
        made = Made(project=self._project.name, artifact=artifact, lock=lock, lock_digest=digest)
        return self._documents.keep(made, recipe_content(self._project.images[artifact.image]), progress)

    def _tag(self, release: Release, artifacts: Mapping[ImageName, Artifact]) -> tuple[str, ...]:
        """Name what was baked, and what was before where the index no longer names it."""
        known = dict(self._registry.tags())
        for before in self._catalog.releases():
            for image, digest in before.artifacts.items():
                name = artifact_name(self._project.name, image, before)
                if known.get(name) != digest and self._registry.has(digest):
                    self._registry.tag(name, digest)
        return tuple(artifact_name(self._project.name, name, release) for name in artifacts)


def bake_request(project: Project, name: ImageName, lock: Lock) -> BakeRequest:
    """What a baker is given of one image."""
    return BakeRequest(image=project.images[name], packages=lock.packages_of(name), files=lock.files_of(name))
