"""What is known of stacked layers without unpacking them is what unpacking them gives."""

import tempfile
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from image_maker import entry, layer_tar, link

from repave.archives.errors import BadArchive
from repave.archives.rules import ROOT_FILESYSTEM
from repave.archives.stacks import LayerStack
from repave.archives.tars import read_tar
from repave.archives.unpacking import Unpacking, unpack
from repave.archives.whiteouts import Hiding

NAMES = ("a", "b", "c")
FOLDERS = st.lists(st.sampled_from(NAMES), max_size=2).map("/".join)
KINDS = ("file", "folder", "link", "whiteout", "opaque")

Change = tuple[str, str, str]
"""What, where, and what it holds or leads to."""

CHANGES = st.tuples(st.sampled_from(KINDS), FOLDERS, st.sampled_from(NAMES))


def tar_of(changes: list[Change]) -> bytes:
    """A layer as builders write it: what is removed first, and each path once."""
    done: dict[str, tuple[str, str]] = {}
    for what, folder, name in changes:
        path = f"{folder}/{name}".lstrip("/")
        own = [known for known, (kind, _) in done.items() if kind in {"file", "link", "folder"}]
        below_other = any(path.startswith(f"{known}/") for known in own if done[known][0] != "folder")
        above_other = any(known.startswith(f"{path}/") for known in own)
        hiding = [known for known, (kind, _) in done.items() if kind in {"whiteout", "opaque"}]
        related = any(f"{path}/".startswith(f"{known}/") or f"{known}/".startswith(f"{path}/") for known in done)
        # What is hidden and brought in one place at once is told in no order that all readers share.
        unclear = any(f"{path}/".startswith(f"{known}/") for known in hiding) or (
            what in {"whiteout", "opaque"} and related
        )
        if path in done or below_other or (above_other and what != "folder") or unclear:
            continue
        done[path] = (what, folder)
    entries = []
    for path, (what, folder) in sorted(done.items(), key=lambda item: item[1][0] not in {"whiteout", "opaque"}):
        start = f"{folder}/" if folder else ""
        match what:
            case "file":
                entries.append(entry(path, path.encode()))
            case "folder":
                entries.append(entry(f"{path}/"))
            case "link":
                entries.append(link(path, "nowhere"))
            case "whiteout":
                entries.append(entry(f"{start}.wh.{path.rpartition('/')[2]}"))
            case _:
                entries.append(entry(f"{path}/"))
                entries.append(entry(f"{path}/.wh..wh..opq"))
    return layer_tar(*entries)


@settings(max_examples=200)  # each unpacks on a disk
@given(st.lists(st.lists(CHANGES, max_size=6), min_size=1, max_size=4))
def test_it_is_what_unpacking_gives(layers: list[list[Change]]) -> None:
    """Folders, links and files, whatever the layers above replaced or removed."""
    stack = LayerStack(lambda _: True)
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        for changes in layers:
            content = tar_of(changes)
            try:
                unpack(
                    read_tar(BytesIO(content), name="a layer", rules=ROOT_FILESYSTEM),
                    root,
                    name="a layer",
                    settings=Unpacking(hiding=Hiding.REMOVED),
                )
            except BadArchive:
                return  # no layer that anybody could use
            stack.take_in(read_tar(BytesIO(content), name="a layer", rules=ROOT_FILESYSTEM), name="a layer")
        below = sorted(root.rglob("*"))
        named = {path: path.relative_to(root).as_posix() for path in below}
        assert sorted(stack.links) == [named[path] for path in below if path.is_symlink()]
        assert sorted(stack.directories) == [named[path] for path in below if path.is_dir() and not path.is_symlink()]
        assert stack.files == {
            named[path]: path.read_bytes() for path in below if path.is_file() and not path.is_symlink()
        }


def stacked(*layers: bytes) -> LayerStack:
    """Of these layers, every file wanted."""
    stack = LayerStack(lambda _: True)
    for content in layers:
        stack.take_in(read_tar(BytesIO(content), name="a layer", rules=ROOT_FILESYSTEM), name="a layer")
    return stack


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
