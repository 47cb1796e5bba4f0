"""What an artifact's manifest and configuration say, and what of it starting an instance needs."""

import platform
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from repave.model.artifact import ARCHITECTURES
from repave.model.names import Digest
from repave.ports.errors import Corrupt, Gone, Invalid
from repave.ports.image_format import ImageConfiguration, ImageManifest
from repave.ports.registry import Registry
from repave.providers.local.accounts import resolve_user
from repave.providers.local.errors import REMEDY
from repave.providers.local.mapping import ImageFacts, image_command, image_environment, image_volumes
from repave.providers.local.unpacking import LayerFile


@dataclass(frozen=True, kw_only=True)
class Image:
    """One artifact, as its documents describe it."""

    digest: Digest
    layers: tuple[LayerFile, ...]
    configuration: Mapping[str, object]
    architecture: str


def read_image(registry: Registry, digest: Digest) -> Image:
    """Read both documents; the layers' files are there. Raises Corrupt."""
    what = f"the artifact {digest}"
    try:
        manifest = ImageManifest.parse(registry.read(digest), what)
        stored = ImageConfiguration.parse(registry.read(manifest.configuration.digest), what)
        layers = tuple(
            LayerFile(
                path=registry.path(layer.digest),
                digest=layer.digest,
                difference=difference,
                media_type=layer.media_type,
            )
            for layer, difference in zip(manifest.layers, stored.differences, strict=True)
        )
    except ValueError as error:
        told = f"its manifest has {len(manifest.layers)} layers, its configuration {len(stored.differences)}"
        raise Corrupt(f"{what} is no OCI image: {told}", hint=REMEDY) from error
    except Invalid as error:
        raise Corrupt(f"{what} is no OCI image: {error.message}", hint=REMEDY) from error
    except Gone as error:
        raise Corrupt(f"{what} is incomplete: {error.message}", hint=REMEDY) from error
    return Image(digest=digest, layers=layers, configuration=stored.runs, architecture=stored.architecture)


def facts_of(image: Image, layers: tuple[str, ...], base: Path) -> ImageFacts:
    """What starting it needs; ``layers`` are its unpacked folders below ``base``, lowest first. Raises Corrupt."""
    configuration = image.configuration
    roots = tuple(base / layer for layer in reversed(layers))
    account = resolve_user(str(configuration.get("User") or ""), roots)
    try:
        command, environment = image_command(configuration), image_environment(configuration)
        volumes = image_volumes(configuration)
    except TypeError as error:
        raise Corrupt(
            f"the configuration of the artifact {image.digest} is none of OCI's: {error}", hint=REMEDY
        ) from error
    here = ARCHITECTURES.get(platform.machine(), platform.machine())
    foreign = (
        f"the image is for {image.architecture}, this machine is {here}" if image.architecture not in {"", here} else ""
    )
    problem = foreign or account.problem or ("" if command else "the image names no command to run")
    return ImageFacts(
        layers=layers,
        command=command,
        environment=environment,
        folder=str(configuration.get("WorkingDir") or "/"),
        user=account.user,
        group=account.group,
        groups=account.groups,
        volumes=volumes,
        problem=problem,
    )
