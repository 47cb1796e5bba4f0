"""Every archive of the hostile corpus is refused by every reader it can come to, in words that name what is wrong."""

import hashlib
import re
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from zipfile import ZipFile

import pytest
from hostile import Hostile
from hostile_packages import data_package, packages
from hostile_streams import bomb, broken_streams
from hostile_tars import AMONG_PACKAGES, EVERYWHERE, IN_ROOTS, TARS
from hostile_zips import ZIPS
from tar_bytes import compressed

from repave.advisories.debian_package import documents
from repave.advisories.osv.files import OsvZip
from repave.archives import compression
from repave.archives.compression import Compression, unpacked
from repave.archives.entries import Entry, Readable
from repave.archives.errors import BadArchive
from repave.archives.packages import opened_package
from repave.archives.rules import TREE
from repave.archives.tars import opened_tar
from repave.archives.unpacking import unpack
from repave.archives.zips import opened_zip
from repave.bakers.rootfs.skeleton import Skeleton
from repave.bakers.rootfs.wheels import Wheel, lay_out_wheels
from repave.model.names import Digest
from repave.operations.errors import Refused
from repave.operations.vaults.importing import import_archive
from repave.ports.errors import Corrupt, Invalid
from repave.ports.progress import Silent
from repave.providers.local.unpacking import LayerFile
from repave.providers.local.unpacking import unpack as unpack_layer
from repave.registries.vault import FileVault

NAME = "the package left-pad 1.3.0"


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder with an empty ``target``, and beside it what an archive must not reach."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        (folder / "target").mkdir()
        (folder / "victim").write_text("whole", encoding="utf-8")
        before = (folder / "victim").stat()
        yield folder
        assert sorted(path.name for path in folder.iterdir()) == ["archive", "target", "victim"]
        after = (folder / "victim").stat()
        assert (folder / "victim").read_text(encoding="utf-8") == "whole"
        assert (after.st_nlink, after.st_mode, after.st_mtime_ns) == (1, before.st_mode, before.st_mtime_ns)


def written(place: Path, content: bytes) -> Path:
    """The archive as a file."""
    (place / "archive").write_bytes(content)
    return place / "archive"


def read(entries: Iterable[Entry]) -> None:
    """All of every file, in pieces."""
    for entry in entries:
        while entry.content.read(65536):
            continue


def read_through(stream: Readable) -> None:
    """To its end."""
    while stream.read(65536):
        continue


def read_all(archive: ZipFile) -> None:
    """Every member."""
    for member in archive.infolist():
        archive.read(member)


def check(hostile: Hostile, refused: BadArchive) -> None:
    """What is said."""
    assert re.search(hostile.says, refused.message), refused.message
    assert refused.message.startswith(f"{NAME} is refused: "), refused.message
    assert re.search(hostile.member, refused.message), refused.message
    assert refused.message.isprintable()
    assert len(refused.message) < 1000
    assert refused.hint


@pytest.mark.parametrize("suffix", ["", ".gz", ".xz", ".zst"])
@pytest.mark.parametrize("hostile", TARS, ids=lambda one: one.name)
def test_tars_are_refused_whoever_reads_and_unpacks_them(hostile: Hostile, suffix: str, place: Path) -> None:
    """However it is compressed, nothing outside the target is made or changed."""
    path = written(place, compressed(hostile.content)[suffix])
    with (
        pytest.raises(BadArchive) as refused,
        opened_tar(path, name=NAME, rules=hostile.rules) as entries,
    ):
        unpack(entries, place / "target", name=NAME)
    check(hostile, refused.value)


@pytest.mark.parametrize("hostile", TARS, ids=lambda one: one.name)
def test_packages_of_them_are_refused(hostile: Hostile, place: Path) -> None:
    """As the data of a Debian package, and read to its end."""
    path = written(place, data_package(hostile.content))
    with (
        pytest.raises(BadArchive) as refused,
        opened_package(path, "data", name=NAME, rules=hostile.rules) as entries,
    ):
        read(entries)
    check(hostile, refused.value)


