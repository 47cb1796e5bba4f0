"""The bill of materials of a real image, against what the image itself says of its packages."""

import json
import subprocess
import sys
import tarfile
from hashlib import sha256
from pathlib import Path

import pytest
from tiny_project import VAULT, laid_out, repave

from repave.config.lockfile import read_lock
from repave.model.lock import Ecosystem
from repave.model.names import Digest, ImageName
from repave.registries.layout import LayoutRegistry
from repave.wiring import Wiring

WEB = ImageName("web")
pytestmark = pytest.mark.real


def baked(folder: Path) -> dict[str, str]:
    """The project in a folder of its own, with the digests of its images."""
    project = laid_out(folder)
    repave(project, "vault", "import", str(VAULT))
    return {one["image"]: one["digest"] for one in repave(project, "bake")["artifacts"]}


def installed(registry: LayoutRegistry, manifest: str) -> set[tuple[str, str]]:
    """Name and version of each package, as dpkg in the image has them."""
    found: set[tuple[str, str]] = set()
    for layer in json.loads(registry.read(Digest(manifest)))["layers"]:
        with tarfile.open(registry.path(Digest(layer["digest"]))) as tar:
            if "var/lib/dpkg/status" in tar.getnames():
                status = tar.extractfile("var/lib/dpkg/status")
                assert status is not None
                paragraphs = status.read().decode().split("\n\n")
                fields = [
                    dict(line.split(": ", 1) for line in text.splitlines() if ": " in line) for text in paragraphs
                ]
                found = {(one["Package"], one["Version"]) for one in fields if one}
    return found


def test_a_document_holds_just_what_is_installed_and_is_the_same_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By dpkg's own record in the image and the application's files; baked again in another folder, zone and locale."""
    digests = baked(tmp_path / "one")
    uncompressed = Wiring(tmp_path / "one" / "repave.yaml")._uncompressed
    debs = [one for one in read_lock(tmp_path / "one").packages_of(WEB) if one.ecosystem is Ecosystem.DEB]
    assert [one.name for one in debs if uncompressed(one.sha256) is None] == [], "what the bake had to undo is read"
    repave(tmp_path / "one", "sbom", "web", "-o", "sbom.json")
    content = (tmp_path / "one" / "sbom.json").read_bytes()
    components = json.loads(content)["components"]
    packages = {(one["name"], one["version"]) for one in components if one["type"] == "library"}
    assert packages == installed(LayoutRegistry(tmp_path / "one/.repave/registry"), digests["web"])
    files = {one["name"] for one in components if one["type"] == "file"}
    assert files == {file.target for file in read_lock(tmp_path / "one").files_of(WEB)}
    assert all(one["licenses"] for one in components if one["type"] == "library")

    monkeypatch.setenv("TZ", "Pacific/Auckland")
    monkeypatch.setenv("LC_ALL", "tr_TR.UTF-8")
    assert baked(tmp_path / "another, with: all") == digests
    told = repave(tmp_path / "another, with: all", "sbom", "web", "--release", "r1")
    assert told["sha256"] == sha256(content).hexdigest()
    assert told["document"] == json.loads(content)
    assert (told["artifact"], told["format"]) == (digests["web"], "cyclonedx")

    command = Path(sys.executable).with_name("repave")
    printed = subprocess.run([command, "sbom", "web"], cwd=tmp_path / "one", capture_output=True, check=True).stdout
    assert printed == content + b"\n"
    failed = subprocess.run(
        [command, "sbom", "web", "-o", "no/such/folder"],
        cwd=tmp_path / "one",
        capture_output=True,
        text=True,
        check=False,
    )
    assert failed.returncode == 5
    assert "cannot write no/such/folder" in failed.stderr
