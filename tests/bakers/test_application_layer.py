"""The application's files in a layer of their own, and the configuration of the image around them."""

import json
import tarfile
from hashlib import sha256
from pathlib import Path

import pytest

from repave.bakers.container.manifest import configuration
from repave.bakers.rootfs.application import write_application
from repave.bakers.rootfs.building import build_folders
from repave.bakers.rootfs.ownership import user_of
from repave.bakers.rootfs.skeleton import Skeleton
from repave.model.lock import LockedFile
from repave.model.names import ImageName
from repave.model.recipe import Base, FileMapping, Image, ImageKind
from repave.ports.baker import BakeRequest
from repave.ports.errors import Corrupt, Invalid
from repave.registries.vault import FileVault

BELOW = Skeleton(
    directories={"tmp": (0o1777, 0, 0), "usr": (0o755, 0, 0), "usr/bin": (0o755, 0, 0)},
    links={"bin": "usr/bin"},
    users={"www-data": (33, 33), "web": (7, 8)},
    groups={"web": 8, "adm": 4},
)


@pytest.fixture
def vault(tmp_path: Path) -> FileVault:
    """An empty one."""
    return FileVault(tmp_path / "vault")


def locked(vault: FileVault, folder: Path, target: str, content: bytes = b"x") -> LockedFile:
    """A file in the vault, locked."""
    source = folder / sha256(content).hexdigest()
    source.write_bytes(content)
    return LockedFile(
        target=target,
        sha256=vault.add(source),
        size_bytes=len(content),
        mode=0o644,
        origin=f"app{target}",
        images=(ImageName("web"),),
    )


def image(*, user: str = "www-data", files: tuple[FileMapping, ...] = (), run: tuple[str, ...] = ()) -> Image:
    """An image of nothing but what is given."""
    base = Base(distribution="debian", release="bookworm", suites=("bookworm",))
    return Image(name=ImageName("web"), kind=ImageKind.CONTAINER, base=base, user=user, files=files, run=run)


def test_files_lie_where_the_layers_below_lead(vault: FileVault, tmp_path: Path) -> None:
    """Through links to directories, below directories that keep their rights."""
    files = [locked(vault, tmp_path, target) for target in ("/bin/serve", "/tmp/x", "/srv/app/a")]  # noqa: S108 - a target in the image
    write_application(tmp_path / "tar", files, vault=vault, below=BELOW, data={})
    with tarfile.open(tmp_path / "tar") as tar:
        rights = {entry.name: entry.mode for entry in tar.getmembers()}
    assert rights == {
        "srv": 0o755,
        "srv/app": 0o755,
        "srv/app/a": 0o644,
        "tmp": 0o1777,
        "tmp/x": 0o644,
        "usr": 0o755,
        "usr/bin": 0o755,
        "usr/bin/serve": 0o644,
    }


def test_folders_for_data_are_the_applications_own(vault: FileVault, tmp_path: Path) -> None:
    """They are there to be mounted over, with the application's user and nobody else's rights."""
    files = [locked(vault, tmp_path, "/srv/app/a")]
    data = {"/srv/app/cache": (0o700, 33, 33)}
    write_application(tmp_path / "tar", files, vault=vault, below=BELOW, data=data)
    with tarfile.open(tmp_path / "tar") as tar:
        rights = {entry.name: (entry.mode, entry.uid, entry.gid) for entry in tar.getmembers()}
    assert rights["srv/app/cache"] == (0o700, 33, 33)
    assert rights["srv/app"] == (0o755, 0, 0)


def test_another_content_of_the_same_size_has_another_time(vault: FileVault, tmp_path: Path) -> None:
    """Web servers make ETag from size and time; the same content has the same time on any day."""
    times = []
    for content in (b"one", b"two", b"one"):
        files = [locked(vault, tmp_path, "/page", content)]
        write_application(tmp_path / "tar", files, vault=vault, below=Skeleton(), data={})
        with tarfile.open(tmp_path / "tar") as tar:
            times.append(tar.getmember("page").mtime)
    assert times[0] == times[2] != times[1]


@pytest.mark.parametrize(
    ("targets", "said"),
    [
        (["/usr"], "is a folder in the image"),
        (["/bin"], "is a folder in the image"),
        (["relative"], "no absolute path"),
        (["/a/../../etc/passwd"], "no absolute path"),
        (["/a/"], "no absolute path"),
        (["/bin/x", "/usr/bin/x"], "one place in the image"),
        (["/a", "/a/b"], "a file and a folder at once"),
    ],
)
def test_targets_that_cannot_be_are_refused(vault: FileVault, tmp_path: Path, targets: list[str], said: str) -> None:
    """Before anything is written over."""
    files = [locked(vault, tmp_path, target) for target in targets]
    with pytest.raises(Invalid, match=said):
        write_application(tmp_path / "tar", files, vault=vault, below=BELOW, data={})


def test_other_bytes_in_the_vault_are_noticed(vault: FileVault, tmp_path: Path) -> None:
    """The file is verified while it is read."""
    file = locked(vault, tmp_path, "/a", b"true")
    place = vault.path(file.sha256)
    place.chmod(0o644)
    place.write_bytes(b"lies")
    with pytest.raises(Corrupt, match="app/a"):
        write_application(tmp_path / "tar", [file], vault=vault, below=BELOW, data={})


@pytest.mark.parametrize(
    ("user", "number"),
    [("www-data", "33:33"), ("web", "7:8"), ("web:adm", "7:4"), ("1000", "1000:1000"), ("1000:50", "1000:50")],
)
def test_the_user_is_a_number_in_the_image(user: str, number: str) -> None:
    """By the image's own accounts; a number is taken as it is, and never with root's group."""
    assert user_of(image(user=user), BELOW) == number


@pytest.mark.parametrize("user", ["nobody", "web:nobody", "", "1000:nobody"])
def test_an_account_that_the_image_lacks_is_refused(user: str) -> None:
    """Users and groups alike."""
    with pytest.raises(Invalid, match="image web"):
        user_of(image(user=user), BELOW)


@pytest.mark.parametrize(
    ("mapping", "folder"),
    [
        (FileMapping(source="app/", target="/srv/app/"), "/srv/app"),
        (FileMapping(source="app", target="/srv/app"), "/srv/app"),
        (FileMapping(source="./app", target="/srv/app/"), "/srv/app"),
        (FileMapping(source=".//app/.", target="/srv/app/"), "/srv/app"),
        (FileMapping(source=".", target="/srv/app/"), "/srv/app"),
        (FileMapping(source="./", target="/srv/app/"), "/srv/app"),
        (FileMapping(source="one.py", target="/srv/one.py"), "/"),
        (FileMapping(source="./app/x", target="/srv/app/"), "/"),
    ],
)
def test_the_application_starts_in_its_own_folder(
    vault: FileVault, tmp_path: Path, mapping: FileMapping, folder: str
) -> None:
    """The first folder of files, however the file names it, and there `build` works; the root when there is none."""
    request = BakeRequest(image=image(files=(mapping,)), packages=(), files=(locked(vault, tmp_path, "/x"),))
    content = json.loads(configuration(request, (), BELOW))
    assert content["config"]["WorkingDir"] == folder
    assert "Cmd" not in content["config"]
    if folder != "/":
        assert build_folders(request, BELOW, system=BELOW) == (folder.strip("/"),)
