"""What honest archives hold comes out as it is; what any archive holds stays below the target."""

import gzip
import io
import os
import stat
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from hostile_packages import data_package
from hostile_zips import ZipMember as Zip
from hostile_zips import zipped
from hypothesis import given, settings
from hypothesis import strategies as st
from tar_bytes import HARD, LINK, compressed, entry, tar

from repave.archives.compression import Compression, unpacked
from repave.archives.entries import Kind
from repave.archives.errors import BadArchive
from repave.archives.packages import opened_package
from repave.archives.rules import ROOT_FILESYSTEM, TREE, Links, Rules
from repave.archives.tars import opened_tar, read_tar
from repave.archives.unpacking import PLAIN, Unpacking, unpack
from repave.archives.whiteouts import Hiding
from repave.archives.zips import opened_zip
from repave.ports.errors import WorldError

NAME = "the archive"

STEPS = st.sampled_from(["a", "b", "way", "..", ".", "", ".wh.a", ".wh..wh..opq", ".wh...", "victim", "outside"])
NAMES = st.lists(STEPS, min_size=1, max_size=4).map("/".join)
KINDS = st.sampled_from(
    [tarfile.REGTYPE, tarfile.DIRTYPE, LINK, LINK, HARD, HARD, tarfile.FIFOTYPE, tarfile.CHRTYPE, tarfile.AREGTYPE]
)
TARGETS = st.one_of(NAMES, NAMES.map("/".__add__), st.just("../outside"), st.just("../victim"))


@st.composite
def entries(draw: st.DrawFn) -> tuple[tarfile.TarInfo, bytes] | tarfile.TarInfo:
    """An entry that has a good chance to collide with another."""
    kind = draw(KINDS)
    made = entry(
        draw(st.one_of(NAMES, NAMES.map("/".__add__))), kind, link=draw(TARGETS), mode=draw(st.integers(0, 0o7777))
    )
    if draw(st.booleans()):
        made.pax_headers = {"path": draw(NAMES)}
    return (made, draw(st.binary(max_size=20))) if kind in {tarfile.REGTYPE, tarfile.AREGTYPE} else made


def surroundings(folder: Path) -> dict[str, tuple[object, ...]]:
    """All that is beside the target, with what could be changed of it."""
    found: dict[str, tuple[object, ...]] = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if name.split("/")[0] != "target":
            status = path.lstat()
            content = path.read_bytes() if path.is_file() else b""
            found[name] = (status.st_mode, status.st_uid, status.st_nlink, status.st_mtime_ns, content)
    return found


def prepared(folder: Path) -> None:
    """A target that holds a file, a folder and links out; victims beside it."""
    (folder / "outside/a").mkdir(parents=True)
    for path in ("victim", "outside/victim", "outside/a/b"):
        (folder / path).write_text("whole", encoding="utf-8")
    target = folder / "target"
    (target / "b").mkdir(parents=True)
    (target / "b/a").write_text("old", encoding="utf-8")
    (target / "way").symlink_to(folder / "outside")
    (target / "victim").symlink_to(folder / "victim")
    (target / "b/way").symlink_to("../../outside")


few = settings(max_examples=200)
"""Each makes files, which takes its time."""


