"""The lock: resolved first, written last, and never half."""

import os
from collections.abc import Callable
from fcntl import flock
from pathlib import Path
from threading import Event, Thread, current_thread

import pytest
from simulated_shop import QUIET, Shop

from repave.config.lockfile import dump_lock
from repave.operations import rewriting
from repave.operations.errors import Refused
from repave.operations.locking import Asked
from repave.ports.errors import WorldError
from repave.ports.pinner import Refresh


def versions(shop: Shop) -> dict[str, str]:
    """As the lock in the folder has them."""
    lock = shop.locked.present()
    assert lock is not None
    return {package.name: package.version for package in lock.packages}


def test_a_lock_brings_every_byte_into_the_vault(shop: Shop) -> None:
    """Everything that is locked is kept, verified."""
    lock = shop.lock()
    for sha256 in (*(package.sha256 for package in lock.packages), *(file.sha256 for file in lock.files)):
        shop.vault.verify(sha256)


def test_pins_stay_where_they_are_until_told_otherwise(shop: Shop) -> None:
    """A newer version upstream changes nothing by itself."""
    shop.lock()
    shop.pinner.archive["openssl"] = "3.0.22"
    shop.lock()
    assert versions(shop)["openssl"] == "3.0.20"
    proposal = shop.locking.propose(Asked(refresh=Refresh.UPGRADE), QUIET)
    assert [change.package.version for change in proposal.difference.changed] == ["3.0.22"]
    assert versions(shop)["openssl"] == "3.0.20"


def test_a_file_that_cannot_be_fetched_leaves_the_old_lock(shop: Shop) -> None:
    """Promise 14's other half: nothing half-written, whatever is missing."""
    before = dump_lock(shop.lock())
    shop.pinner.archive["openssl"] = "3.0.22"
    proposal = shop.locking.propose(Asked(refresh=Refresh.UPGRADE), QUIET)
    (shop.folder / "archive" / "openssl_3.0.22.deb").write_bytes(b"something else")
    with pytest.raises(WorldError, match="openssl"):
        shop.locking.write(proposal, QUIET)
    assert shop.locked.path.read_text(encoding="utf-8") == before
    assert [path.name for path in shop.folder.glob(".repave.lock*")] == []


def test_files_that_are_written_together_are_finished_by_the_next_unless_somebody_changed_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed before the first, after it, and after the last; a journal that cannot be read is refused."""
    new = {"package-lock.json": "new", "repave.lock": "new lock"}
    both = rewriting.Rewriting(tmp_path)
    for moves, changed, expected in (
        (1, "", ["old", "old lock"]),
        (2, "", ["new", "new lock"]),
        (2, "package-lock.json", ["mine", "old lock"]),
        (2, "repave.lock", ["new", "mine"]),
        (3, "", ["new", "new lock"]),
    ):
        (tmp_path / "package-lock.json").write_text("old", encoding="utf-8")
        (tmp_path / "repave.lock").write_text("old lock", encoding="utf-8")
        with monkeypatch.context() as patched:
            patched.setattr(rewriting, "replace_file", killed_after(moves, rewriting.replace_file))
            patched.setattr(Path, "unlink", killed_after(0, Path.unlink))
            with pytest.raises(KeyboardInterrupt):
                both.write(new)
        (tmp_path / ".package-lock.json-ab12_xyz").write_text("half", encoding="utf-8")
        if changed:
            (tmp_path / changed).write_text("mine", encoding="utf-8")
        rewriting.Rewriting(tmp_path).go_on()
        assert [(tmp_path / name).read_text(encoding="utf-8") for name in new] == expected
        assert not (tmp_path / rewriting.JOURNAL).exists()
        assert {path.name for path in tmp_path.iterdir()} == {*new, ".repave"}
        both.go_on()
    (tmp_path / rewriting.JOURNAL).write_text('[{"path": 1}]', encoding="utf-8")
    with pytest.raises(Refused, match=r"writing\.json, which says how a lock was being written, cannot be read"):
        both.go_on()


def test_what_is_being_written_is_left_to_who_writes_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process that would finish it waits, and then finds nothing left to do."""
    reached, sync = Event(), os.fsync

    def going_on() -> None:
        rewriting.Rewriting(tmp_path).go_on()
        reached.set()

    other = Thread(target=going_on)

    def waiting(folder: int, how: int) -> None:
        if current_thread() is other:
            reached.set()
        flock(folder, how)

    def synced(file: int) -> None:
        sync(file)
        if (tmp_path / rewriting.JOURNAL).exists() and not other.ident:
            other.start()
            reached.wait()

    (tmp_path / "repave.lock").write_text("old", encoding="utf-8")
    monkeypatch.setattr(rewriting, "flock", waiting)
    monkeypatch.setattr(os, "fsync", synced)
    rewriting.Rewriting(tmp_path).write({"repave.lock": "new"})
    other.join()
    assert (tmp_path / "repave.lock").read_text(encoding="utf-8") == "new"
    assert {path.name for path in tmp_path.rglob("*")} == {"repave.lock", ".repave"}


def killed_after(times: int, deed: Callable[..., None]) -> Callable[..., None]:
    """Does it so often, and is killed then."""
    left = iter(range(times))

    def done(*arguments: object) -> None:
        if next(left, None) is None:
            raise KeyboardInterrupt
        deed(*arguments)

    return done


def test_a_changed_file_and_a_changed_recipe_are_both_drift(shop: Shop) -> None:
    """Each is told in a sentence, without any network."""
    lock = shop.lock()
    assert shop.locked.drift(lock) == ()
    (shop.folder / "app" / "app.py").write_text("print('changed')\n", encoding="utf-8")
    (shop.folder / "app" / "new.py").write_text("", encoding="utf-8")
    shop.pinner.archive.clear()
    assert shop.locked.drift(lock) == (
        "`app/app.py` has changed since it was locked",
        "`app/new.py` is not locked",
    )
    with pytest.raises(Refused, match="does not match"):
        shop.locked.matching()


@pytest.mark.parametrize(
    ("edit", "told"),
    [
        (lambda app: (app / "app.py").write_text("print('changed')\n"), "`app/app.py` has changed since it was locked"),
        (lambda app: (app / "new.py").touch(), "`app/new.py` is not locked"),
        (lambda app: (app / "app.py").unlink(), "`app/app.py` is locked, but not there any more"),
    ],
)
def test_what_was_edited_since_is_found_by_its_time(shop: Shop, edit: Callable[[Path], object], told: str) -> None:
    """A file that came or went makes its folder younger; what is younger and the same is no edit."""
    lock, app = shop.lock(), shop.folder / "app"
    assert shop.locked.edited(lock) == ()
    locked_at = shop.locked.path.stat().st_mtime
    os.utime(app / "app.py", (locked_at + 1, locked_at + 1))
    assert shop.locked.edited(lock) == ()
    edit(app)
    for place in (app, *app.iterdir()):
        os.utime(place, (locked_at + 1, locked_at + 1))
    assert shop.locked.edited(lock) == (told,)


def test_no_lock_is_refused_with_the_way_to_one(shop: Shop) -> None:
    """The hint names the verb."""
    with pytest.raises(Refused) as refused:
        shop.bake()
    assert "repave lock" in refused.value.hint
