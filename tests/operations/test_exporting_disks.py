"""Disks as files: what another program reads of each format is the disk, the same bytes again, whole or not at all."""

import errno
import subprocess
import tarfile
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stored_machine import machine

from repave.model.names import Digest, ImageName
from repave.operations.errors import Refused
from repave.operations.exporting import export as export_module
from repave.operations.exporting.contents import Disk
from repave.operations.exporting.export import FORMATS, Exported, chosen_format, export
from repave.operations.exporting.plain import geometry
from repave.operations.integrity.records import Subject
from repave.ports.errors import Corrupt, Denied, Invalid
from repave.ports.progress import Silent
from repave.registries.layout import LayoutRegistry

MIB = 1 << 20
READERS = {"raw": "raw", "qcow2": "qcow2", "vhd": "vpc", "vmdk": "vmdk"}
"""By format, what QEMU calls it."""

CONTENTS = {
    0: b"the first sector".ljust(512, b"\0"),
    3 * MIB: b"\0" * 70_000 + b"behind a hole" * 9000,
    32 * MIB: b"at the begin of the second table",
    70 * MIB - (1 << 16): b"\0" * 65_535 + b"e",
}
"""What lies where on a disk of 70 MiB."""


@pytest.fixture
def registry(tmp_path: Path) -> LayoutRegistry:
    """With nothing in it."""
    return LayoutRegistry(root=tmp_path / "registry")


@pytest.fixture
def disk(registry: LayoutRegistry) -> Digest:
    """A machine with that disk."""
    pieces = tuple(CONTENTS.values())
    return machine(registry, pieces, said=pieces, offsets=tuple(CONTENTS), disk_bytes=70 * MIB)


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    """The same disk, made without us."""
    path = tmp_path / "plain"
    with path.open("xb") as file:
        file.truncate(70 * MIB)
        for offset, content in CONTENTS.items():
            file.seek(offset)
            file.write(content)
    return path


def exported(registry: LayoutRegistry, digest: Digest, path: Path) -> Exported:
    """In the format of the file's name."""
    subject = Subject(digest=digest, image=ImageName("web"))
    return export(subject, path, chosen_format(path, None), registry, Silent())


@pytest.mark.parametrize("kind", READERS)
def test_another_program_reads_the_disk(
    registry: LayoutRegistry, disk: Digest, plain: Path, tmp_path: Path, kind: str
) -> None:
    """Every byte of it, and no other."""
    path = tmp_path / f"disk.{kind}"
    exported(registry, disk, path)
    compared = ["qemu-img", "compare", "-f", READERS[kind], "-F", "raw", str(path), str(plain)]
    finished = subprocess.run(compared, capture_output=True, check=False)
    assert finished.returncode == 0, finished.stdout + finished.stderr


def test_archive_holds_the_disk_alone(registry: LayoutRegistry, disk: Digest, plain: Path, tmp_path: Path) -> None:
    """By the name that clouds look for."""
    exported(registry, disk, tmp_path / "disk.tar.gz")
    with tarfile.open(tmp_path / "disk.tar.gz") as archive:
        assert archive.getnames() == ["disk.raw"]
        content = archive.extractfile("disk.raw")
        assert content is not None
        assert content.read() == plain.read_bytes()


@pytest.mark.parametrize("kind", FORMATS)
def test_the_same_disk_is_the_same_file(registry: LayoutRegistry, disk: Digest, tmp_path: Path, kind: str) -> None:
    """By any name; its digest is told."""
    one, two = (exported(registry, disk, tmp_path / f"{name}.{kind}") for name in ("one", "two"))
    assert one.sha256 == two.sha256
    assert one.path.read_bytes() == two.path.read_bytes()
    told = subprocess.run(["sha256sum", one.path], capture_output=True, check=True).stdout.decode()
    assert told.startswith(one.sha256)


@given(st.integers(1, 1 << 40))
def test_geometry_never_tells_of_more_than_there_is(sectors: int) -> None:
    """And fits into the footer's numbers."""
    cylinders, heads, per_track = geometry(sectors)
    assert cylinders * heads * per_track <= sectors
    assert cylinders < 1 << 16
    assert heads <= 16
    assert per_track <= 255


def test_damaged_piece_leaves_no_file(registry: LayoutRegistry, tmp_path: Path) -> None:
    """It is verified before it is written."""
    digest = machine(registry, (b"one", b"other"), said=(b"one", b"two"))
    with pytest.raises(Corrupt, match="is refused: its bytes have the digest"):
        exported(registry, digest, tmp_path / "disk.raw")
    assert [path.name for path in tmp_path.iterdir()] == ["registry"]


