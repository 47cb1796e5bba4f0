"""The parts of a machine that installs itself: the base alone on its disk, and beside it what goes on top, as files."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from repave.bakers.disk.enabled import UnitFile
from repave.bakers.disk.settings import Settings
from repave.bakers.disk.units import TARGET
from repave.bakers.rootfs.cache import BakeCache
from repave.bakers.rootfs.installation import LAYERS_UNPACKING, whiteouts
from repave.bakers.rootfs.layering import debs_of
from repave.bakers.rootfs.stack import SYSTEM, Laid, Stack
from repave.model.artifact import ArtifactLayer
from repave.model.lock import Layer, LockedPackage
from repave.model.names import Digest
from repave.ports.baker import BakeRequest
from repave.ports.bootstrap_format import FILES_LABEL, MIRROR, PROGRAM, bootstrap_document
from repave.ports.disk_format import DOCUMENT_TYPE, FILE_TYPE, Bootstrap, Content
from repave.ports.errors import Corrupt, Invalid
from repave.ports.image_format import Descriptor
from repave.ports.registry import Registry
from repave.ports.vault import Vault

DONE = "var/lib/repave/installed"
"""Laid last of all: that it is there says that nothing is missing."""

INSTALLER = files("repave.bakers.disk").joinpath("installer.py")


@dataclass(frozen=True, kw_only=True)
class Shelves:
    """Where locked files are, where artifacts go, and where there is room to work."""

    vault: Vault
    registry: Registry
    cache: BakeCache


@dataclass(frozen=True, kw_only=True)
class Beside:
    """What a machine that installs itself is given beside its disk: the document, then the files it installs."""

    layers: tuple[ArtifactLayer, ...]
    """The document's first."""

    @property
    def bootstrap(self) -> Bootstrap:
        """As the configuration tells of it."""
        document, *installed = (Content(digest=layer.digest, size=layer.size_bytes) for layer in self.layers)
        return Bootstrap(document=document, files=tuple(installed))

    @property
    def document(self) -> Descriptor:
        """As the manifest names it."""
        return _described(self.layers[0], DOCUMENT_TYPE)

    @property
    def files(self) -> tuple[Descriptor, ...]:
        """As the manifest names them."""
        return tuple(_described(layer, FILE_TYPE) for layer in self.layers[1:])


def base_of(stack: Stack) -> Stack:
    """Of the layers those that any machine of the base has."""
    base = Stack()
    for laid in stack.laid:
        if laid.record.layer is Layer.BASE:
            base.add(laid.record, tree=laid.tree, cached=laid.cached)
    return base


def lay_beside(request: BakeRequest, stack: Stack, units: Mapping[str, UnitFile], shelves: Shelves) -> Beside:
    """Everything above the base into the registry, and the document that installs it.

    ``units`` has the files of those that the recipe names.
    Debian packages go in as they were locked; of what lies above them the very layers that a golden disk has.
    Raises Invalid for a recipe whose commands remove files: what is laid onto a running machine only adds.
    """
    above = tuple(laid for laid in stack.laid if laid.record.layer not in SYSTEM)
    _refuse_removals(request, above, shelves.registry)
    packages = tuple(debs_of(request, Layer.PLATFORM))
    installed = tuple(_package(package, shelves) for package in packages)
    laid_out = tuple(_layer(laid) for laid in above)
    told = _manifest(request, stack, Settings.own(request, units), above)
    content = bootstrap_document(INSTALLER.read_text(encoding="utf-8"), told, done=f"/{DONE}")
    digest = shelves.registry.add(content)
    document = ArtifactLayer(layer=Layer.MACHINE, digest=digest, size_bytes=len(content), inputs=digest, cached=False)
    return Beside(layers=(document, *_distinct((*installed, *laid_out))))


def _manifest(request: BakeRequest, stack: Stack, settings: Settings, above: tuple[Laid, ...]) -> dict[str, Any]:
    """What the installer is told; all paths are without the first slash."""
    packages = tuple(debs_of(request, Layer.PLATFORM))
    locked = (*debs_of(request, Layer.BASE), *packages)
    return {
        "packages": [
            {"name": f"{one.name} {one.version}", "sha256": one.sha256, "size": one.size_bytes, "url": one.origin}
            for one in packages
        ],
        "layers": [
            {
                "name": f"the layer {laid.record.layer}",
                "sha256": laid.record.digest.removeprefix("sha256:"),
                "size": laid.record.size_bytes,
                "url": "",
            }
            for laid in above
        ],
        "tar": list(LAYERS_UNPACKING),
        "installed": sorted(f"{one.name} {one.architecture} {one.version}" for one in locked),
        "accounts": {name: list(numbers) for name, numbers in stack.system.users.items()},
        "files": dict(settings.files),
        "links": [*settings.links.items(), (DONE, PROGRAM)],
        "start": TARGET,
        "label": FILES_LABEL,
        "mirror": MIRROR,
    }


def _refuse_removals(request: BakeRequest, above: tuple[Laid, ...], registry: Registry) -> None:
    for laid in above:
        removed = whiteouts(registry.path(laid.record.digest))
        if removed:
            raise Invalid(
                f"image {request.image.name}: its layer {laid.record.layer} removes files of others, as {removed[0]}: "
                "a machine that installs itself only adds",
                hint="change `build` so that it removes nothing, or use `boot: golden`",
            )


def _package(package: LockedPackage, shelves: Shelves) -> ArtifactLayer:
    """A locked file, copied into the registry if it is not there."""
    digest = Digest(f"sha256:{package.sha256}")
    if not shelves.registry.has(digest):
        copy = shelves.cache.new_work() / package.sha256
        shutil.copyfile(shelves.vault.path(package.sha256), copy)
        found = shelves.registry.adopt(copy)
        if found != digest:
            raise Corrupt(
                f"{package.filename} has other bytes in the vault ({found})", hint="run `repave vault verify --repair`"
            )
    return ArtifactLayer(layer=package.layer, digest=digest, size_bytes=package.size_bytes, inputs=digest, cached=True)


def _layer(laid: Laid) -> ArtifactLayer:
    record = laid.record
    return ArtifactLayer(
        layer=record.layer,
        digest=record.digest,
        size_bytes=record.size_bytes,
        inputs=record.inputs,
        cached=laid.cached,
        exposed=record.exposed,
    )


def _distinct(layers: tuple[ArtifactLayer, ...]) -> tuple[ArtifactLayer, ...]:
    """Each blob once: two packages may be one file."""
    return tuple({layer.digest: layer for layer in layers}.values())


def _described(layer: ArtifactLayer, media_type: str) -> Descriptor:
    return Descriptor(digest=layer.digest, size_bytes=layer.size_bytes, media_type=media_type)
