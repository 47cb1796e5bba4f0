"""Layers as bytes: what determines them, and what must not."""

import io
import os
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from repave.bakers.rootfs.layertar import LayerTar
from repave.bakers.rootfs.skeleton import Skeleton
from repave.ports.errors import Invalid

NEWEST = 1_700_000_000


def fill(root: Path) -> None:
    """Some files, made in an order of no meaning."""
    (root / "etc").mkdir(parents=True)
    (root / "usr/bin").mkdir(parents=True)
    (root / "usr/bin/tool").write_bytes(b"tool")
    os.link(root / "usr/bin/tool", root / "usr/bin/alias")
    (root / "etc/old").write_bytes(b"old")
    (root / "bin").symlink_to("usr/bin")
    (root / "etc/umlaut-\u00fc").write_bytes(b"")
    (root / "etc/\udcff").write_bytes(b"a name that is no UTF-8")
    for place, mode in (
        (root / "usr/bin/tool", 0o4755),
        (root / "etc/old", 0o640),
        (root / "etc/umlaut-\u00fc", 0o644),
    ):
        place.chmod(mode)
    for place in (root / "etc", root / "usr", root / "usr/bin"):
        place.chmod(0o755)
    (root / "etc/\udcff").chmod(0o600)
    os.utime(root / "etc/old", (1, 1_600_000_000))


def written(root: Path, target: Path, lowers: tuple[Path, ...] = ()) -> bytes:
    """The tree as a layer."""
    with LayerTar(target) as layer:
        layer.tree(root, newest=NEWEST, lowers=lowers)
    return target.read_bytes()


def test_the_same_tree_gives_the_same_bytes(tmp_path: Path) -> None:
    """Time, umask and folder have no say."""
    fill(tmp_path / "one")
    before = os.umask(0o077)
    try:
        fill(tmp_path / "two, elsewhere")
    finally:
        os.umask(before)
    os.utime(tmp_path / "two, elsewhere/usr/bin/tool", (5, 2_000_000_000))
    assert written(tmp_path / "one", tmp_path / "a") == written(tmp_path / "two, elsewhere", tmp_path / "b")


def test_rights_that_go_far_are_told(tmp_path: Path) -> None:
    """Set-uid under each of its names, and what anyone may write; not a folder with the sticky bit, and no link."""
    fill(tmp_path / "tree")
    for name, mode in (("tmp", 0o1777), ("open", 0o777), ("group", 0o2755)):
        (tmp_path / "tree" / name).mkdir()
        (tmp_path / "tree" / name).chmod(mode)
    with LayerTar(tmp_path / "layer") as layer:
        layer.tree(tmp_path / "tree", newest=NEWEST)
    assert [(exposed.path, oct(exposed.mode)) for exposed in layer.exposed] == [
        ("/open", "0o777"),
        ("/usr/bin/alias", "0o4755"),
        ("/usr/bin/tool", "0o4755"),
    ]


def test_a_layer_holds_what_the_tree_holds(tmp_path: Path) -> None:
    """Links, rights, odd names; times clamped; a second name of a file is a link, not a copy."""
    fill(tmp_path / "tree")
    written(tmp_path / "tree", tmp_path / "tar")
    with tarfile.open(tmp_path / "tar") as tar:
        entries = {entry.name: entry for entry in tar.getmembers()}
    assert list(entries) == sorted(entries, key=os.fsencode)
    assert entries["usr/bin/tool"].mode == 0o4755
    assert entries["usr/bin/tool"].linkname == "usr/bin/alias"
    assert entries["bin"].linkname == "usr/bin"
    assert entries["etc/old"].mtime == 1_600_000_000
    assert entries["usr/bin/alias"].mtime == NEWEST
    assert "etc/\udcff" in entries
    assert {(entry.uname, entry.gname) for entry in entries.values()} == {("", "")}


@pytest.mark.parametrize("path", ["a", "a" * 99, "a" * 100, "a" * 101, "\u00e4", "\udcff"])
@pytest.mark.parametrize("number", [0, 8**7 - 1, 8**7, 8**11 - 1, 8**11])
def test_entries_are_as_tars_own_writer_has_them(tmp_path: Path, path: str, number: int) -> None:
    """Also at the ends of what a plain header holds: there are tars of ours by their digests everywhere."""
    content, owner = b"content", (0o4755, number, min(number, 8**7))
    with LayerTar(tmp_path / "ours") as layer:
        layer.directory(path, owner=owner, time=number)
        layer.file(path, io.BytesIO(content), size=len(content), owner=owner, time=-number)
        layer.link(path, path, time=number)
    with tarfile.open(tmp_path / "theirs", "w", format=tarfile.PAX_FORMAT, encoding="utf-8") as tar:
        for kind, mode, user, group, time in (
            (tarfile.DIRTYPE, *owner, number),
            (tarfile.REGTYPE, *owner, -number),
            (tarfile.SYMTYPE, 0o777, 0, 0, number),
        ):
            entry = tarfile.TarInfo(path)
            entry.type, entry.mode, entry.uid, entry.gid, entry.mtime = kind, mode, user, group, time
            entry.size = len(content) if kind == tarfile.REGTYPE else 0
            entry.linkname = path if kind == tarfile.SYMTYPE else ""
            tar.addfile(entry, io.BytesIO(content) if entry.size else None)
    assert (tmp_path / "ours").read_bytes() == (tmp_path / "theirs").read_bytes()


