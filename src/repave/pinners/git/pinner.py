"""Files of git repositories: pinned by commit and by the sha256 of what is exported of it."""

from dataclasses import replace
from pathlib import Path

from repave.model.lock import Ecosystem, Layer, LockedPackage
from repave.model.recipe import GitSource
from repave.pinners.git.address import GitAddress
from repave.pinners.git.exporting import RUN, GitExports
from repave.ports.pinner import PinRequest, Pins, Refresh
from repave.ports.progress import Progress
from repave.ports.vault import Vault
from repave.scratch.held import held


class GitPinner:
    """The pinner port for git repositories."""

    def __init__(self, root: Path, *, exports: GitExports, vault: Vault) -> None:
        self._root = root
        self._exports = exports
        self._vault = vault

    def pin(self, request: PinRequest, *, progress: Progress) -> Pins:
        """A commit for each source, and its files in the vault; see the port.

        A tag or branch stays at the commit that was found first until an upgrade is asked for, of all or of its
        repository; a commit in the recipe never moves.
        """
        packages: dict[tuple[str, ...], LockedPackage] = {}
        remarks: list[str] = []
        for source in request.image.git:
            package = _standing(request, source)
            if package is None:
                with progress.task(f"Reading {source.url}") as task:
                    task.note(source.reference or source.commit)
                    package, empty = self._fresh(source)
                remarks += (
                    f"submodule {path} of {source.url} stays an empty folder: name its repository under `git` too"
                    for path in empty
                )
            package = replace(package, images=(request.image.name,))
            packages[package.identity] = package
        return Pins(packages=tuple(packages[key] for key in sorted(packages)), remarks=tuple(remarks))

    def _fresh(self, source: GitSource) -> tuple[LockedPackage, tuple[str, ...]]:
        commit = source.commit or self._exports.commit_of(source.url, source.reference)
        address = GitAddress(url=source.url, commit=commit, path=source.path)
        self._root.mkdir(parents=True, exist_ok=True)
        with held(self._root, prefix=RUN) as folder:
            archive = folder / "archive.tar"
            with archive.open("wb") as target:
                empty = self._exports.export(address, target)
            size = archive.stat().st_size
            sha256 = self._vault.add(archive)
        package = LockedPackage(
            ecosystem=Ecosystem.GIT,
            name=source.url,
            version=commit,
            sha256=sha256,
            size_bytes=size,
            origin=str(address),
            filename=source.archive,
            layer=Layer.SOURCES,
            images=(),
            reference=source.reference,
        )
        return package, empty


def _standing(request: PinRequest, source: GitSource) -> LockedPackage | None:
    """What is pinned and stays: this image's own pin goes before that of another."""
    moves = request.refresh is Refresh.UPGRADE or (request.refresh is Refresh.NAMED and source.url in request.named)
    if moves and source.reference:
        return None
    pinned = (
        package
        for package in request.previous.packages
        if (package.ecosystem, package.name, package.filename) == (Ecosystem.GIT, source.url, source.archive)
    )
    return min(pinned, key=lambda package: request.image.name not in package.images, default=None)
