"""Recipes and the lock made of them: digests, what no longer fits, and one lock out of what was pinned per image."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from hashlib import sha256
from typing import Protocol

from repave.config.lockfile import canonical
from repave.model.lock import Ecosystem, Lock, LockedFile, LockedImage, LockedPackage
from repave.model.names import Digest, ImageName
from repave.model.project import Project
from repave.model.recipe import Image

LATER = frozenset({"node", "fetch", "git", "data", "image", "keyring", "build", "disk_bytes", "units"})
"""Keys of images and bases that the first format of the lock did not have."""


def recipe_digest(image: Image) -> Digest:
    """Digest of all that the file declares of an image; the order of its packages and requirements is nothing to it."""
    text = json.dumps(recipe_content(image), sort_keys=True, separators=(",", ":"))
    return Digest(f"sha256:{sha256(text.encode()).hexdigest()}")


def recipe_content(image: Image) -> dict[str, object]:
    """All that the file declares of an image and that decides its bytes, as JSON knows it."""
    content = asdict(image) | {
        "packages": sorted(image.packages),
        "python": sorted(image.python),
        "units": sorted(image.units),
        "files": sorted((mapping.source, mapping.target) for mapping in image.files),
    }
    # Guards judge what is made; they do not change it.
    del content["guards"]
    if not image.build:
        del content["build_limits"]
    # What came to the format later says nothing where it is not used: locks of then still match.
    content = {key: value for key, value in content.items() if value or key not in LATER}
    content["base"] = {key: value for key, value in content["base"].items() if value or key not in LATER}
    return content


class Pinned(Protocol):
    """Everything that was pinned for one image, as ``repave.ports.pinner.Pins`` holds it."""

    @property
    def packages(self) -> tuple[LockedPackage, ...]:
        """Of every ecosystem."""
        ...

    @property
    def files(self) -> tuple[LockedFile, ...]:
        """Of the application."""
        ...


def merged(images: Iterable[Image], pins: Mapping[ImageName, Pinned]) -> Lock:
    """One lock for ``images``: what several of them want alike becomes one entry that names them all."""
    wanted = tuple(images)
    packages: dict[LockedPackage, set[ImageName]] = {}
    files: dict[LockedFile, set[ImageName]] = {}
    for image in wanted:
        pinned = pins[image.name]
        for package in pinned.packages:
            packages.setdefault(replace(package, images=()), set()).add(image.name)
        for file in pinned.files:
            files.setdefault(replace(file, images=()), set()).add(image.name)
    return canonical(
        Lock(
            images=tuple(
                LockedImage(name=image.name, kind=image.kind, base=image.base, recipe=recipe_digest(image))
                for image in wanted
            ),
            packages=tuple(replace(package, images=tuple(names)) for package, names in packages.items()),
            files=tuple(replace(file, images=tuple(names)) for file, names in files.items()),
        )
    )


def drift(project: Project, lock: Lock) -> tuple[str, ...]:
    """What the recipes say and the lock does not match, a sentence each; empty when it does.

    The content of the application's files and newer versions upstream are not looked at.
    """
    locked = {image.name: image for image in lock.images}
    return (
        *(f"image `{name}` is not locked" for name in project.images if name not in locked),
        *(f"image `{name}` is locked, but not in the file any more" for name in locked if name not in project.images),
        *(
            sentence
            for name, image in project.images.items()
            if name in locked and locked[name].recipe != recipe_digest(image)
            for sentence in _changes(image, locked[name], lock)
        ),
    )


def _changes(image: Image, locked: LockedImage, lock: Lock) -> Sequence[str]:
    """What changed in a recipe, as far as the lock can tell."""
    found = tuple(_told_by_lock(image, locked, lock))
    return found or (f"the recipe of image `{image.name}` has changed since it was locked",)


def _told_by_lock(image: Image, locked: LockedImage, lock: Lock) -> Iterator[str]:
    if image.kind != locked.kind:
        yield f"image `{image.name}` is locked as {locked.kind}, and is a {image.kind} now"
    if image.base != locked.base:
        yield f"the base of image `{image.name}` has changed"
    pinned = {(package.ecosystem, _plain(package.name)) for package in lock.packages_of(image.name)}
    for package in image.packages:
        if (Ecosystem.DEB, _plain(package.partition("=")[0])) not in pinned:
            yield f"package `{package}` of image `{image.name}` is not locked"
    for requirement in image.python:
        name = re.split(r"[\s\[<>=!~;(]", requirement, maxsplit=1)[0]
        if ";" not in requirement and (Ecosystem.PYPI, _plain(name)) not in pinned:
            yield f"Python requirement `{requirement}` of image `{image.name}` is not locked"
    yield from _sources_told_by_lock(image, lock)
    origins = tuple(file.origin for file in lock.files_of(image.name))
    for mapping in image.files:
        if mapping.plain_source and not any(map(mapping.takes, origins)):
            yield f"`{mapping.source}` of image `{image.name}` is not locked"


def _sources_told_by_lock(image: Image, lock: Lock) -> Iterator[str]:
    packages = lock.packages_of(image.name)
    fetched = {package.name: package for package in packages if package.ecosystem is Ecosystem.URL}
    for file in image.fetch:
        if file.url not in fetched:
            yield f"`{file.url}` of image `{image.name}` is not locked"
        elif file.sha256 and file.sha256 != fetched[file.url].sha256:
            yield f"`{file.url}` of image `{image.name}` is locked with another sha256 than the file gives"
    commits = {(package.name, what) for package in packages for what in (package.version, package.reference)}
    for source in image.git:
        if (source.url, source.commit or source.reference) not in commits:
            yield f"`{source.url}` of image `{image.name}` is not locked at {source.commit or source.reference}"


def _plain(name: str) -> str:
    """A package's name as PyPI compares it (PEP 503); Debian's names stay what they are, told by ecosystem."""
    return re.sub(r"[-_.]+", "-", name).lower()