@pytest.mark.parametrize("hostile", EVERYWHERE + IN_ROOTS[-2:], ids=lambda one: one.name)
def test_layers_of_them_are_refused(hostile: Hostile, place: Path) -> None:
    """A root filesystem may hold more, but nothing that leads out of it; the changelog's reader takes none either."""
    path = written(place, hostile.content)
    digest = Digest(f"sha256:{hashlib.sha256(hostile.content).hexdigest()}")
    layer = LayerFile(path=path, digest=digest, difference=digest, media_type="application/vnd.oci.image.layer.v1.tar")
    with pytest.raises(Corrupt, match=hostile.says) as refused:
        unpack_layer(layer, place / "target", privileged=False, advance=lambda _: None)
    assert digest in refused.value.message
    with pytest.raises(Corrupt, match=hostile.says):
        documents(written(place, data_package(hostile.content)), "name")


@pytest.mark.parametrize("hostile", EVERYWHERE + AMONG_PACKAGES, ids=lambda one: one.name)
def test_vaults_of_them_are_refused(hostile: Hostile, place: Path, tmp_path: Path) -> None:
    """Nothing comes into the vault."""
    vault = FileVault(tmp_path / "vault")
    with pytest.raises((Refused, Corrupt)):
        import_archive(written(place, hostile.content), vault, Silent())
    assert list(vault.entries()) == []


@pytest.mark.parametrize("hostile", broken_streams(), ids=lambda one: one.name)
def test_broken_streams_are_refused(hostile: Hostile, place: Path) -> None:
    """While they are read, by what comes out of them."""
    path = written(place, hostile.content)
    with (
        pytest.raises(BadArchive) as refused,
        opened_tar(path, name=NAME, rules=hostile.rules) as entries,
    ):
        read(entries)
    check(hostile, refused.value)


@pytest.mark.parametrize("suffix", [".gz", ".xz", ".zst"])
def test_bombs_are_refused(suffix: str, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By how much more they become than they are, or by how much they become."""
    monkeypatch.setattr(compression, "RATIO_FROM_BYTES", 1_000_000)
    hostile = bomb(suffix)
    path = written(place, hostile.content)
    with pytest.raises(BadArchive) as refused, opened_tar(path, name=NAME, rules=TREE) as entries:
        read(entries)
    check(hostile, refused.value)
    small = replace(TREE, total_bytes=1_000_000, ratio=100_000)
    with (
        pytest.raises(BadArchive, match="1000000 bytes"),
        path.open("rb") as file,
    ):
        read_through(unpacked(file, Compression(suffix), name=NAME, rules=small))


@pytest.mark.parametrize("hostile", ZIPS, ids=lambda one: one.name)
def test_zips_are_refused(hostile: Hostile, place: Path) -> None:
    """By their directory, or else by the member that is not what the directory says."""
    path = written(place, hostile.content)
    with pytest.raises(BadArchive) as refused, opened_zip(path, name=NAME, rules=hostile.rules) as archive:
        read_all(archive)
    check(hostile, refused.value)


@pytest.mark.parametrize("hostile", [one for one in ZIPS if one.rules.entries > 10], ids=lambda one: one.name)
def test_wheels_and_exports_of_them_are_refused(hostile: Hostile, place: Path) -> None:
    """A wheel is named; of records nothing is believed."""
    wheel = Wheel(filename="left_pad-1.3.0-py3-none-any.whl", path=written(place, hostile.content))
    with pytest.raises(Invalid, match=f"cannot install {wheel.filename}"):
        lay_out_wheels([wheel], place / "target", below=Skeleton(python="3.11"))
    if hostile.name in {"changed", "other-name"}:
        return  # of no record: it is passed over
    with pytest.raises(Corrupt, match=str(place)):
        list(OsvZip(wheel.path, name="records").records(Silent()))


@pytest.mark.parametrize("hostile", packages(), ids=lambda one: one.name)
def test_packages_are_refused(hostile: Hostile, place: Path) -> None:
    """As archives, before what they hold is looked at."""
    path = written(place, hostile.content)

    with (
        pytest.raises(BadArchive) as refused,
        opened_package(path, "control", name=NAME, rules=hostile.rules),
        opened_package(path, "data", name=NAME, rules=hostile.rules) as entries,
    ):
        read(entries)
    check(hostile, refused.value)


def test_the_corpus_names_each_once() -> None:
    """Or one of them would never be tried."""
    for group in (TARS, ZIPS, packages(), broken_streams()):
        names = [hostile.name for hostile in group]
        assert len(names) == len(set(names))
