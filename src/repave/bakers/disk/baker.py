"""From a lock to a disk that starts, without booting anything: a disk of most layers, the rest added to it."""

import os
from dataclasses import asdict, dataclass
from pathlib import Path

from repave.bakers.disk.bootstrap import Beside, Shelves, base_of, lay_beside
from repave.bakers.disk.enabled import located
from repave.bakers.disk.identity import why_cold
from repave.bakers.disk.initrd import DRIVERS, FILE_SYSTEMS, SCRIPT
from repave.bakers.disk.pieces import Cut, cut, remember, remembered
from repave.bakers.disk.settings import ARGUMENTS, DATA_SOURCES, Settings, needs_cloud_init
from repave.bakers.disk.table import Outline
from repave.bakers.rootfs import debs
from repave.bakers.rootfs.cache import LayerRecord
from repave.bakers.rootfs.layering import PARTS, debs_of
from repave.bakers.rootfs.ownership import user_of
from repave.bakers.rootfs.stack import SYSTEM, Stack, inputs_of
from repave.bakers.rootfs.workroom import Workroom
from repave.model.artifact import Artifact, ArtifactLayer
from repave.model.lock import Layer
from repave.model.names import Digest
from repave.model.recipe import Boot, ImageKind
from repave.ports.baker import BakeRequest
from repave.ports.disk_format import (
    CONFIGURATION_TYPE,
    INITRD_TYPE,
    KERNEL_TYPE,
    Content,
    DiskConfiguration,
    DiskManifest,
)
from repave.ports.errors import Invalid
from repave.ports.image_format import Descriptor
from repave.ports.progress import Progress, Task
from repave.ports.provider import Proven
from repave.ports.registry import Registry
from repave.ports.surroundings import Surroundings

PROGRAM = "repave.bakers.disk.inside"
STEPS = PARTS + 4
"""And the machine's own settings, the disk, what is added to it, its pieces."""

FIRMWARE = ("uefi", "bios")


@dataclass(frozen=True, kw_only=True)
class Ground:
    """A disk of the layers that most changes leave as they are."""

    outline: Outline
    made: Path
    """The folder of all that was made: the disk, kernel and initrd, and the pieces of what was added since."""

    cached: bool


