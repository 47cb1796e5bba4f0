"""What comes by its address, laid out in a stage: files by URL, archives unpacked, the files of git repositories."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from repave.archives.entries import Kind
from repave.archives.rules import TREE, Links
from repave.archives.tars import opened_tar
from repave.archives.zips import opened_zip
from repave.bakers.rootfs.layertar import CHUNK_BYTES, Verified
from repave.bakers.rootfs.stage import Stage, put
from repave.model.lock import Ecosystem, LockedPackage
from repave.model.recipe import GitSource, Image, RemoteFile
from repave.ports.errors import Invalid
from repave.ports.vault import Vault

ZIP = b"PK\x03\x04"
"""How a zip begins (APPNOTE 4.3.7); one without members is none of anybody's."""

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
        match self.source:
            case RemoteFile(unpack=True):
                own = "unpack"
            case RemoteFile(mode=mode):
                own = f"{mode:o}"
            case GitSource(path=path):
                own = f"git {path}"
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
            case RemoteFile(unpack=True) as file:
                _archive(file, placed.package, stage, vault)
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


def _archive(file: RemoteFile, package: LockedPackage, stage: Stage, vault: Vault) -> None:
    """The members of an archive, by what it is and not by what it is called: zip, or tar in any compression."""
    vault.verify(package.sha256)
    path, name, into = vault.path(package.sha256), f"the archive {file.url}", file.into.rstrip("/")
    stage.folder(into, origin=file.url)
    with path.open("rb") as content:
        is_zip = content.read(len(ZIP)) == ZIP
    if is_zip:
        _unzip(path, name, into, stage, file.url)
        return
    with opened_tar(path, name=name, rules=TREE) as entries:
        for entry in entries:
            target = f"{into}/{entry.name}"
            if entry.kind is Kind.HARDLINK:
                stage.copy(f"{into}/{entry.link}", target, origin=file.url)
            elif entry.name:
                put(entry, target, stage, file.url)


def _unzip(path: Path, name: str, into: str, stage: Stage, origin: str) -> None:
    with opened_zip(path, name=name, rules=TREE) as archive:
        for member in archive.infolist():
            target = "/".join((into, *(part for part in member.filename.split("/") if part not in {"", "."})))
            if member.is_dir():
                stage.folder(target, origin=origin)
                continue
            mode = 0o755 if member.external_attr >> 16 & 0o100 else 0o644
            with archive.open(member) as content, stage.file(target, mode=mode, origin=origin) as file:
                while chunk := content.read(CHUNK_BYTES):
                    file.write(chunk)


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
