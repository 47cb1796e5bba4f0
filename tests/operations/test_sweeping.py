"""Collecting garbage: shown first, and never what something needs."""

from collections.abc import Iterable
from pathlib import Path

import pytest
from simulated_shop import QUIET, Shop

from repave.operations.gc import Beside, Sweeping
from repave.operations.locking import Asked
from repave.ports.errors import NoCapacity
from repave.ports.pinner import Refresh
from repave.scratch.cached import CachedFolder


def sweeping(shop: Shop, *, uncompressed: Iterable[tuple[str, Path]] = ()) -> Sweeping:
    """As the verb makes it."""
    return Sweeping(
        store=shop.store,
        vault=shop.vault,
        registry=shop.registry,
        machines=(shop.machines,),
        present=shop.locked.present(),
        beside=Beside(uncompressed=laid_out, caches={"packages": CachedFolder(folder=laid_out[0][1].parent)})
        if (laid_out := tuple(uncompressed))
        else None,
    )


def releases(shop: Shop, count: int) -> None:
    """Each with another openssl and another application."""
    for number in range(count):
        shop.pinner.archive["openssl"] = f"3.0.{number}"
        (shop.folder / "app" / "app.py").write_text(f"{number}\n", encoding="utf-8")
        shop.lock(Asked(refresh=Refresh.UPGRADE))
        shop.bake()


def test_what_runs_is_kept_however_old_it_is(shop: Shop) -> None:
    """Its blobs, its files, and the way back to it."""
    releases(shop, 1)
    shop.deploy("test")
    releases(shop, 4)
    swept = sweeping(shop).sweep(1, remove=True)
    reasons = {kept.name: kept.reason for kept in swept.kept}
    assert set(reasons) == {"repave.lock", "r1", "r4"}
    assert reasons["r1"] == "runs in test"
    assert {waste.kind for waste in swept.waste} == {"vault file", "blob", "tag", "document"}
    for number in (1, 4):
        lock = shop.store.lock(shop.store.releases()[number - 1].lock)
        for package in lock.packages:
            shop.vault.verify(package.sha256)
    assert shop.deploy("test", 1).as_asked
    assert shop.deploy("test", 4).as_asked


def test_without_being_asked_nothing_is_removed(shop: Shop) -> None:
    """It shows, and a second look shows the same."""
    releases(shop, 3)
    first = sweeping(shop).sweep(1, remove=False)
    assert first.waste
    assert sweeping(shop).sweep(1, remove=False).waste == first.waste
    assert sweeping(shop).sweep(1, remove=True).waste == first.waste
    assert sweeping(shop).sweep(1, remove=True).waste == ()


def test_the_present_lock_is_kept_though_nothing_was_baked(shop: Shop) -> None:
    """Its files were just fetched."""
    shop.lock()
    assert sweeping(shop).sweep(0, remove=True).waste == ()
    assert shop.locking.propose(Asked(), QUIET).changed is False


def test_what_stays_is_told_with_its_reason_and_size(shop: Shop) -> None:
    """By what needs it; and what stays and what goes are together all there is."""
    releases(shop, 3)
    here = sum(size for _, size in (*shop.vault.entries(), *shop.registry.blobs()))
    swept = sweeping(shop).sweep(1, remove=True)
    assert [(kept.name, kept.reason) for kept in swept.kept] == [
        ("repave.lock", "the lock in this folder"),
        ("r3", "among the newest 1"),
    ]
    present = shop.locked.present()
    assert present is not None
    newest = swept.kept[-1]
    packages = {package.sha256 for package in present.packages}
    assert newest.vault_files == len(packages | {file.sha256 for file in present.files})
    assert newest.blobs == len(list(shop.registry.blobs()))
    assert swept.stays_bytes == newest.size_bytes
    assert swept.stays_bytes + swept.size_bytes == here


def test_packages_that_bakes_laid_out_stay_as_long_as_what_they_are_made_of(shop: Shop, tmp_path: Path) -> None:
    """Of what is needed they spare a bake some work; the others go with their file of the vault, and are counted."""
    releases(shop, 3)
    names = [sha256 for sha256, _ in shop.vault.entries()]
    larder = tmp_path / "larder"
    larder.mkdir()
    for name in names:
        (larder / name).write_bytes(bytes(1000))
    before = sweeping(shop).sweep(1, remove=False)
    files = {waste.name for waste in before.waste if waste.kind == "vault file"}
    assert files
    laid_out = [(name, larder / name) for name in names]
    swept = sweeping(shop, uncompressed=laid_out).sweep(1, remove=True)
    gone = {waste.name: waste.size_bytes for waste in swept.waste if waste.kind == "uncompressed package"}
    assert gone == {str(larder / name): 1000 for name in files}
    assert {path.name for path in larder.iterdir()} == set(names) - files
    assert (swept.stays_bytes, swept.caches_bytes) == (before.stays_bytes, 1000 * (len(names) - len(files)))
    assert sweeping(shop, uncompressed=laid_out).sweep(1, remove=True).waste == ()


def test_a_disk_without_room_for_a_shorter_list_of_names_gets_it(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """The files of the vault go first, and names that cannot be written yet after the blobs: nothing stays."""
    releases(shop, 3)
    before, untag = len(list(shop.registry.blobs())), shop.registry.untag
    files = len(list(shop.vault.entries()))
    refused: list[str] = []

    def full(name: str) -> None:
        assert len(list(shop.vault.entries())) < files
        if len(list(shop.registry.blobs())) == before:
            refused.append(name)
            raise NoCapacity("no room left on the disk of the registry")
        untag(name)

    monkeypatch.setattr(shop.registry, "untag", full)
    sweeping(shop).sweep(1, remove=True)
    assert refused
    assert sweeping(shop).sweep(1, remove=True).waste == ()


def test_a_disk_that_gets_no_room_at_all_is_told(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """What else could go has gone."""
    releases(shop, 3)

    def full(name: str) -> None:
        raise NoCapacity(f"no room left on the disk of the registry for all but {name}")

    monkeypatch.setattr(shop.registry, "untag", full)
    with pytest.raises(NoCapacity, match="no room left"):
        sweeping(shop).sweep(1, remove=True)
    assert {waste.kind for waste in sweeping(shop).sweep(1, remove=False).waste} == {"tag"}
