"""Files by their address: pinned once, kept, moved only when asked for."""

from hashlib import sha256
from pathlib import Path

import pytest

from repave.model.lock import Ecosystem, Layer, Lock, LockedPackage
from repave.model.names import ImageName
from repave.model.recipe import Base, Image, ImageKind, RemoteFile
from repave.pinners.fetched import FetchedFilesPinner
from repave.ports.errors import Corrupt, Gone, Invalid
from repave.ports.pinner import PinRequest, Refresh
from repave.ports.progress import Silent
from repave.registries.vault import FileVault

ONE, TWO = b"the first tool", b"the second tool"


def digest(content: bytes) -> str:
    """Its sha256."""
    return sha256(content).hexdigest()


class Place:
    """An address at which something lies, and what is pinned of it."""

    def __init__(self, folder: Path) -> None:
        self.vault = FileVault(folder / "vault")
        self.file = folder / "tool-1.0.bin"
        self.file.write_bytes(ONE)
        self.lock = Lock()

    def remote(self, sha256: str = "", into: str = "/usr/local/bin/tool") -> RemoteFile:
        """The file, as a recipe names it."""
        return RemoteFile(url=self.file.as_uri(), into=into, sha256=sha256)

    def pin(
        self, *files: RemoteFile, refresh: Refresh = Refresh.KEEP, named: tuple[str, ...] = (), image: str = "web"
    ) -> tuple[LockedPackage, ...]:
        """Pin again; the next time this is what was pinned before."""
        recipe = Image(
            name=ImageName(image),
            kind=ImageKind.CONTAINER,
            base=Base(distribution="debian", release="bookworm", suites=("bookworm",)),
            fetch=files or (self.remote(),),
        )
        request = PinRequest(image=recipe, folder=Path(), previous=self.lock, refresh=refresh, named=named)
        packages = FetchedFilesPinner(vault=self.vault).pin(request, progress=Silent()).packages
        self.lock = Lock(packages=packages)
        return packages


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """With the first file."""
    return Place(tmp_path)


def test_what_is_found_first_is_pinned(place: Place) -> None:
    """By sha256, size and address, and it is in the vault."""
    url = place.file.as_uri()
    assert place.pin() == (
        LockedPackage(
            ecosystem=Ecosystem.URL,
            name=url,
            version=digest(ONE),
            sha256=digest(ONE),
            size_bytes=len(ONE),
            origin=url,
            filename="tool-1.0.bin",
            layer=Layer.SOURCES,
            images=(ImageName("web"),),
        ),
    )
    place.vault.verify(digest(ONE))


@pytest.mark.parametrize("refresh", [Refresh.KEEP, Refresh.SECURITY, Refresh.NAMED])
def test_a_pin_stays_though_its_address_has_another_file(place: Place, refresh: Refresh) -> None:
    """Or none any more; a second image gets the same one."""
    before = place.pin()
    place.file.write_bytes(TWO)
    assert place.pin(refresh=refresh, named=("openssl",)) == before
    place.file.unlink()
    assert [package.sha256 for package in place.pin(refresh=refresh, image="worker")] == [digest(ONE)]


@pytest.mark.parametrize("refresh", [Refresh.UPGRADE, Refresh.NAMED])
def test_a_pin_moves_when_it_is_told_to(place: Place, refresh: Refresh) -> None:
    """By an upgrade of all, or of its address."""
    place.pin()
    place.file.write_bytes(TWO)
    (moved,) = place.pin(refresh=refresh, named=(place.file.as_uri(),))
    assert (moved.version, moved.size_bytes) == (digest(TWO), len(TWO))


def test_what_the_recipe_says_holds_whatever_is_asked_for(place: Place) -> None:
    """No upgrade moves it, another file is refused by its address, and a new sha256 is followed."""
    place.pin(place.remote(digest(ONE)))
    place.file.write_bytes(TWO)
    (kept,) = place.pin(place.remote(digest(ONE)), refresh=Refresh.UPGRADE)
    assert kept.sha256 == digest(ONE)
    with pytest.raises(Corrupt, match=rf"tool-1\.0\.bin .* has sha256 {digest(TWO)}, not {'0' * 64}"):
        place.pin(place.remote("0" * 64))
    assert not place.vault.has(digest(TWO))
    (moved,) = place.pin(place.remote(digest(TWO)))
    assert moved.sha256 == digest(TWO)


def test_a_known_file_that_is_in_the_vault_is_asked_of_nobody(place: Place) -> None:
    """Its sha256 says all."""
    place.pin()
    place.lock = Lock()
    place.file.unlink()
    (known,) = place.pin(place.remote(digest(ONE)))
    assert known.size_bytes == len(ONE)
    place.lock = Lock()
    with pytest.raises(Gone, match=r"tool-1\.0\.bin"):
        place.pin()


def test_one_address_is_one_file(place: Place) -> None:
    """It may go to two places, but cannot be two things."""
    assert len(place.pin(place.remote(), place.remote(digest(ONE), into="/opt/tool"))) == 1
    with pytest.raises(Invalid, match="two different sha256"):
        place.pin(place.remote(digest(ONE)), place.remote(digest(TWO), into="/opt/tool"))
