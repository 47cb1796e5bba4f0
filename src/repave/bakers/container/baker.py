"""From a lock to an OCI image, without a daemon: a layer for each part of it, made only when needed."""

from repave.archives.base_images import locked_base
from repave.bakers.container.manifest import configuration, manifest
from repave.bakers.rootfs.layering import PARTS
from repave.bakers.rootfs.stack import Stack
from repave.bakers.rootfs.workroom import Workroom
from repave.model.artifact import Artifact, ArtifactLayer
from repave.model.recipe import ImageKind
from repave.ports.baker import BakeRequest
from repave.ports.progress import Progress
from repave.ports.provider import Proven
from repave.ports.registry import Registry
from repave.ports.surroundings import Surroundings


class ContainerBaker:
    """The baker port for containers."""

    def __init__(self, surroundings: Surroundings) -> None:
        self._vault = surroundings.vault
        self._registry = surroundings.registry
        self._room = Workroom(surroundings)

    @property
    def kind(self) -> ImageKind:
        """Containers."""
        return ImageKind.CONTAINER

    def describe(self) -> tuple[Proven, ...]:
        """Whether layers of packages can be made here, and for which processors; see the port."""
        return self._room.describe()

    def cached_bytes(self) -> int:
        """What is unpacked here; see the port."""
        return self._room.cached_bytes()

    def clear_cache(self) -> None:
        """Remove what is unpacked here; see the port."""
        self._room.clear_cache()

    def bake(self, request: BakeRequest, *, progress: Progress) -> Artifact:
        """Make the image, or find it made; see the port. Raises NoCapacity when the disk is full, too."""
        with progress.task(f"bake {request.image.name}", total=PARTS) as task:
            task.note("waiting for another bake to end")
            with self._room.entered(request):
                return self._room.make(lambda: self._assemble(request, self._room.layering.lay(request, task)))

    def rebake(self, request: BakeRequest, *, registry: Registry, progress: Progress) -> Artifact:
        """Make the image again from nothing; see the port."""
        with self._room.emptied(request, registry) as surroundings:
            return ContainerBaker(surroundings).bake(request, progress=progress)

    def _assemble(self, request: BakeRequest, stack: Stack) -> Artifact:
        """Configuration and manifest over the layers."""
        records = stack.records
        base = locked_base(request.packages, self._vault)
        runs = configuration(request, records, stack.skeleton, base)
        digest = self._registry.add(runs)
        content = manifest(request.image, records, digest=digest, size_bytes=len(runs), base=base)
        return Artifact(
            image=request.image.name,
            kind=self.kind,
            digest=self._registry.add(content),
            size_bytes=len(content) + len(runs) + sum(record.size_bytes for record in records),
            layers=tuple(
                ArtifactLayer(
                    layer=laid.record.layer,
                    digest=laid.record.digest,
                    size_bytes=laid.record.size_bytes,
                    inputs=laid.record.inputs,
                    cached=laid.cached,
                    exposed=laid.record.exposed,
                )
                for laid in stack.laid
            ),
        )
