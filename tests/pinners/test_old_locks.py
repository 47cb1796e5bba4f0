"""A lock outlives what it was made from: the origins gone and the network unplugged, it bakes to the same digest."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from shutil import rmtree

import pytest
from git_origin import git_origin
from npm_registry import Registry, nodejs, npm_registry, write_application
from pantry import bake_in
from unplugged import bake_unplugged

from repave.config.lockfile import dump_lock, load_lock
from repave.config.recipes import merged
from repave.jobs.commands import LocalCommands
from repave.model.lock import Lock
from repave.model.names import ImageName
from repave.model.recipe import Base, GitSource, Image, ImageKind, NodeApplication, RemoteFile
from repave.pinners.fetched import FetchedFilesPinner
from repave.pinners.git.exporting import GitExports
from repave.pinners.git.pinner import GitPinner
from repave.pinners.git.program import Git
from repave.pinners.npm.pinner import NpmPinner
from repave.ports.baker import BakeRequest
from repave.ports.logins import NoLogins
from repave.ports.pinner import Pinner, PinRequest, Refresh
from repave.ports.progress import Silent
from repave.registries.vault import FileVault

WEB = ImageName("web")
End = Callable[[], object]
"""Takes the origin away."""


def image(**parts: object) -> Image:
    """An image of nothing but what is given."""
    base = Base(distribution="debian", release="bookworm", suites=("bookworm",))
    return Image(name=WEB, kind=ImageKind.CONTAINER, base=base, user="1000", run=("/bin/true",), **parts)  # type: ignore[arg-type] # typed where they are written


def fetched_file(folder: Path, vault: FileVault) -> tuple[Image, Pinner, End]:
    """A file by its address."""
    file = folder / "tool"
    file.write_bytes(b"a tool")
    return image(fetch=(RemoteFile(url=file.as_uri(), into="/opt/"),)), FetchedFilesPinner(vault=vault), file.unlink


def git_repository(folder: Path, vault: FileVault) -> tuple[Image, Pinner, End]:
    """A tag of a repository."""
    origin = git_origin(folder / "tool.git")
    exports = GitExports(folder / "cache", git=Git(commands=LocalCommands(), environment={}, logins=NoLogins()))
    sources = (GitSource(url=origin.url, into="/srv/tool", reference="refs/tags/v1", path="keep"),)
    pinner = GitPinner(folder / "cache", exports=exports, vault=vault)
    return image(git=sources), pinner, lambda: rmtree(origin.folder)


def node_application(folder: Path, vault: FileVault, registry: Registry) -> tuple[Image, Pinner, End]:
    """An application with a package in two places, and a program."""
    one = registry.publish("one", files={"cli.js": b"#!/usr/bin/env node\n"}, bin="cli.js")
    two = registry.publish("two")
    places = {"node_modules/one": one, "node_modules/two": two, "node_modules/two/node_modules/one": one}
    write_application(folder, places, dependencies={"one": "1", "two": "1"})
    recipe = image(node=NodeApplication(lock="package-lock.json", into="/srv/app"))
    return recipe, NpmPinner(vault=vault), registry.content.clear


@pytest.fixture(params=["file", "git", "npm"])
def made(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[FileVault, Image, Pinner, End]]:
    """A vault, an image of one thing, what pins it, and what takes its origin away."""
    vault = FileVault(tmp_path / "vault")
    with npm_registry() as registry:
        match request.param:
            case "file":
                yield vault, *fetched_file(tmp_path, vault)
            case "git":
                yield vault, *git_repository(tmp_path, vault)
            case _:
                yield vault, *node_application(tmp_path, vault, registry)


@pytest.mark.real
def test_an_old_lock_bakes_unplugged_to_the_same_digest(
    tmp_path: Path, made: tuple[FileVault, Image, Pinner, End]
) -> None:
    """From its text and the vault alone; locking again without the origin changes nothing."""
    vault, recipe, pinner, end = made
    request = PinRequest(image=recipe, folder=tmp_path, previous=Lock(), refresh=Refresh.KEEP, pinned=(nodejs(),))
    lock = merged([recipe], {WEB: pinner.pin(request, progress=Silent())})
    first = bake_in(tmp_path / "then", vault, BakeRequest(image=recipe, packages=lock.packages, files=()))
    end()
    old = load_lock(dump_lock(lock))
    again = pinner.pin(replace(request, previous=old), progress=Silent())
    assert merged([recipe], {WEB: again}) == lock
    unplugged = bake_unplugged(
        tmp_path / "now", tmp_path / "vault", BakeRequest(image=recipe, packages=old.packages_of(WEB), files=())
    )
    assert unplugged.digest == first.digest