def test_a_content_that_ends_early_is_no_layer(tmp_path: Path) -> None:
    """A file that was cut while it was read: what follows would be taken for its rest."""
    with pytest.raises(OSError, match="etc/cut ended 3 bytes before"), LayerTar(tmp_path / "tar") as layer:
        layer.file("etc/cut", io.BytesIO(b"1234567"), size=10, owner=(0o644, 0, 0), time=0)


def test_what_overlayfs_removed_becomes_a_whiteout(tmp_path: Path) -> None:
    """A removed name, and a directory that hides the one below; one that hides nothing needs no mark."""
    upper, lower = tmp_path / "upper", tmp_path / "lower"
    for folder in (upper / "var/new", upper / "var/lib", lower / "var/lib"):
        folder.mkdir(parents=True)
    os.mknod(upper / "gone", 0o020000 | 0o600, os.makedev(0, 0))
    os.mknod(upper / "var/gone", 0o020000 | 0o600, os.makedev(0, 0))
    for folder in (upper / "var/new", upper / "var/lib"):
        os.setxattr(folder, "user.overlay.opaque", b"y")
    written(upper, tmp_path / "tar", (lower,))
    with tarfile.open(tmp_path / "tar") as tar:
        names = tar.getnames()
    assert names == [".wh.gone", "var", "var/.wh.gone", "var/lib", "var/lib/.wh..wh..opq", "var/new"]


def test_staged_files_are_roots_and_readable(tmp_path: Path) -> None:
    """Whoever laid them out, under whatever umask; directories below keep their rights."""
    stage = tmp_path / "stage"
    (stage / "usr/local/bin").mkdir(parents=True)
    (stage / "usr/local/bin/run").write_bytes(b"#!")
    (stage / "usr/local/bin/run").chmod(0o700)
    (stage / "usr/local/data").write_bytes(b"1")
    (stage / "usr/local/data").chmod(0o600)
    below = Skeleton(directories={"usr": (0o755, 0, 0), "usr/local": (0o2775, 0, 50)})
    with LayerTar(tmp_path / "tar") as layer:
        layer.staged(stage, below=below, time=1)
    with tarfile.open(tmp_path / "tar") as tar:
        rights = {entry.name: (entry.mode, entry.uid, entry.gid) for entry in tar.getmembers()}
    assert rights == {
        "usr": (0o755, 0, 0),
        "usr/local": (0o2775, 0, 50),
        "usr/local/bin": (0o755, 0, 0),
        "usr/local/bin/run": (0o755, 0, 0),
        "usr/local/data": (0o644, 0, 0),
    }


def test_staged_files_never_hide_a_link(tmp_path: Path) -> None:
    """A directory in a layer would take the place of the link below it, and of all it leads to."""
    (tmp_path / "stage/usr/local/man/man1").mkdir(parents=True)
    below = Skeleton(directories={"usr": (0o755, 0, 0)}, links={"usr/local/man": "share/man"})
    with LayerTar(tmp_path / "tar") as layer, pytest.raises(Invalid, match="/usr/local/man"):
        layer.staged(tmp_path / "stage", below=below, time=1)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A small root filesystem."""
    for folder in ("usr/bin", "usr/lib", "etc", "var/run/deep"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "bin").symlink_to("usr/bin")
    (tmp_path / "lib").symlink_to("/usr/lib")
    (tmp_path / "here").symlink_to("usr/../usr/./bin")
    (tmp_path / "out").symlink_to("../../../etc")
    (tmp_path / "loop").symlink_to("loop/loop")
    (tmp_path / "usr/bin/python3").symlink_to("python3.11")
    (tmp_path / "etc/passwd").write_text("root:x:0:0::/:/bin/sh\nweb:x:33:34::/:/bin/sh\nbroken\n", encoding="ascii")
    (tmp_path / "etc/group").write_text("root:x:0:\nweb:x:34:\n", encoding="ascii")
    return tmp_path


def test_a_skeleton_is_what_later_layers_must_know(root: Path) -> None:
    """Directories, links to directories that stay inside, accounts and Python."""
    skeleton = Skeleton.read(Skeleton.of(root).content())
    assert set(skeleton.directories) == {"usr", "usr/bin", "usr/lib", "etc", "var", "var/run", "var/run/deep"}
    assert set(skeleton.links) == {"bin", "lib", "here", "out"}
    assert skeleton.users == {"root": (0, 0), "web": (33, 34)}
    assert skeleton.groups == {"root": 0, "web": 34}
    assert skeleton.python == "3.11"


@pytest.mark.parametrize(
    ("path", "leads_to"),
    [
        ("bin/x", "usr/bin/x"),
        ("lib/a/b", "usr/lib/a/b"),
        ("here/x", "usr/bin/x"),
        ("out/passwd", "etc/passwd"),
        ("usr/bin", "usr/bin"),
        ("/new//folder/.", "new/folder"),
    ],
)
def test_links_are_followed_inside_the_root_only(root: Path, path: str, leads_to: str) -> None:
    """As the kernel would in a chroot: no way leads out."""
    assert Skeleton.of(root).resolve(path) == leads_to


def test_a_loop_of_links_is_refused() -> None:
    """It ends, with an error."""
    resolve: Callable[[str], str] = Skeleton(links={"a": "b", "b": "a"}).resolve
    with pytest.raises(Invalid, match="round in links"):
        resolve("a/x")
