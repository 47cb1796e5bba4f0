"""From a lock to an OCI image, without a daemon: a layer for each part of it, made only when needed."""

import errno
import os
import platform
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from repave.archives.base_images import LockedBase, locked_base
from repave.bakers.container import debs
from repave.bakers.container.application import write_application
from repave.bakers.container.below import Unchanged
from repave.bakers.container.building import SETUP_SECONDS, build_folders, build_job, failure
from repave.bakers.container.cache import BakeCache, LayerRecord
from repave.bakers.container.chamber import Chamber
from repave.bakers.container.foreign import MACHINES
from repave.bakers.container.layertar import LayerTar
from repave.bakers.container.manifest import configuration, data_folders, manifest
from repave.bakers.container.npm import lay_out_packages, npm_inputs, npm_packages
from repave.bakers.container.skeleton import Skeleton
from repave.bakers.container.sources import lay_out_sources, sources_of
from repave.bakers.container.stack import SYSTEM, Stack, TreesLost
from repave.bakers.container.stage import Stage
from repave.model.artifact import ARCHITECTURES, Artifact, ArtifactLayer
from repave.model.guards import Exposed
from repave.model.lock import Ecosystem, Layer, LockedPackage
from repave.model.names import Digest, ImageName
from repave.model.recipe import ImageKind
from repave.ports.baker import BakeRequest
from repave.ports.errors import Invalid, NoCapacity, WorldError
from repave.ports.progress import Progress, Task
from repave.ports.provider import Proven
from repave.ports.registry import Registry
from repave.ports.surroundings import Surroundings

HERE = ARCHITECTURES.get(platform.machine(), platform.machine())
EMULATION = "qemu-user-static"
"""Debian's package of emulators, which are registered fixed when it is installed."""

BELOW = "registry image"
"""How the layers of an image of a registry are told from others by what went into them."""

PARTS = 7
"""Base, platform, python, node, sources, application, build."""


