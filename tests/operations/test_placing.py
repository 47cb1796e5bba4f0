"""What a person asked for is made beside its place: by each in one of its own, of which nothing stays."""

from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from repave.operations.errors import Refused
from repave.operations.placing import PREFIX, placed


def names(folder: Path) -> set[str]:
    """What is there."""
    return {entry.name for entry in folder.iterdir()}


def test_two_at_once_write_apart_and_one_of_them_is_there(tmp_path: Path) -> None:
    """Neither sweeps what the other is at; the later is refused."""
    place = tmp_path / "record"
    with ExitStack() as both:
        later = both.enter_context(placed(place))
        with placed(place) as first:
            later.write_bytes(b"later")
            first.write_bytes(b"first")
        assert later.read_bytes() == b"later"
        with pytest.raises(Refused, match="exists already"):
            both.close()
    assert place.read_bytes() == b"first"
    assert names(tmp_path) == {"record"}


def test_what_the_killed_left_goes_with_the_next(tmp_path: Path) -> None:
    """Whatever it was to become; what is no such folder stays, links too."""
    elsewhere, left = tmp_path / "elsewhere", tmp_path / f"{PREFIX}k1ll3d"
    for folder in (elsewhere, left):
        folder.mkdir()
        (folder / "disk.raw").write_bytes(b"half")
    (tmp_path / f"{PREFIX}link").symlink_to(elsewhere)
    with placed(tmp_path / "folder") as made:
        made.mkdir()
    assert names(tmp_path) == {"elsewhere", f"{PREFIX}link", "folder"}
    assert names(elsewhere) == {"disk.raw"}


def test_what_fails_leaves_nothing(tmp_path: Path) -> None:
    """Neither a place nor what was made in it."""
    with suppress(KeyboardInterrupt), placed(tmp_path / "folder") as made:
        made.mkdir()
        raise KeyboardInterrupt
    assert names(tmp_path) == set()