class DiskBaker:
    """The baker port for virtual machines."""

    def __init__(self, surroundings: Surroundings) -> None:
        self._vault = surroundings.vault
        self._registry = surroundings.registry
        self._room = Workroom(surroundings, program=PROGRAM)
        self._cache = self._room.cache

    @property
    def kind(self) -> ImageKind:
        """Virtual machines."""
        return ImageKind.VM

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
        """Make the disk, or find it made; see the port. Raises NoCapacity when this machine's disk is full, too."""
        if not debs_of(request, Layer.BOOT):
            raise Invalid(f"image {request.image.name} has no boot loader", hint="lock it again")
        with progress.task(f"bake {request.image.name}", total=STEPS) as task:
            task.note("waiting for another bake to end")
            with self._room.entered(request):
                return self._room.make(lambda: self._machine(request, task))

    def rebake(self, request: BakeRequest, *, registry: Registry, progress: Progress) -> Artifact:
        """Make the disk again from nothing; see the port."""
        with self._room.emptied(request, registry) as surroundings:
            return DiskBaker(surroundings).bake(request, progress=progress)

    def _machine(self, request: BakeRequest, task: Task) -> Artifact:
        stack = self._room.layering.lay(request, task)
        user_of(request.image, stack.skeleton)  # refused before the disk is made
        own = [self._registry.path(record.digest) for record in stack.others]
        units = located(request.image, stack, own)
        settings = Settings.of(request, units).beside(own)
        workshop = stack
        if request.image.boot is Boot.BOOTSTRAP:
            task.note("gathering what the machine installs")
            shelves = Shelves(vault=self._vault, registry=self._registry, cache=self._cache)
            beside, stack, settings = lay_beside(request, stack, units, shelves), base_of(stack), Settings.base()
        else:
            beside = None
        self._settings(settings, stack, task)
        task.advance()
        below, added = _split(stack)
        ground = self._disk(request, workshop, below, task)
        task.advance()
        cuts = self._cuts(request, workshop, ground=ground, added=added, task=task)
        return self._assemble(request, stack, ground=ground, cuts=cuts, beside=beside)

    def _settings(self, settings: Settings, stack: Stack, task: Task) -> None:
        """The layer of what makes a machine of the files."""
        inputs = stack.inputs(Layer.MACHINE, asdict(settings))
        if not self._room.layering.found(inputs, stack):
            task.note("settings of the machine")
            with self._room.layering.staged(Layer.MACHINE, inputs, stack) as stage:
                settings.lay_out(stage)

    def _disk(self, request: BakeRequest, workshop: Stack, below: tuple[LayerRecord, ...], task: Task) -> Ground:
        """A disk of the layers that most changes leave as they are.

        ``workshop`` has what the tools need: a recipe may name some of it, which then lies in none of these layers.
        """
        image = request.image
        tools = debs_of(request, Layer.BOOT)
        start = [ARGUMENTS, SCRIPT, *DRIVERS, *FILE_SYSTEMS]
        named = [image.disk_bytes, image.base.architecture, start, [tool.sha256 for tool in tools]]
        content = [record.digest for record in below]
        beyond = [one.digest for one in workshop.records if one.layer in SYSTEM and one.digest not in content]
        identity = inputs_of(Layer.MACHINE, content, ["disk", *named])
        inputs = inputs_of(Layer.MACHINE, content, ["disk", *named, *beyond])
        outline = Outline(identity=identity, size=image.disk_bytes, architecture=image.base.architecture)
        made = self._cache.tree(inputs)
        if made is not None:
            return Ground(outline=outline, made=made, cached=True)
        task.note("making the disk")
        debs.prepare(tools, self._vault, self._cache.packages)
        work = self._cache.new_work()
        job = {
            **self._job("disk", work, request, workshop, outline),
            "arguments": ARGUMENTS,
            "trees": [
                {"tree": os.fspath(laid.tree), "path": os.fspath(self._registry.path(laid.record.digest).absolute())}
                for laid in workshop.laid
                if laid.record in below and laid.tree is not None
            ],
            "layers": self._blobs(tuple(record for record in below if record.layer not in SYSTEM)),
        }
        self._room.chamber.run(job)
        return Ground(outline=outline, made=self._cache.keep_tree(inputs, work / "made"), cached=False)

    def _cuts(
        self, request: BakeRequest, workshop: Stack, *, ground: Ground, added: tuple[LayerRecord, ...], task: Task
    ) -> tuple[Cut, ...]:
        """The pieces of the disk with the rest of the layers: of one that was made before they are known."""
        inputs = inputs_of(Layer.MACHINE, [record.digest for record in added], "pieces")
        known = ground.made / f"{inputs.removeprefix('sha256:')}.json"
        cuts = remembered(known, self._cache)
        if cuts is None:
            disk = self._added(request, workshop, ground=ground, added=added, task=task)
            task.note("cutting the disk into pieces")
            cuts = cut(disk, cache=self._cache, registry=self._registry)
            remember(cuts, known)
        task.advance(2)
        return cuts

    def _added(
        self, request: BakeRequest, workshop: Stack, *, ground: Ground, added: tuple[LayerRecord, ...], task: Task
    ) -> Path:
        """The disk with the rest of the layers."""
        task.note("adding the application")
        debs.prepare(debs_of(request, Layer.BOOT), self._vault, self._cache.packages)
        work = self._cache.new_work()
        job = self._job("addition", work, request, workshop, ground.outline)
        places = {name: os.fspath(ground.made / file) for name, file in (("disk", "disk.img"), ("paths", "paths"))}
        self._room.chamber.run({**job, **places, "layers": self._blobs(added)})
        return work / "disk.img"

    def _job(self, kind: str, work: Path, request: BakeRequest, workshop: Stack, outline: Outline) -> dict[str, object]:
        return {
            "kind": kind,
            "work": os.fspath(work),
            "lowers": [os.fspath(tree) for tree in workshop.trees()],
            "folder": os.fspath(self._cache.packages),
            "tools": [package.sha256 for package in debs_of(request, Layer.BOOT)],
            "outline": asdict(outline),
        }

    def _blobs(self, records: tuple[LayerRecord, ...]) -> list[dict[str, str]]:
        return [
            {"path": os.fspath(self._registry.path(record.digest).absolute()), "digest": record.digest}
            for record in records
        ]

    def _assemble(
        self,
        request: BakeRequest,
        stack: Stack,
        *,
        ground: Ground,
        cuts: tuple[Cut, ...],
        beside: Beside | None,
    ) -> Artifact:
        """Configuration and manifest over pieces, kernel and initrd, and what lies beside the disk."""
        own = [self._registry.path(record.digest) for record in stack.others if record.layer is not Layer.MACHINE]
        more = beside is not None or needs_cloud_init(request, own)
        packages = (self._registry.path(record.digest) for record in stack.records if record.layer is Layer.PLATFORM)
        outline = ground.outline
        kernel = self._plain(ground.made / "kernel", KERNEL_TYPE)
        initrd = self._plain(ground.made / "initrd", INITRD_TYPE)
        said = DiskConfiguration(
            architecture=outline.architecture,
            firmware=FIRMWARE,
            disk_bytes=outline.size,
            pieces=tuple(one.piece for one in cuts),
            kernel=Content(digest=kernel.digest, size=kernel.size_bytes),
            initrd=Content(digest=initrd.digest, size=initrd.size_bytes),
            arguments=ARGUMENTS,
            data_sources=DATA_SOURCES,
            bootstrap=beside.bootstrap if beside else None,
            takes_environment=True,
            needs_cloud_init=more,
            starts_cold=why_cold((*own, *packages), request.image.units, cloud_init=more),
        ).content()
        configuration = Descriptor(digest=self._registry.add(said), size_bytes=len(said), media_type=CONFIGURATION_TYPE)
        pieces = tuple(
            Descriptor(digest=one.record.digest, size_bytes=one.record.size_bytes, media_type=one.record.media_type)
            for one in cuts
        )
        manifest = DiskManifest(
            configuration=configuration,
            pieces=pieces,
            kernel=kernel,
            initrd=initrd,
            document=beside.document if beside else None,
            files=beside.files if beside else (),
        )
        content = manifest.content(annotations={"org.opencontainers.image.title": request.image.name})
        boots = (_boot_layer(blob, Digest(outline.identity), cached=ground.cached) for blob in (kernel, initrd))
        layers = (*_piece_layers(cuts, stack), *boots, *(beside.layers if beside else ()))
        return Artifact(
            image=request.image.name,
            kind=self.kind,
            digest=self._registry.add(content),
            size_bytes=len(content) + len(said) + sum(layer.size_bytes for layer in layers),
            layers=layers,
        )

    def _plain(self, source: Path, media_type: str) -> Descriptor:
        content = source.read_bytes()
        return Descriptor(digest=self._registry.add(content), size_bytes=len(content), media_type=media_type)


