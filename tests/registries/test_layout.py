"""The registry on this disk: what it keeps, what it refuses, and that many may write at once."""

import json
import os
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest

from repave.model.names import Digest
from repave.ports.errors import Corrupt, Gone, Invalid
from repave.registries.layout import LayoutRegistry

ABSENT = Digest("sha256:" + "0" * 64)


@pytest.fixture
def registry(tmp_path: Path) -> LayoutRegistry:
    """An empty one."""
    return LayoutRegistry(tmp_path / "registry")


def test_a_blob_is_kept_under_its_digest(registry: LayoutRegistry) -> None:
    """What is added is read back by the digest of its bytes, and adding it again changes nothing."""
    digest = registry.add(b"hello")
    assert digest == f"sha256:{sha256(b'hello').hexdigest()}"
    assert registry.add(b"hello") == digest
    assert registry.has(digest)
    assert registry.read(digest) == b"hello"
    assert list(registry.blobs()) == [(digest, 5)]


def test_an_empty_registry_has_nothing_and_says_so(registry: LayoutRegistry) -> None:
    """Nothing is made by looking."""
    assert not registry.has(ABSENT)
    assert list(registry.blobs()) == []
    assert registry.tags() == ()
    registry.untag("web:r1")
    registry.remove(ABSENT)
    with pytest.raises(Gone, match=ABSENT):
        registry.read(ABSENT)


def test_a_file_is_moved_in(registry: LayoutRegistry, tmp_path: Path) -> None:
    """An adopted file is in the registry, readable by other users' programs, and no longer where it was."""
    source = tmp_path / "layer.tar"
    source.write_bytes(b"layer")
    source.chmod(0o600)
    digest = registry.adopt(source)
    assert not source.exists()
    assert registry.path(digest).read_bytes() == b"layer"
    assert registry.path(digest).stat().st_mode & 0o777 == 0o644
    source.write_bytes(b"layer")
    assert registry.adopt(source) == digest
    assert not source.exists()


def test_a_file_of_another_file_system_is_copied_in(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Where a move is not possible, the bytes are copied and verified."""
    folder = tmp_path_factory.mktemp("disk")
    registry = LayoutRegistry(folder / "registry")
    source = Path("/dev/shm") / f"repave-{os.getpid()}-{folder.name}"  # noqa: S108 - the point of the test
    source.write_bytes(b"far away")
    assert source.stat().st_dev != folder.stat().st_dev
    assert registry.read(registry.adopt(source)) == b"far away"
    assert not source.exists()


def test_changed_bytes_are_noticed(registry: LayoutRegistry) -> None:
    """A blob that is not what its name says is refused."""
    digest = registry.add(b"true")
    registry.path(digest).write_bytes(b"lies")
    with pytest.raises(Corrupt, match=digest):
        registry.read(digest)


def test_names_point_to_manifests(registry: LayoutRegistry) -> None:
    """A name points to one manifest, may move, and is forgotten without harm to the blob."""
    first, second = registry.add(b"{}"), registry.add(b'{"a":1}')
    registry.tag("shop-web:r1", first)
    registry.tag("shop-web:r2", first)
    registry.tag("shop-web:r2", second)
    assert registry.tags() == (("shop-web:r1", first), ("shop-web:r2", second))
    registry.untag("shop-web:r1")
    assert registry.tags() == (("shop-web:r2", second),)
    assert registry.has(first)


@pytest.mark.parametrize("name", ["", "a b", "../etc", "web:", ":web", "web\n"])
def test_a_name_that_skopeo_could_not_read_is_refused(registry: LayoutRegistry, name: str) -> None:
    """The layout's specification says what a name is."""
    with pytest.raises(Invalid):
        registry.tag(name, registry.add(b"{}"))


@pytest.mark.parametrize("digest", ["sha256:xyz", "sha256:../../../etc/passwd", "md5:" + "0" * 64, ""])
def test_what_is_no_digest_is_refused(registry: LayoutRegistry, digest: str) -> None:
    """No path is made from what a person wrote."""
    with pytest.raises(Invalid):
        registry.has(Digest(digest))


def test_a_name_for_nothing_is_refused(registry: LayoutRegistry) -> None:
    """A name never points to a manifest that is not here."""
    with pytest.raises(Gone):
        registry.tag("web:r1", ABSENT)
    assert registry.tags() == ()


def test_the_folder_is_an_image_layout(registry: LayoutRegistry, tmp_path: Path) -> None:
    """Marker, index and blobs lie where the specification has them."""
    digest = registry.add(b"{}")
    registry.tag("web:r1", digest)
    root = tmp_path / "registry"
    assert json.loads((root / "oci-layout").read_bytes()) == {"imageLayoutVersion": "1.0.0"}
    index = json.loads((root / "index.json").read_bytes())
    assert index["schemaVersion"] == 2
    (entry,) = index["manifests"]
    assert entry["digest"] == digest
    assert entry["size"] == 2
    assert entry["annotations"] == {"org.opencontainers.image.ref.name": "web:r1"}


def test_what_a_killed_writer_left_is_swept(registry: LayoutRegistry, tmp_path: Path) -> None:
    """Half-written files are never blobs, and go with the next write."""
    registry.add(b"one")
    left = tmp_path / "registry" / "incoming" / "half"
    left.write_bytes(b"hal")
    registry.add(b"two")
    assert not left.exists()
    assert len(list(registry.blobs())) == 2


def test_a_broken_index_is_named(registry: LayoutRegistry, tmp_path: Path) -> None:
    """An index that is no JSON is said to be so; nothing is guessed."""
    registry.add(b"one")
    (tmp_path / "registry" / "index.json").write_text("{", encoding="utf-8")
    with pytest.raises(Corrupt, match=r"index\.json"):
        registry.tags()


def test_no_name_is_lost_when_processes_write_at_once(registry: LayoutRegistry, tmp_path: Path) -> None:
    """Each of many writers finds its own names afterwards."""
    root = tmp_path / "registry"
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, root, str(number)]) for number in range(3)]
    assert [process.wait() for process in writers] == [0, 0, 0]
    assert len(registry.tags()) == 30


WRITER = """
import sys
from pathlib import Path
from repave.registries.layout import LayoutRegistry
registry = LayoutRegistry(Path(sys.argv[1]))
for number in range(10):
    registry.tag(f"web-{sys.argv[2]}:r{number}", registry.add(f"{sys.argv[2]} {number}".encode()))
"""
