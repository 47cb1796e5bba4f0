"""The layers of a root filesystem, one for each part of the recipe, each made only when it is needed."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from repave.archives.base_images import LockedBase, locked_base
from repave.bakers.rootfs import debs
from repave.bakers.rootfs.application import write_application
from repave.bakers.rootfs.below import Unchanged
from repave.bakers.rootfs.building import SETUP_SECONDS, build_folders, build_job, failure
from repave.bakers.rootfs.cache import BakeCache, LayerRecord
from repave.bakers.rootfs.chamber import Chamber
from repave.bakers.rootfs.layertar import LayerTar
from repave.bakers.rootfs.npm import lay_out_packages, npm_inputs, npm_packages
from repave.bakers.rootfs.ownership import data_folders
from repave.bakers.rootfs.skeleton import Skeleton
from repave.bakers.rootfs.sources import lay_out_sources, sources_of
from repave.bakers.rootfs.stack import SYSTEM, Stack
from repave.bakers.rootfs.stage import Stage
from repave.bakers.rootfs.words import check_words
from repave.model.guards import Exposed
from repave.model.lock import Ecosystem, Layer, LockedPackage
from repave.model.names import Digest
from repave.ports.baker import BakeRequest
from repave.ports.errors import Invalid
from repave.ports.progress import Task
from repave.ports.registry import Registry
from repave.ports.vault import Vault

BELOW = "registry image 2"
"""How the layers of an image of a registry are told from others by what went into them.

The number counts up whenever something else is learned from the same bytes: they are then read once more.
"""

PARTS = 7
"""Base, platform, python, node, sources, application, build: what ``Layering`` advances a task by."""


class Layering:
    """Makes layers from one vault into one registry."""

    def __init__(self, *, vault: Vault, registry: Registry, cache: BakeCache, chamber: Chamber) -> None:
        self._vault = vault
        self._registry = registry
        self._cache = cache
        self._chamber = chamber

    def lay(self, request: BakeRequest, task: Task) -> Stack:
        """All layers of the recipe. Raises TreesLost, and as a baker does."""
        check_words(request.packages, self._vault, self._cache)
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
        return stack

    def _below(self, base: LockedBase, task: Task) -> Stack:
        """The layers of an image of a registry, as they are; all are read again when one is missing."""
        last = len(base.manifest.layers) - 1
        parts = [[BELOW, layer.digest, number == last] for number, layer in enumerate(base.manifest.layers)]
        known = Stack()
        if all(self.found(known.inputs(Layer.BASE, part), known) for part in parts):
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
        packages = debs_of(request, layer)
        if not packages:
            return
        architecture = request.image.base.architecture
        named = [
            {"name": package.name, "architecture": package.architecture, "sha256": package.sha256}
            for package in packages
        ]
        inputs = stack.inputs(layer, [architecture, named])
        if self.found(inputs, stack):
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
            "first": [] if lowers else sorted(debs.first(self._cache.packages, packages)),
            "epoch": debs.newest_build(self._cache.packages, packages),
        }
        # dpkg uses one core: what the next layer needs is decompressed beside it; what is wrong is told in its turn.
        later = [] if layer is Layer.PLATFORM else debs_of(request, Layer.PLATFORM)
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
        if self.found(inputs, stack):
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
        if not self.found(inputs, stack):
            task.note(f"node: laying out {len(packages)} packages")
            with self.staged(Layer.NODE, inputs, stack) as stage:
                lay_out_packages(packages, request.files, stage, node=application, vault=self._vault)

    def _sources(self, request: BakeRequest, stack: Stack, task: Task) -> None:
        """The layer of what comes by its address."""
        sources = sources_of(request.image, request.packages)
        if not sources:
            return
        inputs = stack.inputs(Layer.SOURCES, [placed.inputs for placed in sources])
        if not self.found(inputs, stack):
            task.note(f"sources: {len(sources)} files and folders")
            with self.staged(Layer.SOURCES, inputs, stack) as stage:
                lay_out_sources(sources, stage, vault=self._vault)

    @contextmanager
    def staged(self, layer: Layer, inputs: Digest, stack: Stack) -> Iterator[Stage]:
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
        if self.found(inputs, stack):
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
        if self.found(inputs, stack):
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

    def found(self, inputs: Digest, stack: Stack) -> bool:
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


def debs_of(request: BakeRequest, layer: Layer) -> list[LockedPackage]:
    """The layer's Debian packages, in the order dpkg gets them."""
    wanted = (package for package in request.packages if package.ecosystem is Ecosystem.DEB and package.layer is layer)
    return sorted(wanted, key=lambda package: (package.name, package.architecture, package.version))


def _wheels(request: BakeRequest) -> list[LockedPackage]:
    """The wheels, in the order they are laid out."""
    wanted = (package for package in request.packages if package.ecosystem is Ecosystem.PYPI)
    return sorted(wanted, key=lambda package: (package.filename, package.sha256))
