"""A store that is gone, or is set back to a copy of before, while the fleet goes on."""

import shutil
from pathlib import Path

import pytest
from kept_store import new_store
from simulated_shop import Shop

from repave.operations.converge import unwatched

SOON_SECONDS = 60.0
"""A roll-out of three takes less; one that is refused until it has counted up takes many minutes."""


@pytest.fixture
def deployed(shop: Shop) -> Shop:
    """The shop with its second release deployed, after many changes."""
    for page in range(2):
        shop.change_application(f"print({page})\n")
        shop.bake()
        assert shop.deploy("test").as_asked
    return shop


def release_again(shop: Shop) -> None:
    """Another release arrives, soon and whole, and nothing of what ran before is left."""
    shop.change_application("print('again')\n")
    shop.bake()
    result = shop.deploy("test")
    assert result.as_asked
    assert result.seconds < SOON_SECONDS
    (key,) = shop.keys("test")
    target = shop.store.target(key)
    assert target is not None
    assert {machine.revision.id for machine in shop.world.living(key)} == {target.revision}


def lose(shop: Shop) -> None:
    """Begin with a new store beside the fleet that runs."""
    shop.store.close()
    shop.store = new_store(shop.folder / "another.db")


def test_a_fleet_is_taken_over_by_a_new_store(deployed: Shop) -> None:
    """What it runs is known to nobody: it serves until its successors do, and nobody would return to it."""
    lose(deployed)
    release_again(deployed)


def test_a_fleet_that_a_new_store_has_destroyed_can_be_deployed(deployed: Shop) -> None:
    """Its instances are found by their tags; the end of what nobody asked for does not lock the fleet."""
    lose(deployed)
    (key,) = deployed.keys("test")
    assert [ended.ended for ended in deployed.destroying.destroy((key,), unwatched)] == [3]
    assert not deployed.world.living(key)
    release_again(deployed)


def test_a_fleet_is_taken_over_by_a_copy_of_before(shop: Shop, tmp_path: Path) -> None:
    """The copy knows the first release; the second runs, by orders newer than any that the copy gave."""
    shop.change_application("print('first')\n")
    shop.bake()
    assert shop.deploy("test").as_asked
    shop.store.close()
    copies = {path: tmp_path / path.name for path in shop.folder.glob("store.db*")}
    for path, copy in copies.items():
        shutil.copy(path, copy)
    shop.store = new_store(shop.folder / "store.db")
    shop.change_application("print('second')\n")
    shop.bake()
    assert shop.deploy("test").as_asked
    shop.store.close()
    for path in shop.folder.glob("store.db*"):
        path.unlink()
    for path, copy in copies.items():
        shutil.copy(copy, path)
    shop.store = new_store(shop.folder / "store.db")
    release_again(shop)
