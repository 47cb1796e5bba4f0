"""``repave gc`` beside those who make what nothing needs yet."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from full_disk import full_disk
from store_scene import bake

from repave.bakers.rootfs.cache import packages_below
from repave.cli.codes import FAILED, OK
from repave.cli.commands import vault
from repave.model.errors import RepaveError
from repave.model.lock import Lock
from repave.operations.carrying.pulling import Pulling
from repave.operations.deploy import Deploying
from repave.operations.locked import Locked
from repave.operations.locking import Locking
from repave.operations.patch import Patching
from repave.operations.watching.deciding import Deciding
from repave.scratch.held import held
from repave.store.sql import SqlStore
from repave.wiring import Wiring, project_file

Repave = Callable[..., Any]


@pytest.mark.parametrize(
    ("verb", "part", "name"),
    [
        (("lock",), Locking, "propose"),
        (("bake",), Locked, "matching"),
        (("patch",), Patching, "diagnose"),
        (("pull", "registry.example/shop:1"), Pulling, "pull"),
        (("vault", "import", "shop.tar"), vault, "import_archive"),
        (("watch", "--once"), Locking, "go_on"),
        (("watch", "--once"), Deciding, "ask_people"),
    ],
)
def test_nothing_is_removed_while_something_is_made(
    repave: Repave, monkeypatch: pytest.MonkeyPatch, verb: tuple[str, ...], part: object, name: str
) -> None:
    """What is made has no name yet: it is refused, with what to do; a look is not, and afterwards it goes."""
    ends: list[Any] = []

    def beside(*_: object, **__: object) -> None:
        ends.extend((repave("gc", "--yes"), repave("gc")))
        raise RepaveError("that is enough")

    monkeypatch.setattr(part, name, beside)
    assert "that is enough" in repave(*verb).err
    refused, shown = ends
    assert (refused.code, shown.code) == (FAILED, OK)
    assert "another process is locking, baking, fetching or publishing for shop just now" in refused.err
    assert "hint: try again when it has ended" in refused.err
    assert repave("gc", "--yes").code == OK


@pytest.mark.parametrize(
    "verb", [("deploy", "test", "--release", "r1"), ("rollback", "test", "--to", "r1"), ("promote",)]
)
def test_nothing_is_removed_of_a_release_before_it_is_wanted(
    folder: Path, repave: Repave, monkeypatch: pytest.MonkeyPatch, verb: tuple[str, ...]
) -> None:
    """It is published by then, and a sweep that does not know what for would take it away again."""
    store = SqlStore(f"sqlite:///{folder}/.repave/store.db")
    bake(store, runs="rollback" in verb)
    store.close()
    ends: list[Any] = []

    def beside(*_: object) -> None:
        ends.append(repave("gc", "--yes"))
        raise RepaveError("that is enough")

    monkeypatch.setattr(Wiring, "publish", lambda *_: None)
    monkeypatch.setattr(Wiring, "keep_warm", lambda *_: {})
    monkeypatch.setattr(Deploying, "begin", beside)
    assert "that is enough" in repave(*verb).err
    (refused,) = ends
    assert refused.code == FAILED
    assert "publishing for shop just now" in refused.err


def test_what_is_needed_is_read_once_nobody_makes_anything_any_more(
    folder: Path, repave: Repave, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lock of this folder too: who would begin meanwhile waits."""
    wiring, present = Wiring(project_file(None, folder)), Locked.present
    read: list[bool] = []

    def alone(locked: Locked) -> Lock | None:
        with pytest.raises(RepaveError, match="just now"), wiring.sweeping():
            pass
        read.append(True)
        return present(locked)

    monkeypatch.setattr(Locked, "present", alone)
    assert repave("gc", "--yes").code == OK
    assert read == [True]
    wiring.close()


def test_what_the_killed_left_half_made_goes_and_what_is_made_stays(folder: Path, repave: Repave) -> None:
    """Wherever it was made; shown first, with its size."""
    state = folder / ".repave"
    left = [state / "cache/git/run-1", state / "cache/pypi/run-2", state / "pull-3", state / "again-4"]
    (state / "cache/git").mkdir(parents=True)
    with held(state / "cache/git", prefix="run-") as made:
        for one in left:
            (one / "deep").mkdir(parents=True)
            (one / "deep/half").write_bytes(bytes(1 << 20))
        shown, ended = repave("gc"), repave("gc", "--yes")
        assert made.exists()
    assert "would go: 4 work folders, 4.0 MiB" in shown.out
    assert "went: 4 work folders, 4.0 MiB" in ended.out
    assert not any(one.exists() for one in left)


def test_what_bakes_laid_out_of_packages_that_nothing_needs_goes(folder: Path, repave: Repave) -> None:
    """Whichever baker it was; what is no package stays."""
    larders = [packages_below(folder / ".repave" / baker) for baker in ("container", "vm")]
    for larder in larders:
        larder.mkdir(parents=True)
        (larder / f"{'0' * 64}.deb").write_bytes(bytes(1 << 20))
        (larder / "other").touch()
    shown, ended = repave("gc"), repave("gc", "--yes")
    assert "would go: 2 uncompressed packages, 2.0 MiB" in shown.out
    assert "went: 2 uncompressed packages, 2.0 MiB" in ended.out
    assert [[path.name for path in larder.iterdir()] for larder in larders] == [["other"], ["other"]]


def test_what_only_spares_time_goes_where_it_is_asked_for(folder: Path, repave: Repave) -> None:
    """It is named without that; what says which layer came of what stays, and the locks of those who work there."""
    state = folder / ".repave"
    spared = [state / "container/boots/one/trees/a", state / "cache/apt/bookworm/lists", state / "cache/pypi/uv"]
    for one in spared:
        one.mkdir(parents=True)
        (one / "big").write_bytes(bytes(1 << 20))
    (state / "container/layers").mkdir()
    (state / "container/layers/one.json").touch()
    told, shown = repave("gc"), repave("gc", "--caches")
    assert "caches beside them hold 3.0 MiB, which only spare time: --caches takes them too" in told.err
    assert "would go: 3 caches, 3.0 MiB" in shown.out
    assert "nothing was removed: the same with --yes does it" in shown.err
    assert all((one / "big").exists() for one in spared)
    ended, after = repave("gc", "--caches", "--yes"), repave("gc", "--json")
    assert "went: 3 caches, 3.0 MiB" in ended.out
    assert not any(one.exists() for one in spared)
    assert json.loads(after.out)["caches_bytes"] == 0
    assert [place.name for place in (state / "container").iterdir() if place.name != "lock"] == ["layers"]


def test_a_full_disk_gets_room(folder: Path, repave: Repave) -> None:
    """Where the store takes nothing more, what is in it still says what is needed."""
    wiring = Wiring(project_file(None, folder))
    (folder / "superfluous").write_bytes(b"superfluous")
    kept = wiring.vault.path(wiring.vault.add(folder / "superfluous"))
    with full_disk():
        ended, looked = repave("gc", "--yes"), repave("status")
    assert (ended.code, looked.code) == (OK, OK)
    assert "went: 1 vault file" in ended.out
    assert not kept.exists()
