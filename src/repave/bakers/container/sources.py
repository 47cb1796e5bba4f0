"""What comes by its address, laid out in a stage: files by URL, and the files of git repositories."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from repave.archives.rules import TREE, Links
from repave.archives.tars import opened_tar
from repave.bakers.container.layertar import CHUNK_BYTES, Verified
from repave.bakers.container.stage import Stage, put
from repave.model.lock import Ecosystem, LockedPackage
from repave.model.recipe import GitSource, Image, RemoteFile
from repave.ports.errors import Invalid
from repave.ports.vault import Vault

COMMITTED = replace(TREE, links=Links.ANYWHERE)
"""A repository may link to what another layer brings; nothing here follows it."""


@dataclass(frozen=True, kw_only=True)
class Placed:
    """One thing to be laid out: as the recipe has it, and the file in the vault that it is."""

    source: RemoteFile | GitSource
    package: LockedPackage

    @property
    def target(self) -> str:
        """Absolute path in the image."""
        return self.source.target if isinstance(self.source, RemoteFile) else self.source.into

    @property
    def inputs(self) -> list[str]:
        """All that determines what becomes of it in the image."""
        own = f"{self.source.mode:o}" if isinstance(self.source, RemoteFile) else f"git {self.source.path}"
        return [self.target, own, self.package.sha256]


def sources_of(image: Image, packages: Iterable[LockedPackage]) -> list[Placed]:
    """What is to be laid out, in the order in which it is done. Raises Invalid for what is not locked."""
    locked = {
        (package.name, "" if package.ecosystem is Ecosystem.URL else package.filename): package
        for package in packages
        if package.ecosystem in {Ecosystem.URL, Ecosystem.GIT}
    }
    wanted: list[tuple[RemoteFile | GitSource, tuple[str, str]]] = [
        *((file, (file.url, "")) for file in image.fetch),
        *((source, (source.url, source.archive)) for source in image.git),
    ]
    for source, key in wanted:
        if key not in locked:
            raise Invalid(f"{source.url} is not locked", hint="`repave lock` pins it")
    placed = (Placed(source=source, package=locked[key]) for source, key in wanted)
    return sorted(placed, key=lambda one: (one.target, one.source.url))


def lay_out_sources(sources: Iterable[Placed], stage: Stage, *, vault: Vault) -> None:
    """Put all of it into the stage. Raises Invalid (two things in one place), Corrupt, Gone."""
    for placed in sources:
        match placed.source:
            case RemoteFile() as file:
                _file(file, placed.package, stage, vault)
            case GitSource() as source:
                _tree(source, placed.package, stage, vault)


def _file(file: RemoteFile, package: LockedPackage, stage: Stage, vault: Vault) -> None:
    with (
        vault.path(package.sha256).open("rb") as source,
        stage.file(file.target, mode=file.mode, origin=file.url) as target,
    ):
        content = Verified(source, package.sha256, file.url)
        while chunk := content.read(CHUNK_BYTES):
            target.write(chunk)
        content.finish()


def _tree(source: GitSource, package: LockedPackage, stage: Stage, vault: Vault) -> None:
    """The files of a commit; the archive has them below the path they have in the repository."""
    vault.verify(package.sha256)
    above = len(source.path.split("/")) if source.path else 0
    into = source.into.rstrip("/")
    stage.folder(into, origin=source.url)
    with opened_tar(vault.path(package.sha256), name=f"the archive of {source.url}", rules=COMMITTED) as entries:
        for entry in entries:
            parts = entry.parts[above:]
            if parts:
                put(entry, "/".join((into, *parts)), stage, source.url)
