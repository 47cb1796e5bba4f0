"""What a recipe brings in the place of a setting that any machine has is laid instead of it, or refused."""

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import pytest

from repave.bakers.disk.settings import OWN, Settings
from repave.bakers.rootfs.layertar import FIRST_TIME, LayerTar
from repave.bakers.rootfs.skeleton import Skeleton
from repave.bakers.rootfs.stage import Stage
from repave.model.lock import Ecosystem, Layer, LockedPackage
from repave.model.names import ImageName
from repave.model.recipe import Base, Image, ImageKind
from repave.ports.baker import BakeRequest
from repave.ports.errors import Invalid

IMAGE = Image(
    name=ImageName("web"), kind=ImageKind.VM, base=Base(distribution="debian", release="bookworm"), run=("serve",)
)
SSH_SERVER = LockedPackage(
    ecosystem=Ecosystem.DEB,
    name="openssh-server",
    version="1",
    sha256="0" * 64,
    size_bytes=1,
    origin="https://example.org/a.deb",
    filename="a.deb",
    layer=Layer.PLATFORM,
    images=(IMAGE.name,),
)
SETTINGS = Settings.of(BakeRequest(image=IMAGE, packages=(SSH_SERVER,), files=()), {})
THEIRS = sorted({*SETTINGS.files, *SETTINGS.links} - OWN)


def layer(folder: Path, *paths: str, links: Sequence[str] = ()) -> Path:
    """A layer with these files and links."""
    place = folder / f"layer{len(list(folder.iterdir()))}"
    with LayerTar(place) as tar:
        tar.directory("etc", owner=(0o755, 0, 0), time=FIRST_TIME)
        for path in paths:
            tar.file(path, BytesIO(), size=0, owner=(0o644, 0, 0), time=FIRST_TIME)
        for path in links:
            tar.link(path, "/dev/null", time=FIRST_TIME)
    return place


def test_what_a_recipe_brings_is_left_to_it(tmp_path: Path) -> None:
    """From whichever layer, as a file or a link, and nothing else is left out: the machine's layer is another one."""
    timer, hosts, address = "etc/systemd/system/apt-daily.timer", "etc/hosts", "etc/resolv.conf"
    left = SETTINGS.beside([layer(tmp_path, timer, "srv/etc/fstab"), layer(tmp_path, hosts, links=[address])])
    assert {*SETTINGS.files} - {*left.files} == {hosts}
    assert {*SETTINGS.links} - {*left.links} == {timer, address}
    assert left != SETTINGS
    with Stage(tmp_path / "heap", below=Skeleton()) as stage:
        left.lay_out(stage)
        assert not stage.has(hosts)
        assert stage.has("etc/fstab")


@pytest.mark.parametrize("path", THEIRS)
def test_any_setting_may_be_replaced(tmp_path: Path, path: str) -> None:
    """But those without which a machine would not be one of its own, or start no application."""
    left = SETTINGS.beside([layer(tmp_path, path)])
    assert {*SETTINGS.files, *SETTINGS.links} - {*left.files, *left.links} == {path}


@pytest.mark.parametrize("path", sorted(OWN))
def test_what_makes_a_machine_is_refused(tmp_path: Path, path: str) -> None:
    """By its place, with what to do; each of them is a setting."""
    assert path in {*SETTINGS.files, *SETTINGS.links}
    with pytest.raises(Invalid, match=f"the recipe brings /{path}, which repave makes") as refused:
        SETTINGS.beside([layer(tmp_path, path)])
    assert "another target" in refused.value.hint


def test_nothing_brought_leaves_all(tmp_path: Path) -> None:
    """As before: the same layer as ever."""
    assert SETTINGS.beside([]) == SETTINGS.beside([layer(tmp_path, "srv/app/x")]) == SETTINGS
