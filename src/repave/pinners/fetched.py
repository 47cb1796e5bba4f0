"""Files by their address: pinned by what is found there first, or by what the recipe says they must be."""

from collections.abc import Iterable, Iterator

from repave.model.lock import Ecosystem, Layer, LockedPackage
from repave.model.recipe import RemoteFile
from repave.ports.errors import Invalid
from repave.ports.pinner import PinRequest, Pins, Refresh
from repave.ports.progress import Progress
from repave.ports.vault import Found, Sought, Vault

LARGEST_BYTES = 4 << 30
"""Of one file: far above any tool or model that goes into an image, and what a disk still holds twice."""


class FetchedFilesPinner:
    """The pinner port for files by their address."""

    def __init__(self, *, vault: Vault) -> None:
        self._vault = vault

    def pin(self, request: PinRequest, *, progress: Progress) -> Pins:
        """Every file of the image, downloaded if it is not pinned yet or may move; see the port.

        What is pinned stays, also when its address has another file by now, unless an upgrade was asked for; a sha256
        in the recipe is the file's whatever is asked for.
        """
        wanted = _each_once(request.image.fetch)
        pinned = {url: known for url, sha256 in wanted.items() if (known := _standing(request, url, sha256))}
        missing = {url: sha256 for url, sha256 in wanted.items() if url not in pinned}
        found = self._found(missing, progress)
        return Pins(
            packages=tuple(
                LockedPackage(
                    ecosystem=Ecosystem.URL,
                    name=url,
                    version=file.sha256,
                    sha256=file.sha256,
                    size_bytes=file.size_bytes,
                    origin=url,
                    filename=RemoteFile(url=url, into="").name or "index",
                    layer=Layer.SOURCES,
                    images=(request.image.name,),
                )
                for url, file in sorted({**pinned, **found}.items())
            )
        )

    def _found(self, wanted: dict[str, str], progress: Progress) -> dict[str, Found]:
        here = {url: self._kept(sha256) for url, sha256 in wanted.items() if sha256 and self._vault.has(sha256)}
        sought = [
            Sought(url=url, name=url, largest_bytes=LARGEST_BYTES, hashes=(("sha256", sha256),) if sha256 else ())
            for url, sha256 in wanted.items()
            if url not in here
        ]
        found = self._vault.seek(sought, progress=progress)
        return here | {file.url: what for file, what in zip(sought, found, strict=True)}

    def _kept(self, sha256: str) -> Found:
        return Found(sha256=sha256, size_bytes=self._vault.path(sha256).stat().st_size)


def _each_once(files: Iterable[RemoteFile]) -> dict[str, str]:
    """What each address must hold, by the address; empty where the recipe does not say."""
    wanted: dict[str, str] = {}
    for file in files:
        before = wanted.get(file.url)
        if before and file.sha256 and before != file.sha256:
            raise Invalid(
                f"{file.url} is to have two different sha256: {before} and {file.sha256}",
                hint="one address holds one file: give both places the same",
            )
        wanted[file.url] = before or file.sha256
    return wanted


def _standing(request: PinRequest, url: str, sha256: str) -> Found | None:
    """What is pinned and stays: this image's own pin goes before that of another."""
    moves = request.refresh is Refresh.UPGRADE or (request.refresh is Refresh.NAMED and url in request.named)
    for package in _pins_of(request, url):
        if package.sha256 == sha256 or not (sha256 or moves):
            return Found(sha256=package.sha256, size_bytes=package.size_bytes)
    return None


def _pins_of(request: PinRequest, url: str) -> Iterator[LockedPackage]:
    named = [
        package for package in request.previous.packages if package.ecosystem is Ecosystem.URL and package.name == url
    ]
    yield from sorted(named, key=lambda package: request.image.name not in package.images)