class ContainerBaker:
    """The baker port for containers."""

    def __init__(self, surroundings: Surroundings) -> None:
        self._surroundings = surroundings
        self._vault = surroundings.vault
        self._registry = surroundings.registry
        self._folder = surroundings.folder.absolute()
        self._cache = BakeCache(folder=self._folder, registry=surroundings.registry)
        self._chamber = Chamber(commands=surroundings.commands, folder=self._folder)

    @property
    def kind(self) -> ImageKind:
        """Containers."""
        return ImageKind.CONTAINER

    def describe(self) -> tuple[Proven, ...]:
        """Whether layers of packages can be made here, and for which processors; see the port."""
        try:
            with self._cache.locked():
                runs = {architecture: self._runs(architecture) for architecture in sorted({HERE, *MACHINES})}
        except (WorldError, OSError) as error:
            hint = error.hint if isinstance(error, WorldError) else ""
            return (Proven(name="packages are installed", works=False, detail=str(error), hint=hint),)
        able = ", ".join(name for name, works in runs.items() if works)
        unable = "".join(f"; not for {name}, which {EMULATION} would run" for name, works in runs.items() if not works)
        return (Proven(name="packages are installed", works=runs[HERE], detail=f"for {able}{unable}"),)

    def bake(self, request: BakeRequest, *, progress: Progress) -> Artifact:
        """Make the image, or find it made; see the port. Raises NoCapacity when the disk is full, too."""
        _check(request)
        name = request.image.name
        with self._told(name), progress.task(f"bake {name}", total=PARTS) as task:
            task.note("waiting for another bake to end")
            with self._cache.locked():
                self._check_processor(request)
                return self._bake(request, task)

    def rebake(self, request: BakeRequest, *, registry: Registry, progress: Progress) -> Artifact:
        """Make the image again from nothing; see the port."""
        with self._told(request.image.name), self._cache.locked():
            work = self._cache.new_work()
            # A folder of its own is a cache of its own, and its bake leaves the lock that this one holds alone.
            surroundings = replace(self._surroundings, folder=work / "again", registry=registry)
            try:
                return ContainerBaker(surroundings).bake(request, progress=progress)
            finally:
                self._chamber.remove([work])

    @contextmanager
    def _told(self, name: ImageName) -> Iterator[None]:
        """What the disk answers in the block, as the port's errors."""
        try:
            yield
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise NoCapacity(
                    f"cannot bake image {name}: no room left on the disk of {self._folder}",
                    hint="free some, or run `repave gc`; nothing half was kept",
                ) from error
            raise WorldError(f"cannot bake image {name} in {self._folder}: {error}") from error

    def _check_processor(self, request: BakeRequest) -> None:
        """Refuse packages whose own scripts cannot run here; what is only laid out needs no processor."""
        image, architecture = request.image, request.image.base.architecture
        debian = any(package.ecosystem is Ecosystem.DEB for package in request.packages)
        if debian and architecture != HERE and not self._runs(architecture):
            raise Invalid(
                f"image {image.name} is for {architecture}, and this machine ({HERE}) does not run its programs: its "
                "packages' own scripts must run while it is baked",
                hint=f"bake it on such a machine, or install {EMULATION} and try `repave doctor`; over an image of a "
                "registry (`base: {image: ...}`) nothing must run",
            )

    def _runs(self, architecture: str) -> bool:
        """Whether programs for it run in a root filesystem here, by themselves or emulated."""
        work = self._cache.new_work()
        try:
            return bool(
                self._chamber.run({"kind": "runs", "architecture": architecture, "work": os.fspath(work)})["runs"]
            )
        finally:
            self._chamber.remove([work])

    def _bake(self, request: BakeRequest, task: Task) -> Artifact:
        self._chamber.remove(self._cache.leftovers())
        try:
            artifact = self._layers(request, task)
        except TreesLost as error:
            for record in error.lost:
                self._cache.forget(record.inputs)
            artifact = self._layers(request, task)
        except BaseException:
            # The error at hand matters more than a sweep that fails: the next bake sweeps again.
            with suppress(WorldError):
                self._chamber.remove(self._cache.leftovers())
            raise
        if not all(layer.cached for layer in artifact.layers):
            self._cache.trim()
            self._chamber.remove(self._cache.leftovers())
        return artifact

    def _layers(self, request: BakeRequest, task: Task) -> Artifact:
        base = locked_base(request.packages, self._vault)
        stack = Stack() if base is None else self._below(base, task)
        self._system(Layer.BASE, request, stack, task)
        task.advance()
        self._system(Layer.PLATFORM, request, stack, task)
        task.advance()
        self._python(request, stack, task)
        task.advance()
        self._node(request, stack, task)
        task.advance()
        self._sources(request, stack, task)
        task.advance()
        self._application(request, stack, task)
        task.advance()
        self._build(request, stack, task)
        task.advance()
        return self._assemble(request, stack, base)

    def _below(self, base: LockedBase, task: Task) -> Stack:
        """The layers of an image of a registry, as they are; all are read again when one is missing."""
        last = len(base.manifest.layers) - 1
        parts = [[BELOW, layer.digest, number == last] for number, layer in enumerate(base.manifest.layers)]
        known = Stack()
        if all(self._found(known.inputs(Layer.BASE, part), known) for part in parts):
            return known
        stack = Stack()
        unchanged = Unchanged(base, vault=self._vault, registry=self._registry)
        for number, part in enumerate(parts):
            task.note(f"base: layer {number + 1} of {len(parts)}")
            record = unchanged.layer(number, stack.inputs(Layer.BASE, part), self._cache.new_work())
            self._cache.keep(record, tree=None)
            stack.add(record, tree=None, cached=False)
        return stack

    def _system(self, layer: Layer, request: BakeRequest, stack: Stack, task: Task) -> None:
        """The layer of one part of the Debian packages."""
        packages = _debs(request, layer)
        if not packages:
            return
        architecture = request.image.base.architecture
        named = [
            {"name": package.name, "architecture": package.architecture, "sha256": package.sha256}
            for package in packages
        ]
        inputs = stack.inputs(layer, [architecture, named])
        if self._found(inputs, stack):
            return
        lowers = stack.trees()
        task.note(f"{layer}: reading {len(packages)} packages")
        debs.prepare(packages, self._vault, self._cache.packages)
        task.note(f"{layer}: installing {len(packages)} packages")
        job = {
            "kind": "system",
            "lowers": [os.fspath(tree) for tree in lowers],
            "architecture": architecture,
            "folder": os.fspath(self._cache.packages),
            "packages": named,
            "epoch": debs.newest_build(self._cache.packages, packages),
        }
        # dpkg uses one core: what the next layer needs is decompressed beside it; what is wrong is told in its turn.
        later = [] if layer is Layer.PLATFORM else _debs(request, Layer.PLATFORM)
        with ThreadPoolExecutor(1) as beside:
            beside.submit(debs.prepare, later, self._vault, self._cache.packages)
            self._make(layer, inputs, job, stack)

    def _python(self, request: BakeRequest, stack: Stack, task: Task) -> None:
        """The layer of the wheels."""
        wheels = _wheels(request)
        if not wheels:
            return
        if not stack.skeleton.python:
            raise Invalid(
                f"image {request.image.name} wants Python packages, but has no python3 that they could be put beside",
                hint="add python3 to its packages, or stand on an image that has it",
            )
        inputs = stack.inputs(Layer.PYTHON, [[wheel.filename, wheel.sha256] for wheel in wheels])
        if self._found(inputs, stack):
            return
        # Of an image of a registry nothing is run: its wheels are not compiled.
        lowers = [] if request.image.base.image else stack.trees()
        task.note(f"python: installing {len(wheels)} wheels")
        for wheel in wheels:
            self._vault.verify(wheel.sha256)
        job = {
            "kind": "python",
            "lowers": [os.fspath(tree) for tree in lowers],
            "skeleton": stack.skeleton.content(),
            "wheels": [
                {"filename": wheel.filename, "path": os.fspath(self._vault.path(wheel.sha256).absolute())}
                for wheel in wheels
            ],
        }
        self._make(Layer.PYTHON, inputs, job, stack)

    def _node(self, request: BakeRequest, stack: Stack, task: Task) -> None:
        """The layer of the npm packages."""
        packages, application = npm_packages(request.packages), request.image.node
        if not packages or application is None:
            return
        inputs = stack.inputs(Layer.NODE, npm_inputs(packages, request.files, application))
        if not self._found(inputs, stack):
            task.note(f"node: laying out {len(packages)} packages")
            with self._staged(Layer.NODE, inputs, stack) as stage:
                lay_out_packages(packages, request.files, stage, node=application, vault=self._vault)

    def _sources(self, request: BakeRequest, stack: Stack, task: Task) -> None:
        """The layer of what comes by its address."""
        sources = sources_of(request.image, request.packages)
        if not sources:
            return
        inputs = stack.inputs(Layer.SOURCES, [placed.inputs for placed in sources])
        if not self._found(inputs, stack):
            task.note(f"sources: {len(sources)} files and folders")
            with self._staged(Layer.SOURCES, inputs, stack) as stage:
                lay_out_sources(sources, stage, vault=self._vault)

    @contextmanager
    def _staged(self, layer: Layer, inputs: Digest, stack: Stack) -> Iterator[Stage]:
        """A stage that becomes the layer at the end of the block."""
        work = self._cache.new_work()
        with Stage(work / "heap", below=stack.skeleton) as stage:
            yield stage
            with LayerTar(work / "layer.tar") as tar:
                stage.write(tar)
        self._keep(layer, inputs, work, {"skeleton": stage.skeleton().content()}, stack)

    def _application(self, request: BakeRequest, stack: Stack, task: Task) -> None:
        """The layer of the files."""
        files = sorted(request.files, key=lambda file: file.target)
        data = data_folders(request.image, stack.skeleton)
        if not files and not data:
            return
        placed = [[file.target, file.sha256, file.mode] for file in files]
        inputs = stack.inputs(Layer.APPLICATION, [*placed, *([path, *owner] for path, owner in sorted(data.items()))])
        if self._found(inputs, stack):
            return
        task.note(f"application: {len(files)} files")
        work = self._cache.new_work()
        write_application(work / "layer.tar", files, vault=self._vault, below=stack.skeleton, data=data)
        self._keep(Layer.APPLICATION, inputs, work, {}, stack)

    def _build(self, request: BakeRequest, stack: Stack, task: Task) -> None:
        """The layer of what the recipe's own commands make."""
        if not request.image.build:
            return
        folders = build_folders(request, stack.skeleton, system=stack.system)
        wanted = build_job(request.image, folders)
        inputs = stack.inputs(Layer.BUILD, wanted)
        if self._found(inputs, stack):
            return
        layers = [(self._registry.path(record.digest).absolute(), record.digest) for record in stack.others]
        job = {
            **wanted,
            "kind": "build",
            "lowers": [os.fspath(tree) for tree in stack.trees()],
            "layers": [{"path": os.fspath(path), "digest": digest} for path, digest in layers],
        }
        task.note(f"build: running {len(request.image.build)} commands")
        work = self._cache.new_work()
        limit = request.image.build_limits.time_seconds + SETUP_SECONDS
        answer = self._chamber.run({**job, "work": os.fspath(work)}, limit_seconds=limit)
        if "hook" in answer:
            raise failure(request, answer, folders)
        self._keep(Layer.BUILD, inputs, work, answer, stack)

    def _found(self, inputs: Digest, stack: Stack) -> bool:
        """Whether the layer is there already; then it is on the stack."""
        record = self._cache.find(inputs)
        if record is not None:
            stack.add(record, tree=self._cache.tree(inputs), cached=True)
        return record is not None

    def _make(self, layer: Layer, inputs: Digest, job: dict[str, Any], stack: Stack) -> None:
        """Have ``inside`` make the layer, and keep it."""
        work = self._cache.new_work()
        answer = self._chamber.run({**job, "work": os.fspath(work)})
        self._keep(layer, inputs, work, answer, stack)

    def _keep(self, layer: Layer, inputs: Digest, work: Path, answer: dict[str, Any], stack: Stack) -> None:
        tar = work / "layer.tar"
        size = tar.stat().st_size
        digest = self._registry.adopt(tar)
        skeleton = Skeleton.read(answer["skeleton"]) if "skeleton" in answer else None
        record = LayerRecord(
            layer=layer,
            inputs=inputs,
            digest=digest,
            size_bytes=size,
            skeleton=skeleton,
            exposed=tuple(Exposed(**exposed) for exposed in answer.get("exposed", ())),
        )
        tree = self._cache.keep(record, tree=work / "tree" if layer in SYSTEM else None)
        stack.add(record, tree=tree, cached=False)

    def _assemble(self, request: BakeRequest, stack: Stack, base: LockedBase | None) -> Artifact:
        """Configuration and manifest over the layers."""
        records = stack.records
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


def _check(request: BakeRequest) -> None:
    """Refuse what cannot be baked here before any work is done."""
    image = request.image
    if image.base.image and not any(package.ecosystem is Ecosystem.OCI for package in request.packages):
        raise Invalid(f"the base of image {image.name} is not locked", hint="lock it again")
    if _debs(request, Layer.PLATFORM) and not _debs(request, Layer.BASE):
        raise Invalid(f"image {image.name} has packages, but no base below them", hint="lock it again")


def _debs(request: BakeRequest, layer: Layer) -> list[LockedPackage]:
    """The layer's Debian packages, in the order dpkg gets them."""
    wanted = (package for package in request.packages if package.ecosystem is Ecosystem.DEB and package.layer is layer)
    return sorted(wanted, key=lambda package: (package.name, package.architecture, package.version))


def _wheels(request: BakeRequest) -> list[LockedPackage]:
    """The wheels, in the order they are laid out."""
    wanted = (package for package in request.packages if package.ecosystem is Ecosystem.PYPI)
    return sorted(wanted, key=lambda package: (package.filename, package.sha256))