def test_vhd_of_a_part_of_a_mib_is_refused(registry: LayoutRegistry, tmp_path: Path) -> None:
    """Azure takes none."""
    digest = machine(registry, disk_bytes=MIB + 512)
    with pytest.raises(Invalid, match="a VHD is whole MiB, the disk is 1049088 bytes"):
        exported(registry, digest, tmp_path / "disk.vhd")


def test_piece_that_begins_within_a_block_is_refused(registry: LayoutRegistry, tmp_path: Path) -> None:
    """Repave's own never do."""
    digest = machine(registry, offsets=(512, 1 << 17))
    with pytest.raises(Invalid, match="a piece of the disk begins at 512, which is no multiple of 65536"):
        exported(registry, digest, tmp_path / "disk.raw")


def test_file_that_is_there_is_kept(registry: LayoutRegistry, disk: Digest, tmp_path: Path) -> None:
    """Nobody's disk is overwritten."""
    path = tmp_path / "disk.raw"
    path.write_text("mine", encoding="utf-8")
    with pytest.raises(Refused, match="exists already"):
        exported(registry, disk, path)
    assert path.read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize("links", [True, False], ids=["with links", "without links"])
def test_file_that_comes_meanwhile_is_kept(
    registry: LayoutRegistry, disk: Digest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, links: bool
) -> None:
    """Another export to the same path was quicker: it stays, whole, whatever the file system can do."""
    path, write = tmp_path / "disk.raw", FORMATS["raw"]
    done: list[Exported] = []

    def overtaken(content: Disk, target: BinaryIO) -> None:
        write(content, target)
        if not done:
            with monkeypatch.context() as inner:
                inner.setattr(export_module, "FORMATS", {"raw": write})
                done.append(exported(registry, disk, path))

    if not links:
        monkeypatch.setattr(Path, "hardlink_to", without_links)
    monkeypatch.setattr(export_module, "FORMATS", {"raw": overtaken})
    with pytest.raises(Refused, match="exists already"):
        exported(registry, disk, path)
    assert sha256(path.read_bytes()).hexdigest() == done[0].sha256
    assert {entry.name for entry in tmp_path.iterdir()} == {"registry", "disk.raw"}


def without_links(_: Path, target: Path) -> None:
    """As a stick with FAT answers."""
    raise PermissionError(errno.EPERM, "Operation not permitted", str(target))


def test_nothing_is_written_through_a_link(registry: LayoutRegistry, disk: Digest, tmp_path: Path) -> None:
    """Neither one that stands where the file shall be, nor one beside it."""
    for name in ("disk.raw", ".other.raw.part"):
        (tmp_path / name).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(Refused, match="exists already"):
        exported(registry, disk, tmp_path / "disk.raw")
    exported(registry, disk, tmp_path / "other.raw")
    assert not (tmp_path / "elsewhere").exists()


def test_folder_that_is_not_there_is_told(registry: LayoutRegistry, disk: Digest, tmp_path: Path) -> None:
    """With the reason."""
    with pytest.raises(Denied, match=r"could not write .*: No such file or directory; nothing is left of it"):
        exported(registry, disk, tmp_path / "missing" / "disk.raw")


def test_machine_that_installs_itself_is_refused(registry: LayoutRegistry, tmp_path: Path) -> None:
    """Its disk is only a base."""
    digest = machine(registry, installed=(b"document",))
    with pytest.raises(Refused, match="installs itself at its first start"):
        exported(registry, digest, tmp_path / "disk.raw")


def test_container_is_refused(registry: LayoutRegistry, tmp_path: Path) -> None:
    """It has no disk."""
    digest = registry.add(b'{"schemaVersion":2,"config":{},"layers":[]}')
    with pytest.raises(Refused, match="is no virtual machine"):
        exported(registry, digest, tmp_path / "disk.raw")


@pytest.mark.parametrize(
    ("name", "format_", "told"),
    [
        ("disk.iso", None, "the name disk.iso does not say in which format"),
        ("disk.img", "qcow", "`qcow` is no format of disks"),
    ],
)
def test_unknown_formats_are_refused(name: str, format_: str | None, told: str) -> None:
    """With those that are known."""
    with pytest.raises(Refused, match=told):
        chosen_format(Path(name), format_)


def test_format_is_named_by_file_or_option() -> None:
    """The option counts."""
    assert chosen_format(Path("web.tar.gz"), None) == "tar.gz"
    assert chosen_format(Path("web.img"), "raw") == "raw"
