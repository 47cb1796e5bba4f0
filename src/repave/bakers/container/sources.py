"""What comes by its address, laid out in a stage: files by URL."""

from collections.abc import Iterable, Mapping

from repave.bakers.container.layertar import CHUNK_BYTES, Verified
from repave.bakers.container.stage import Stage
from repave.model.lock import Ecosystem, LockedPackage
from repave.model.recipe import Image, RemoteFile
from repave.ports.errors import Invalid
from repave.ports.vault import Vault


def sources_of(image: Image, packages: Iterable[LockedPackage]) -> list[tuple[RemoteFile, LockedPackage]]:
    """What is to be laid out, each with the file it is in the vault, in the order in which it is done.

    Raises Invalid for what is not locked.
    """
    by_url = {package.name: package for package in packages if package.ecosystem is Ecosystem.URL}
    wanted = sorted(image.fetch, key=lambda file: (file.target, file.url))
    return [(file, _locked(file.url, by_url)) for file in wanted]


def lay_out_sources(sources: Iterable[tuple[RemoteFile, LockedPackage]], stage: Stage, *, vault: Vault) -> None:
    """Put all of it into the stage. Raises Invalid (two things in one place), Corrupt, Gone."""
    for file, package in sources:
        with (
            vault.path(package.sha256).open("rb") as source,
            stage.file(file.target, mode=file.mode, origin=file.url) as target,
        ):
            content = Verified(source, package.sha256, file.url)
            while chunk := content.read(CHUNK_BYTES):
                target.write(chunk)
            content.finish()


def _locked(url: str, packages: Mapping[str, LockedPackage]) -> LockedPackage:
    if url not in packages:
        raise Invalid(f"{url} is not locked", hint="`repave lock` pins it")
    return packages[url]
