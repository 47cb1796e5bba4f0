"""Mirrors in place of origins, with a password where one is declared: the lock keeps the origin's address."""

from pathlib import Path

import pytest
from debian_upstream import SECURITY, SUITE, Locking, Upstream
from guarded_folder import PASSWORD, KnownTo, Watched, guarded, nobody_listens
from pypi_index import PYTHON, PypiWorld

from repave.model.lock import Lock
from repave.model.names import ImageName
from repave.model.origins import Origin, Origins
from repave.model.recipe import Base, Image, ImageKind
from repave.pinners.pypi import PypiPinner
from repave.ports.errors import Denied, Unreachable
from repave.ports.logins import Access
from repave.ports.pinner import PinRequest, Refresh
from repave.ports.progress import Silent
from repave.registries.vault import FileVault

CANONICAL = "http://deb.debian.example/debian"
SIMPLE = "https://pypi.example/simple"
ESSENTIAL = {"base-files 12": "Essential: yes"}


def mirrored(address: str, *mirrors: str) -> Origins:
    """What the file says of one address."""
    return Origins(declared=(Origin(address=address, mirrors=mirrors),))


def holds_the_password(folder: Path) -> list[Path]:
    """The files below a folder in which the password stands."""
    files = (place for place in folder.rglob("*") if place.is_file())
    return [place for place in files if PASSWORD.encode() in place.read_bytes()]


def test_a_mirror_of_debian_is_asked_with_its_login_and_the_lock_names_the_origin(
    upstream: Upstream, locking: Locking
) -> None:
    """The password is in no argument, and in no file after the run."""
    upstream.publish(SUITE, {**ESSENTIAL, "app 1.0": ""})
    locking.mirror = CANONICAL
    commands = Watched()
    locking.commands = commands
    with guarded(upstream.root) as server:
        locking.origins = mirrored(CANONICAL, server.address)
        locking.logins = KnownTo(server.address)
        found = locking.run("app")
        assert found["app"].origin == f"{CANONICAL}/pool/main/a/app_1.0_amd64.deb"
        assert any(said for _, said in server.asked)
    assert not [argument for argument in commands.arguments if PASSWORD in argument]
    assert not holds_the_password(locking.folder)


def test_the_next_mirror_is_asked_when_the_first_cannot_be_reached(upstream: Upstream, locking: Locking) -> None:
    """And when none can, each is named."""
    upstream.publish(SUITE, {**ESSENTIAL, "app 1.0": ""})
    locking.mirror = CANONICAL
    dead = nobody_listens()
    with guarded(upstream.root, password=None) as server:
        locking.origins = mirrored(CANONICAL, dead, server.address)
        assert locking.versions("app") == {"app": "1.0"}
    also_dead = nobody_listens()
    locking.origins = mirrored(CANONICAL, dead, also_dead)
    with pytest.raises(Unreachable) as refused:
        locking.run("app")
    assert dead.removeprefix("http://").replace(":", " ").split()[0] in refused.value.message


def test_a_wrong_password_is_told_as_one(upstream: Upstream, locking: Locking) -> None:
    """It is no network trouble, and the password is not shown."""
    upstream.publish(SUITE, {**ESSENTIAL, "app 1.0": ""})
    locking.mirror = CANONICAL
    with guarded(upstream.root) as server:
        locking.origins = mirrored(CANONICAL, server.address)
        locking.logins = KnownTo(server.address, password="wrong-one")  # noqa: S106 - it is no secret that opens anything
        with pytest.raises(Denied, match="401") as refused:
            locking.run("app")
    assert "origins" in refused.value.hint
    assert "wrong-one" not in f"{refused.value} {refused.value.hint}"


def test_suites_with_archives_of_their_own_have_mirrors_of_their_own(upstream: Upstream, locking: Locking) -> None:
    """Debian's security archive is another origin than the archive itself."""
    upstream.publish(SUITE, {**ESSENTIAL, "app 1.0": ""})
    security = Upstream(root=upstream.root.parent / "security", key=upstream.key)
    security.root.mkdir()
    security.publish(SECURITY, {"app 1.1": ""})
    locking.mirror, locking.suites = CANONICAL, (SUITE, SECURITY)
    with guarded(upstream.root, None) as main, guarded(security.root, None) as repairs:
        locking.origins = Origins(
            declared=(
                Origin(address=CANONICAL, mirrors=(main.address,)),
                Origin(address=f"{CANONICAL}-security", mirrors=(repairs.address,)),
            )
        )
        found = locking.run("app")
    assert (found["app"].version, found["app"].origin.partition("/pool")[0]) == ("1.1", f"{CANONICAL}-security")


def test_an_index_of_ones_own_is_asked_with_its_login(tmp_path: Path) -> None:
    """Wheels are named by the addresses that index gives; the password is in no argument and in no file."""
    world = PypiWorld(root=tmp_path)
    world.wheel("app", "1.0")
    commands = Watched()
    with guarded(tmp_path / "index") as server:
        pinner = PypiPinner(
            tmp_path / "cache",
            commands=commands,
            vault=FileVault(tmp_path / "vault"),
            index=SIMPLE,
            access=Access(origins=mirrored(SIMPLE, nobody_listens(), server.address), logins=KnownTo(server.address)),
        )
        base = Base(distribution="debian", release="bookworm", suites=("bookworm",))
        image = Image(name=ImageName("web"), kind=ImageKind.CONTAINER, base=base, python=("app",))
        request = PinRequest(
            image=image, folder=tmp_path, previous=Lock(), refresh=Refresh.KEEP, named=(), pinned=PYTHON
        )
        pins = pinner.pin(request, progress=Silent())
        assert [package.origin for package in pins.packages] == [f"{server.address}/app/app-1.0-py3-none-any.whl"]
        pinner = PypiPinner(
            tmp_path / "cache 2",
            commands=commands,
            vault=FileVault(tmp_path / "vault"),
            index=server.address,
        )
        with pytest.raises(Denied) as refused:
            pinner.pin(request, progress=Silent())
    assert "origins" in refused.value.hint
    assert not [argument for argument in commands.arguments if PASSWORD in argument]
    assert not holds_the_password(tmp_path)
