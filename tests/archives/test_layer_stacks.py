"""What is known of stacked layers without unpacking them is what unpacking them gives."""

import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from io import BytesIO
from pathlib import Path
from tarfile import CHRTYPE, LNKTYPE, TarInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from image_maker import entry, layer_tar, link

from repave.archives.entries import Entry
from repave.archives.errors import BadArchive
from repave.archives.rules import ROOT_FILESYSTEM
from repave.archives.stacks import LayerStack
from repave.archives.tars import read_tar
from repave.archives.unpacking import Unpacking, unpack
from repave.archives.whiteouts import Hiding

NAMES = ("a", "b", "c")
FOLDERS = st.lists(st.sampled_from(NAMES), max_size=2).map("/".join)
KINDS = ("file", "folder", "link", "hard link", "whiteout", "opaque")

Change = tuple[str, str, str]
"""What, where, and what it holds or leads to."""

CHANGES = st.tuples(st.sampled_from(KINDS), FOLDERS, st.sampled_from(NAMES))


def tar_of(changes: list[Change]) -> bytes:
    """A layer in which whiteouts stand anywhere, and each path once."""
    done: dict[str, str] = {}
    entries = []
    for what, folder, name in changes:
        start = f"{folder}/" if folder else ""
        path = f"{start}{name}"
        if what in {"whiteout", "opaque"}:
            entries.append(entry(f"{start}.wh.{name}" if what == "whiteout" else f"{start}.wh..wh..opq"))
            continue
        below_other = any(path.startswith(f"{known}/") for known, kind in done.items() if kind != "folder")
        above_other = any(known.startswith(f"{path}/") for known in done)
        origins = [known for known, kind in done.items() if kind != "folder"]
        if path in done or below_other or (above_other and what != "folder") or (what == "hard link" and not origins):
            continue
        done[path] = what
        match what:
            case "file":
                entries.append(entry(path, path.encode()))
            case "folder":
                entries.append(entry(f"{path}/"))
            case "link":
                entries.append(link(path, "nowhere"))
            case _:
                entries.append(hard_link(path, origins[-1]))
    return layer_tar(*entries)


def hard_link(name: str, origin: str) -> tuple[TarInfo, bytes]:
    """One more name of what the layer holds already."""
    member, content = link(name, origin)
    member.type = LNKTYPE
    return member, content


def entries_of(content: bytes) -> Iterator[Entry]:
    """What a layer's tar holds."""
    return read_tar(BytesIO(content), name="a layer", rules=ROOT_FILESYSTEM)


def is_wanted(path: str) -> bool:
    """Some are, wherever they lie."""
    return not path.endswith("c")


@settings(max_examples=200)  # each unpacks on a disk
@given(st.lists(st.lists(CHANGES, max_size=8), min_size=1, max_size=4))
@example([[("file", "a", "b")], [("file", "a", "a"), ("whiteout", "", "a")]])
@example([[("file", "", "c"), ("hard link", "", "b"), ("hard link", "", "a")]])
def test_it_is_what_unpacking_gives(layers: list[list[Change]]) -> None:
    """Folders, links and files, whatever the layers above replaced or removed."""
    stack = LayerStack(is_wanted)
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        for changes in layers:
            content = tar_of(changes)
            try:
                unpack(entries_of(content), root, name="a layer", settings=Unpacking(hiding=Hiding.REMOVED))
            except BadArchive:
                return  # no layer that anybody could use
            stack.take_in(partial(entries_of, content), name="a layer")
        below = sorted(root.rglob("*"))
        named = {path: path.relative_to(root).as_posix() for path in below}
        assert sorted(stack.links) == [named[path] for path in below if path.is_symlink()]
        assert sorted(stack.directories) == [named[path] for path in below if path.is_dir() and not path.is_symlink()]
        assert stack.files == {
            named[path]: path.read_bytes()
            for path in below
            if path.is_file() and not path.is_symlink() and is_wanted(named[path])
        }


def stacked(*layers: bytes, wanted: Callable[[str], bool] = lambda _: True) -> LayerStack:
    """Of these layers."""
    stack = LayerStack(wanted)
    for content in layers:
        stack.take_in(partial(entries_of, content), name="a layer")
    return stack


def test_accounts_that_are_another_files_second_name_are_known() -> None:
    """Though nobody asked for that file; a layer above may remove it, and the name stays."""
    stack = stacked(
        layer_tar(
            entry("etc/.pw", b"root:x:0:0"), hard_link("etc/more", "etc/.pw"), hard_link("etc/passwd", "etc/more")
        ),
        layer_tar(entry("etc/.wh..pw")),
        wanted=lambda path: path == "etc/passwd",
    )
    assert stack.files == {"etc/passwd": b"root:x:0:0"}


def test_what_a_layer_leaves_out_hides_nothing() -> None:
    """A device is not made: what lies there in a layer below is still there, as unpacking leaves it."""
    device, nothing = entry("dev/null")
    device.type = CHRTYPE
    assert stacked(layer_tar(entry("dev/null", b"file")), layer_tar((device, nothing))).file("dev/null") == b"file"


def test_files_are_read_through_links_inside_the_root() -> None:
    """Relative ones, absolute ones, through folders; one that goes round or above leads nowhere."""
    stack = stacked(
        layer_tar(
            entry("usr/lib/os-release", b"here"), link("etc/os-release", "../usr/lib/os-release"),
            link("lib", "usr/lib"), link("etc/absolute", "/lib/os-release"), link("etc/round", "round"),
            link("etc/above", "../../../usr/lib/os-release"), link("etc/gone", "nothing"),
        )
    )  # fmt: skip
    for path in ("/etc/os-release", "lib/os-release", "etc/absolute", "etc/above", "usr/lib/os-release"):
        assert stack.file(path) == b"here", path
    for path in ("etc/round", "etc/gone", "etc/nothing"):
        assert stack.file(path) is None, path


def test_a_whiteout_that_names_nothing_is_refused() -> None:
    """No layer has a reason for it."""
    with pytest.raises(BadArchive, match="names nothing"):
        stacked(layer_tar(entry("a/.wh.")))