@few
@given(
    members=st.lists(entries(), max_size=8),
    rules=st.sampled_from([TREE, ROOT_FILESYSTEM, replace(TREE, links=Links.ANYWHERE, rooted=True)]),
    hiding=st.sampled_from([Hiding.NONE, Hiding.REMOVED]),
)
def test_nothing_outside_the_target_is_made_or_changed(
    members: list[tarfile.TarInfo | tuple[tarfile.TarInfo, bytes]], rules: Rules, hiding: Hiding
) -> None:
    """Whatever an archive holds, and whatever lay in the target before: content, rights, owner, links and times."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        prepared(folder)
        before = surroundings(folder)
        with suppress(BadArchive):
            read = read_tar(io.BytesIO(tar(*members)), name=NAME, rules=rules)
            unpack(read, folder / "target", name=NAME, settings=Unpacking(hiding=hiding))
        assert surroundings(folder) == before


@few
@given(members=st.lists(entries(), max_size=8))
def test_links_of_a_tree_lead_nowhere_else(members: list[tarfile.TarInfo | tuple[tarfile.TarInfo, bytes]]) -> None:
    """Followed by whoever uses it: each of them, through each other."""
    with tempfile.TemporaryDirectory() as made:
        with suppress(BadArchive):
            unpack(read_tar(io.BytesIO(tar(*members)), name=NAME, rules=TREE), Path(made), name=NAME)
        for path in Path(made).rglob("*"):
            real = os.path.realpath(path)  # a loop is no way out, and pathlib's own stops at one
            assert Path(real).is_relative_to(os.path.realpath(made))


@few
@given(
    whole=st.sampled_from(["", ".gz", ".xz", ".zst"]).map(
        lambda suffix: compressed(
            tar((entry("a/b"), b"x" * 600), entry("a/l", LINK, link="b"), entry("h", HARD, link="a/b"))
        )[suffix]
    ),
    changes=st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), min_size=1, max_size=6),
    length=st.integers(0, 10_000),
)
def test_damage_is_refused_or_harmless(whole: bytes, changes: list[tuple[int, int]], length: int) -> None:
    """Bytes changed, the end cut off: one kind of error, as a tar, a package or a zip."""
    damaged = bytearray(whole)
    for place, value in changes:
        damaged[place % len(damaged)] = value
    del damaged[length or len(damaged) :]
    member = zipped(Zip(name="a/b", content=whole), Zip(name="c"))
    spoilt = bytearray(member)
    for place, value in changes:
        spoilt[-1 - place % len(spoilt)] = value
    with tempfile.TemporaryDirectory() as made:
        path = Path(made) / "archive"
        for content in (bytes(damaged), data_package(bytes(damaged)), bytes(spoilt)):
            path.write_bytes(content)
            for reader in (_read_tar, _read_package, _read_zip):
                with suppress(WorldError):
                    reader(path)


def _read_tar(path: Path) -> None:
    with opened_tar(path, name=NAME, rules=TREE) as found:
        for one in found:
            one.content.read()


def _read_package(path: Path) -> None:
    with opened_package(path, "data", name=NAME, rules=TREE) as found:
        for one in found:
            one.content.read()


def _read_zip(path: Path) -> None:
    with opened_zip(path, name=NAME, rules=TREE) as archive:
        for member in archive.infolist():
            archive.read(member)


def test_a_member_of_a_zip_may_say_its_name_twice(tmp_path: Path) -> None:
    """Some tools do: it is the same name, and every reader takes it."""
    path = tmp_path / "archive"
    path.write_bytes(zipped(Zip(name="a/b", content=b"here", second_name=b"a/b")))
    with opened_zip(path, name=NAME, rules=TREE) as archive:
        assert (archive.namelist(), archive.read("a/b")) == (["a/b"], b"here")


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files, folders and links of all kinds of names and times."""
    root = tmp_path_factory.mktemp("tree")
    for number, name in enumerate(["plain", "deep/er/and/deeper", "with space", "ä/ö", "n" * 250, "l/" * 40 + "long"]):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(bytes([number]) * (number * 4000))
        path.chmod(0o640 if number % 2 else 0o755)
        os.utime(path, (1000 + number, 1000 + number))
    (root / "link").symlink_to("deep/er")
    (root / "deep/up").symlink_to("../plain")
    (root / "again").hardlink_to(root / "plain")
    (root / "empty").mkdir()
    for folder in [path for path in root.rglob("*") if path.is_dir() and not path.is_symlink()]:
        os.utime(folder, (5, 5))
    return root


def described(root: Path) -> Iterator[tuple[object, ...]]:
    """What `tar` keeps of a tree."""
    for path in sorted(root.rglob("*")):
        status = path.lstat()
        content = path.read_bytes() if path.is_file() else b""
        link = os.readlink(path) if path.is_symlink() else ""  # noqa: PTH115 - as it stands, whatever it is
        time = 0.0 if path.is_symlink() else status.st_mtime
        yield path.relative_to(root), status.st_mode, time, content, link


@pytest.mark.parametrize("form", ["ustar", "gnu", "pax", "oldgnu"])
@pytest.mark.parametrize("pack", ["", "--gzip", "--xz", "--zstd"])
def test_what_gnu_tar_packed_is_unpacked_as_it_was(tree: Path, tmp_path: Path, form: str, pack: str) -> None:
    """Every form it writes, every compression: contents, rights, times, links."""
    path = tmp_path / "archive"
    if form == "ustar":
        command = ["tar", "--format=ustar", "--exclude=l", "--exclude=nnn*"]
    else:
        command = ["tar", f"--format={form}"]
    subprocess.run([*command, *([pack] if pack else []), "-cf", str(path), "-C", str(tree), "."], check=True)
    target = tmp_path / "target"
    target.mkdir()
    with opened_tar(path, name=NAME, rules=TREE) as found:
        unpack(found, target, name=NAME)
    wanted = [one for one in described(tree) if form != "ustar" or str(one[0])[:2] not in {"l", "l/", "nn"}]
    assert list(described(target)) == wanted
    assert (target / "again").samefile(target / "plain")


def test_what_others_packed_in_pieces_is_read(tmp_path: Path) -> None:
    """Several compressed streams in a row are one, and zeros behind are padding."""
    whole = tar((entry("name"), b"x" * 5000))
    for suffix, first in compressed(whole[:700]).items():
        if suffix:
            packed = first + compressed(b"")[suffix] + compressed(whole[700:])[suffix] + bytes(512)
            read = unpacked(io.BytesIO(packed), Compression(suffix), name=NAME, rules=TREE)
            assert b"".join(iter(lambda read=read: read.read(100), b"")) == whole  # type: ignore[misc] # bound at once
    (tmp_path / "archive").write_bytes(gzip.compress(whole))


