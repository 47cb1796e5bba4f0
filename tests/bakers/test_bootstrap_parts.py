"""The parts of a machine that installs itself: what its document says, and what lies beside its disk."""

import json
import os
import subprocess
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from pantry import Pantry
from ruamel.yaml import YAML

from repave.bakers.disk.bootstrap import DONE, Beside, Shelves, base_of, lay_beside
from repave.bakers.disk.settings import Settings
from repave.bakers.rootfs.cache import BakeCache, LayerRecord
from repave.bakers.rootfs.layertar import FIRST_TIME, LayerTar
from repave.bakers.rootfs.skeleton import Skeleton
from repave.bakers.rootfs.stack import Stack
from repave.model.lock import Layer
from repave.model.names import Digest, ImageName
from repave.model.recipe import Base, Boot, Image, ImageKind
from repave.ports.baker import BakeRequest
from repave.ports.bootstrap_format import BEGUN, CONSOLE, GIVE_UP
from repave.ports.errors import Invalid
from repave.registries.layout import LayoutRegistry
from repave.registries.vault import FileVault

IMAGE = Image(
    name=ImageName("web"),
    kind=ImageKind.VM,
    boot=Boot.BOOTSTRAP,
    base=Base(distribution="debian", release="bookworm"),
    run=("python3", "-m", "greeting"),
    user="www-data",
)
LATER = Skeleton(users={"www-data": (33, 33)})


class Bench:
    """A stack of layers in a registry, and the packages they were made of."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.registry = LayoutRegistry(folder / "registry")
        self.vault = FileVault(folder / "vault")
        self.pantry = Pantry(vault=self.vault, folder=folder)
        self.stack = Stack()

    def lay(self, layer: Layer, name: str, skeleton: Skeleton | None = None, *, removes: str = "") -> None:
        """A layer with one file, or that removes one."""
        place = self._folder / "layer"
        with LayerTar(place) as tar:
            if removes:
                tar.removed(removes, time=FIRST_TIME)
            else:
                tar.file(name, BytesIO(), size=0, owner=(0o644, 0, 0), time=FIRST_TIME)
        size = place.stat().st_size
        record = LayerRecord(
            layer=layer,
            inputs=self.stack.inputs(layer, name),
            digest=self.registry.adopt(place),
            size_bytes=size,
            skeleton=skeleton,
        )
        self.stack.add(record, tree=None, cached=False)

    def beside(self, request: BakeRequest) -> Beside:
        """What is laid beside the disk."""
        cache = BakeCache(folder=self._folder / "cache", registry=self.registry)
        return lay_beside(request, self.stack, {}, Shelves(vault=self.vault, registry=self.registry, cache=cache))

    def manifest(self, beside: Beside) -> dict[str, Any]:
        """What the installer is told, as the document lays it."""
        document = YAML(typ="safe").load(self.registry.read(beside.document.digest))
        return dict(json.loads(document["write_files"][1]["content"]))


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """A base, packages above it, and an application."""
    bench = Bench(tmp_path)
    bench.lay(Layer.BASE, "base", Skeleton())
    bench.lay(Layer.PLATFORM, "platform", LATER)
    bench.lay(Layer.APPLICATION, "page")
    return bench


def test_everything_above_the_base_is_installed_by_its_digest(bench: Bench) -> None:
    """Packages as they were locked, other layers as a golden disk has them; the base's are only looked for."""
    package = bench.pantry.deb("greeting", "#!/bin/sh\n")
    base = replace(bench.pantry.deb("ground", "#!/bin/sh\n"), layer=Layer.BASE)
    beside = bench.beside(BakeRequest(image=IMAGE, packages=(base, package), files=()))
    told = bench.manifest(beside)
    application = bench.stack.records[-1].digest
    assert [file["sha256"] for file in told["packages"]] == [package.sha256]
    assert [f"sha256:{file['sha256']}" for file in told["layers"]] == [application]
    assert told["installed"] == ["greeting all 1", "ground all 1"]
    assert told["accounts"] == {"www-data": [33, 33]}
    assert told["files"] == Settings.own(BakeRequest(image=IMAGE, packages=(), files=()), {}).files
    assert [blob.digest for blob in beside.files] == [f"sha256:{package.sha256}", application]
    assert all(bench.registry.path(blob.digest).stat().st_size == blob.size_bytes for blob in beside.files)


def test_nothing_of_the_recipe_is_on_the_disk(bench: Bench) -> None:
    """Its base's layers, and settings that any machine has: without the application's unit."""
    assert [record.layer for record in base_of(bench.stack).records] == [Layer.BASE]
    assert not any("repave-application" in place for place in (*Settings.base().files, *Settings.base().links))


def test_layer_that_removes_files_is_refused(bench: Bench) -> None:
    """Before the disk is made, with what to do."""
    bench.lay(Layer.BUILD, "", removes="srv/page")
    with pytest.raises(Invalid, match=r"its layer build removes files of others, as srv/\.wh\.page") as refused:
        bench.beside(BakeRequest(image=IMAGE, packages=(), files=()))
    assert refused.value.hint == "change `build` so that it removes nothing, or use `boot: golden`"


def test_document_holds_no_setting_of_an_environment(bench: Bench) -> None:
    """The same again, byte for byte; nothing in it brings a package up to date."""
    request = BakeRequest(image=IMAGE, packages=(), files=())
    first, second = bench.beside(request), bench.beside(request)
    assert first.document == second.document
    document = bench.registry.read(first.document.digest).decode()
    assert '"package_update":false,"package_upgrade":false' in document
    assert "upgrade" not in document.replace("package_upgrade", "")
    assert Digest(first.bootstrap.document.digest) == first.document.digest


def test_all_that_is_wanted_is_started_at_the_end(bench: Bench) -> None:
    """Services of packages, which were not started as they were installed, as well as the application."""
    told = bench.manifest(bench.beside(BakeRequest(image=IMAGE, packages=(), files=())))
    assert told["start"] == "multi-user.target"
    paths = [path for path, _ in told["links"]]
    assert "etc/systemd/system/multi-user.target.wants/repave-application.service" in paths
    assert paths[-1] == DONE


@pytest.mark.parametrize(("begun", "done", "off"), [(False, False, False), (True, True, False), (True, False, True)])
def test_first_start_that_was_broken_off_ends_the_machine(
    bench: Bench, tmp_path: Path, *, begun: bool, done: bool, off: bool
) -> None:
    """With its reason, at the next start: it would never be gone on with."""
    beside = bench.beside(BakeRequest(image=IMAGE, packages=(), files=()))
    (command,) = YAML(typ="safe").load(bench.registry.read(beside.document.digest))["bootcmd"]
    assert command == ["/bin/sh", "-c", GIVE_UP, "sh", BEGUN, f"/{DONE}", CONSOLE]
    if begun:
        (tmp_path / "begun").touch()
    if done:
        (tmp_path / "done").symlink_to("/etc/a.service")
    (tmp_path / "systemctl").write_text(f'#!/bin/sh\necho "$@" >{tmp_path}/asked\n')
    (tmp_path / "systemctl").chmod(0o755)
    here = [os.fspath(tmp_path / name) for name in ("begun", "done", "console")]
    subprocess.run([*command[:4], *here], env={"PATH": f"{tmp_path}:/usr/bin:/bin"}, check=True)
    assert (tmp_path / "asked").exists() == off
    if off:
        assert (tmp_path / "asked").read_text() == "poweroff --force\n"
        assert (tmp_path / "console").read_text().startswith("repave: bootstrap failed: the first start was broken off")
