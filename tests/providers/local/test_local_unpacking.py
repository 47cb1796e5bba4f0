"""Layers become folders: verified, translated for overlayfs, and never written outside."""

import gzip
import io
import os
import stat
import tarfile
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

from repave.model.names import Digest
from repave.ports.errors import Corrupt, Invalid
from repave.providers.local.unpacking import LayerFile, unpack

TAR = "application/vnd.oci.image.layer.v1.tar"


def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "", mode: int = 0o644) -> tarfile.TarInfo:
    """One entry of a tar archive."""
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname, entry.mode = kind, link, mode
    return entry


def digest(content: bytes) -> Digest:
    """As OCI writes it."""
    return Digest(f"sha256:{sha256(content).hexdigest()}")


@pytest.fixture
def unpacked(tmp_path: Path) -> Callable[..., Path]:
    """Unpacks entries (text as content) into a folder below ``tmp_path``."""

    def made(*entries: tuple[tarfile.TarInfo, str], privileged: bool = False, into: Path | None = None) -> Path:
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as archive:
            for entry, text in entries:
                entry.size = len(text)
                archive.addfile(entry, io.BytesIO(text.encode()))
        content = buffer.getvalue()
        path = tmp_path / "layer.tar"
        path.write_bytes(content)
        target = into or tmp_path / "target"
        target.mkdir(exist_ok=True)
        layer = LayerFile(path=path, digest=digest(content), difference=digest(content), media_type=TAR)
        unpack(layer, target, privileged=privileged, advance=lambda _: None)
        return target

    return made


def test_files_folders_and_links_are_as_in_the_archive(unpacked: Callable[..., Path]) -> None:
    """Content, mode, times, symbolic and hard links."""
    folder = member("app/", tarfile.DIRTYPE, mode=0o750)
    folder.mtime = 1000
    target = unpacked(
        (folder, ""),
        (member("app/run", mode=0o755), "#!"),
        (member("app/again", tarfile.LNKTYPE, "app/run"), ""),
        (member("run", tarfile.SYMTYPE, "/app/run"), ""),
    )
    assert (target / "app" / "run").read_text() == "#!"
    assert (target / "app" / "again").stat().st_ino == (target / "app" / "run").stat().st_ino
    assert (target / "run").readlink() == Path("/app/run")
    assert stat.S_IMODE((target / "app" / "run").stat().st_mode) == 0o755
    assert (target / "app").stat().st_mtime == 1000


@pytest.mark.parametrize("name", ["../outside", "app/../../outside", "/../outside"])
def test_a_name_that_points_outside_is_refused(unpacked: Callable[..., Path], tmp_path: Path, name: str) -> None:
    """Two dots in a name have no honest use."""
    with pytest.raises(Corrupt, match="outside"):
        unpacked((member(name), "x"))
    assert not (tmp_path / "outside").exists()


def test_an_absolute_name_stays_below_the_folder(unpacked: Callable[..., Path]) -> None:
    """A leading slash means the layer's own root."""
    assert (unpacked((member("/etc/name"), "x")) / "etc" / "name").read_text() == "x"


def test_a_link_is_never_followed(unpacked: Callable[..., Path], tmp_path: Path) -> None:
    """Neither a folder's place nor a file's may be a link to somewhere else."""
    outside = tmp_path / "outside"
    outside.mkdir()
    with pytest.raises(Corrupt, match="no folder"):
        unpacked((member("way", tarfile.SYMTYPE, str(outside)), ""), (member("way/file"), "x"))
    victim = outside / "victim"
    victim.write_text("whole")
    below = unpacked((member("name", tarfile.SYMTYPE, str(victim)), ""))
    target = unpacked((member("name"), "x"), into=below)
    assert (victim.read_text(), (target / "name").read_text()) == ("whole", "x")
    assert list(outside.iterdir()) == [victim]


