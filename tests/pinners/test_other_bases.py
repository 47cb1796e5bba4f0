"""Other bases than this machine's own: Ubuntu, releases that roll, other processors."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from debian_upstream import Upstream
from guarded_folder import guarded
from verbs import repave

from repave.jobs.clock import SystemClock
from repave.jobs.commands import LocalCommands
from repave.model.lock import Lock
from repave.model.names import ImageName
from repave.model.recipe import Base, Image, ImageKind
from repave.pinners.debian.archive import DebianArchive
from repave.pinners.debian.pinner import DebianPinner
from repave.pinners.pypi import PypiPinner
from repave.pinners.side_by_side import SideBySide
from repave.ports.pinner import PinRequest, Refresh
from repave.ports.progress import Silent
from repave.ports.vault import Fetch
from repave.registries.layout import LayoutRegistry
from repave.registries.vault import FileVault

FILE = """project: desk
images:
  web:
    kind: container
    base: {{distribution: {distribution}, release: {release}, mirror: "{mirror}", keyring: "{keyring}"}}
    packages: [tool]
    run: tool
"""


@pytest.fixture
def mirror(upstream: Upstream) -> Iterator[str]:
    """The archive's address on loopback."""
    with guarded(upstream.root, password=None) as server:
        yield server.address


def project(folder: Path, upstream: Upstream, mirror: str, distribution: str, release: str) -> Path:
    """A project of one image, which trusts the archive's key because its file says so."""
    folder.mkdir()
    told = {"distribution": distribution, "release": release, "mirror": mirror, "keyring": upstream.key.keyring}
    (folder / "repave.yaml").write_text(FILE.format(**told), encoding="utf-8")
    return folder


def scanned(folder: Path, *, code: int = 0) -> Any:  # noqa: ANN401 - whatever the document holds
    """Each source that was asked, and what it could not tell."""
    return [(source["name"], source["problem"]) for source in repave(folder, "scan", code=code)["sources"]]


@pytest.fixture(scope="session")
def essentials(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ...]:
    """Debian's essential packages: what any image of packages stands on."""
    folder = tmp_path_factory.mktemp("essentials")
    commands, vault = LocalCommands(), FileVault(folder / "vault")
    archive = DebianArchive(folder / "apt", commands=commands, clock=SystemClock())
    base = Base(distribution="debian", release="bookworm", suites=("bookworm",))
    image = Image(name=ImageName("web"), kind=ImageKind.CONTAINER, base=base)
    request = PinRequest(image=image, folder=folder, previous=Lock(), refresh=Refresh.KEEP)
    pinner = DebianPinner(archive=archive, vault=vault, commands=commands)
    packages = pinner.pin(request, progress=Silent()).packages
    wanted = [
        Fetch(url=package.origin, sha256=package.sha256, size_bytes=package.size_bytes, name=package.filename)
        for package in packages
    ]
    vault.fetch(wanted, progress=Silent())
    for package in packages:
        (folder / package.filename).symlink_to(vault.path(package.sha256).resolve())
    return tuple(folder / package.filename for package in packages)


@pytest.mark.real
@pytest.mark.network
def test_ubuntu_by_configuration(tmp_path: Path, upstream: Upstream, mirror: str, essentials: tuple[Path, ...]) -> None:
    """Three suites of two components, signed by a key that the file names: locked, baked, judged, repaired."""
    upstream.compression = "zstd"
    upstream.publish("noble-updates", {}, universe={})
    upstream.publish("noble-security", {}, universe={})
    upstream.publish("made", {"tool 1-0ubuntu1": "", "tool 1-0ubuntu1.1": ""})
    old, new = (upstream.root / f"pool/main/t/tool_1-0ubuntu1{more}_amd64.deb" for more in ("", ".1"))
    upstream.carry("noble", {"main": essentials, "universe": [old]})
    folder = project(tmp_path / "desk", upstream, mirror, "ubuntu", "noble")
    assert repave(folder, "lock")["packages"] == len(essentials) + 1
    (baked,) = repave(folder, "bake")["artifacts"]
    manifest = json.loads(LayoutRegistry(folder / ".repave/registry").read(baked["digest"]))
    assert len(manifest["layers"]) == len(baked["layers"]) == 2
    parts = repave(folder, "sbom", "web")["document"]["components"]
    assert "pkg:deb/ubuntu/tool@1-0ubuntu1?arch=amd64&distro=noble" in {part.get("purl") for part in parts}
    assert scanned(folder) == [("ubuntu noble-security", "")]
    upstream.carry("noble-security", {"main": (), "universe": [new]})
    moved = repave(folder, "lock", "--security")["difference"]["packages_changed"]
    assert [(package["package"], package["new"]) for package in moved] == [("tool", "1-0ubuntu1.1")]


@pytest.mark.real
def test_an_older_release_of_ubuntu_is_a_word_of_the_file(tmp_path: Path, upstream: Upstream, mirror: str) -> None:
    """Its updates go before what the release had; where they stand is written into the lock."""
    upstream.publish("jammy", {"base-files 12ubuntu4": "Essential: yes"}, universe={"tool 1": ""})
    upstream.publish("jammy-updates", {}, universe={"tool 2": ""})
    upstream.publish("jammy-security", {}, universe={})
    folder = project(tmp_path / "desk", upstream, mirror, "ubuntu", "jammy")
    assert repave(folder, "lock")["packages"] == 2
    lock = (folder / "repave.lock").read_text(encoding="utf-8")
    assert 'suite = "jammy-updates"' in lock
    assert f'origin = "{mirror}/pool/main/t/tool_2_amd64.deb"' in lock


@pytest.mark.real
def test_a_release_that_rolls_is_locked_from_itself_alone(tmp_path: Path, upstream: Upstream, mirror: str) -> None:
    """Sid has no security suite: none is asked for, and nobody says that it is clean."""
    upstream.publish("sid", {"base-files 14": "Essential: yes", "tool 1": ""})
    folder = project(tmp_path / "desk", upstream, mirror, "debian", "sid")
    assert repave(folder, "lock")["packages"] == 2
    ((_, problem),) = scanned(folder, code=3)
    assert problem


@pytest.mark.real
@pytest.mark.network
def test_another_processors_packages_and_wheels_are_locked_from_debian_itself(tmp_path: Path) -> None:
    """Trixie for arm64, whatever this machine is."""
    commands, vault = LocalCommands(), FileVault(tmp_path / "vault")
    archive = DebianArchive(tmp_path / "apt", commands=commands, clock=SystemClock())
    pinner = SideBySide(
        debian=DebianPinner(archive=archive, vault=vault, commands=commands),
        pypi=PypiPinner(tmp_path / "pypi", commands=commands, vault=vault),
        stop=commands.end,
    )
    base = Base(distribution="debian", release="trixie", suites=("trixie", "trixie-security"), architecture="arm64")
    image = Image(
        name=ImageName("web"), kind=ImageKind.CONTAINER, base=base, packages=("python3",), python=("markupsafe",)
    )
    request = PinRequest(image=image, folder=tmp_path, previous=Lock(), refresh=Refresh.KEEP)
    found = {package.name: package for package in pinner.pin(request, progress=Silent()).packages}
    assert found["libc6"].architecture == "arm64"
    assert {package.architecture for package in found.values()} == {"arm64", "all", ""}
    assert "-cp313-cp313-manylinux" in found["markupsafe"].filename
    assert found["markupsafe"].filename.endswith("aarch64.whl")