def test_a_reader_may_pass_over_what_it_does_not_want() -> None:
    """Half a file, or none of it."""
    archive = tar((entry("a"), b"a" * 3000), (entry("b"), b"b" * 513), (entry("c"), b"c"))
    read = read_tar(io.BytesIO(archive), name=NAME, rules=TREE)
    wanted = {"a": 700, "b": 0, "c": 10}
    assert [(one.name, one.content.read(wanted[one.name])) for one in read] == [
        ("a", b"a" * 700),
        ("b", b""),
        ("c", b"c"),
    ]


def test_all_tells_of_an_entry_are_read() -> None:
    """Owner, time and link beyond what plain headers hold."""
    long = "x" * 90 + "/" + "y" * 200
    pax = {"mtime": "12.5", "uid": "3000000000", "comment": "kept out", "SCHILY.xattr.user.a": "\udcff\udcfe"}
    made = tar((entry(long, pax=pax), b"content"), entry("link", LINK, link=long), entry("pipe", tarfile.FIFOTYPE))
    first, second, third = read_tar(io.BytesIO(made), name=NAME, rules=ROOT_FILESYSTEM)
    assert (first.name, first.user, first.time, first.kind) == (long, 3_000_000_000, 12.5, Kind.FILE)
    assert (second.link, second.kind, third.kind) == (long, Kind.SYMLINK, Kind.SPECIAL)


def test_a_leading_slash_is_the_root_of_a_filesystem() -> None:
    """And of nothing else."""
    (one,) = read_tar(io.BytesIO(tar(entry("//etc/./name"))), name=NAME, rules=ROOT_FILESYSTEM)
    assert one.name == "etc/name"


def test_what_lies_in_the_target_is_replaced_and_never_written_through(tmp_path: Path) -> None:
    """A file, a link and a whole folder make room."""
    prepared(tmp_path)
    target = tmp_path / "target"
    archive = tar((entry("victim"), b"new"), entry("b", LINK, link="elsewhere"), entry("way/", tarfile.DIRTYPE))
    unpack(read_tar(io.BytesIO(archive), name=NAME, rules=TREE), target, name=NAME, settings=PLAIN)
    assert ((target / "victim").read_text(), (tmp_path / "victim").read_text()) == ("new", "whole")
    assert (target / "b").readlink() == Path("elsewhere")
    assert stat.S_ISDIR((target / "way").lstat().st_mode)


def test_a_whiteout_hides_what_is_below_its_layer_only(tmp_path: Path) -> None:
    """Wherever in the archive it stands: what the same layer brings is there afterwards."""
    for name in ("a/old", "a/sub/old", "b/old", "c"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("old", encoding="utf-8")
    archive = tar(
        (entry("a/new"), b"new"),
        (entry("a/sub/new"), b"new"),
        entry("a/.wh..wh..opq"),
        (entry("b/new"), b"new"),
        entry(".wh.b"),
        (entry("c"), b"new"),
        entry(".wh.c"),
    )
    read = read_tar(io.BytesIO(archive), name=NAME, rules=ROOT_FILESYSTEM)
    unpack(read, tmp_path, name=NAME, settings=Unpacking(hiding=Hiding.REMOVED))
    files = {path.relative_to(tmp_path).as_posix(): path.read_text() for path in tmp_path.rglob("*") if path.is_file()}
    assert files == {"a/new": "new", "a/sub/new": "new", "b/new": "new", "c": "new"}


@pytest.mark.real
def test_overlayfs_gets_its_own_whiteouts_for_the_same(tmp_path: Path) -> None:
    """A folder that is hidden and brought again is marked as hiding what is below, in whatever order it is told."""
    archive = tar(
        (entry("a/new"), b"new"),
        entry(".wh.a"),
        entry(".wh.b"),
        (entry("b/new"), b"new"),
        (entry("c"), b""),
        entry(".wh.c"),
    )
    read = read_tar(io.BytesIO(archive), name=NAME, rules=ROOT_FILESYSTEM)
    unpack(read, tmp_path, name=NAME, settings=Unpacking(hiding=Hiding.OVERLAYFS))
    for folder in ("a", "b"):
        assert os.getxattr(tmp_path / folder, "trusted.overlay.opaque") == b"y"
        assert (tmp_path / folder / "new").read_text() == "new"
    assert stat.S_ISREG((tmp_path / "c").stat().st_mode)


def test_a_link_that_has_all_its_filesystem_counts_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As an archive's fault, which it is."""

    def full(*_: object, **__: object) -> None:
        raise OSError(31, "Too many links")

    monkeypatch.setattr(os, "link", full)
    archive = tar((entry("a"), b""), entry("b", HARD, link="a"))
    with pytest.raises(BadArchive, match="takes no link"):
        unpack(read_tar(io.BytesIO(archive), name=NAME, rules=TREE), tmp_path, name=NAME)


def test_no_handle_is_left_open(tmp_path: Path) -> None:
    """Neither after success nor after a refusal deep inside."""
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - the number of names alone
    for archive in (tar(entry("a/b/c/d")), tar(entry("a/b/c/e"), entry("a/b/c/../x"))):
        try:
            unpack(read_tar(io.BytesIO(archive), name=NAME, rules=TREE), tmp_path, name=NAME)
        except BadArchive:
            continue
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208 - as above