def test_a_hard_link_reaches_only_into_the_layer(unpacked: Callable[..., Path]) -> None:
    """Neither outside by name, nor through a link, nor to what is missing."""
    with pytest.raises(Corrupt, match="outside"):
        unpacked((member("name", tarfile.LNKTYPE, "../layer.tar"), ""))
    with pytest.raises(Corrupt, match="missing"):
        unpacked((member("way", tarfile.SYMTYPE, "/etc"), ""), (member("name", tarfile.LNKTYPE, "way/passwd"), ""))
    with pytest.raises(Corrupt, match="missing"):
        unpacked((member("name", tarfile.LNKTYPE, "absent"), ""))


def test_devices_are_left_out(unpacked: Callable[..., Path]) -> None:
    """An instance gets its own few devices, and none from an image."""
    assert not list(unpacked((member("disk", tarfile.BLKTYPE), ""), (member("pipe", tarfile.FIFOTYPE), "")).iterdir())


def test_without_root_whiteouts_remove_what_lower_layers_put(unpacked: Callable[..., Path]) -> None:
    """One name, or all of a folder."""
    target = unpacked((member("a/one"), "1"), (member("a/two"), "2"), (member("b/deep/three"), "3"))
    unpacked((member("a/.wh.one"), ""), (member("b/.wh..wh..opq"), ""), (member("b/four"), "4"), into=target)
    assert sorted(path.relative_to(target).as_posix() for path in target.rglob("*")) == ["a", "a/two", "b", "b/four"]


@pytest.mark.real
def test_with_root_whiteouts_become_those_of_overlayfs(unpacked: Callable[..., Path]) -> None:
    """A device 0/0 hides a name; a mark on a folder hides all below it."""
    target = unpacked((member("a/.wh.one"), ""), (member("b/.wh..wh..opq"), ""), privileged=True)
    status = (target / "a" / "one").stat()
    assert stat.S_ISCHR(status.st_mode)
    assert status.st_rdev == os.makedev(0, 0)
    assert os.getxattr(target / "b", "trusted.overlay.opaque") == b"y"


@pytest.mark.parametrize("name", [".wh.", ".wh..", ".wh...", "a/.wh..."])
def test_a_whiteout_names_one_entry(unpacked: Callable[..., Path], name: str) -> None:
    """Nothing, the folder itself and the one above it cannot be hidden."""
    with pytest.raises(Corrupt, match="whiteout"):
        unpacked((member(name), ""))


def test_a_compressed_layer_is_verified_both_ways(tmp_path: Path) -> None:
    """The stored bytes by their digest, the tar by its diff id."""
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as archive:
        archive.addfile(member("name"))
    stored = gzip.compress(plain.getvalue())
    path = tmp_path / "layer"
    path.write_bytes(stored)
    target = tmp_path / "target"
    target.mkdir()
    right = {"digest": digest(stored), "difference": digest(plain.getvalue())}
    kind = f"{TAR}+gzip"
    unpack(LayerFile(path=path, media_type=kind, **right), target, privileged=False, advance=lambda _: None)
    for wrong in ("digest", "difference"):
        layer = LayerFile(path=path, media_type=kind, **{**right, wrong: digest(b"")})
        with pytest.raises(Corrupt, match="digest"):
            unpack(layer, target, privileged=False, advance=lambda _: None)


def test_what_is_no_archive_is_corrupt_and_what_is_unknown_invalid(tmp_path: Path) -> None:
    """The layer is named either way."""
    path = tmp_path / "layer"
    path.write_bytes(b"no tar at all" * 1000)
    name = digest(path.read_bytes())
    target = tmp_path / "target"
    target.mkdir()
    for media_type, error in (
        (TAR, Corrupt),
        (f"{TAR}+gzip", Corrupt),
        (f"{TAR}+zstd", Corrupt),
        (f"{TAR}+bzip2", Invalid),
    ):
        layer = LayerFile(path=path, digest=name, difference=name, media_type=media_type)
        with pytest.raises(error, match=name):
            unpack(layer, target, privileged=False, advance=lambda _: None)
