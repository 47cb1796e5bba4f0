"""A lock that was committed with its vault bakes to the digest that was committed, wherever, whenever, by whomever."""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from strange_day import bake_on_a_strange_day
from tiny_project import PROJECT, VAULT, WITHOUT_NETWORK, content, expected, laid_out, repave

from repave.config.lockfile import read_lock
from repave.config.project import load_project
from repave.model.names import ImageName
from repave.operations.baking import bake_request
from repave.operations.vaults.importing import import_archive
from repave.ports.progress import Silent
from repave.registries.layout import LayoutRegistry
from repave.registries.vault import FileVault

pytestmark = pytest.mark.real


@pytest.fixture
def strange(tmp_path: Path) -> Iterator[Path]:
    """A folder that another user may enter, with a name that wants care."""
    del tmp_path
    folder = Path(tempfile.mkdtemp(prefix="repave: years later, "))
    folder.chmod(0o755)
    yield folder
    subprocess.run(["rm", "-rf", folder], check=True)


def check(folder: Path, artifacts: dict[str, str]) -> None:
    """What was baked is what was committed; the first file and field that differ are the first to be told."""
    digests, lines = expected()
    assert content(LayoutRegistry(folder), artifacts) == lines
    assert artifacts == digests


def test_a_committed_lock_bakes_to_the_committed_digest_with_the_network_unplugged(tmp_path: Path) -> None:
    """In an empty folder, from nothing but the repository; the archive it was locked from is gone (promise 14)."""
    project = laid_out(tmp_path / "project")
    repave(project, "vault", "import", str(VAULT), behind=WITHOUT_NETWORK)
    baked = repave(project, "bake", behind=WITHOUT_NETWORK)
    assert not any(layer["cached"] for layer in baked["artifacts"][0]["layers"])
    check(project / ".repave" / "registry", {one["image"]: one["digest"] for one in baked["artifacts"]})


def test_day_user_place_and_machine_have_no_say_in_it(strange: Path) -> None:
    """A year later, as another user on one core, in another folder, another umask, locale and zone (promise 10)."""
    vault = strange / "carried"
    import_archive(VAULT, FileVault(vault), Silent())
    lock, artifacts = read_lock(PROJECT), {}
    for image in lock.images:
        request = bake_request(load_project(PROJECT), ImageName(image.name), lock)
        folder = strange / image.name
        folder.mkdir(mode=0o755)
        artifact, said = bake_on_a_strange_day(folder, vault, request)
        assert "day inside: " in said
        artifacts[image.name] = artifact.digest
        shutil.copytree(folder / "registry", strange / "registry", dirs_exist_ok=True)
    check(strange / "registry", {str(name): str(digest) for name, digest in artifacts.items()})