def _split(stack: Stack) -> tuple[tuple[LayerRecord, ...], tuple[LayerRecord, ...]]:
    """The layers that a disk is made of, and those that are added to it, which remove nothing from below.

    What the recipe's own commands make may remove what others brought: it is never only added.
    """
    records = stack.records
    built = any(record.layer is Layer.BUILD for record in records)
    late = {Layer.MACHINE} if built else {Layer.APPLICATION, Layer.MACHINE}
    return (
        tuple(record for record in records if record.layer not in late),
        tuple(record for record in records if record.layer in late),
    )


def _piece_layers(cuts: tuple[Cut, ...], stack: Stack) -> tuple[ArtifactLayer, ...]:
    """What of the files has permission bits to be looked at is told with the first piece."""
    exposed = tuple(one for laid in stack.laid for one in laid.record.exposed)
    return tuple(
        ArtifactLayer(
            layer=Layer.MACHINE,
            digest=one.record.digest,
            size_bytes=one.record.size_bytes,
            inputs=one.record.inputs,
            cached=one.cached,
            exposed=() if number else exposed,
        )
        for number, one in enumerate(cuts)
    )


def _boot_layer(blob: Descriptor, inputs: Digest, *, cached: bool) -> ArtifactLayer:
    return ArtifactLayer(layer=Layer.BOOT, digest=blob.digest, size_bytes=blob.size_bytes, inputs=inputs, cached=cached)
