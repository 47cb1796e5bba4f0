"""A fleet whose size is a range, deployed, looked at, rolled out again and destroyed over a simulated world."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from simulated_shop import FILE, Shop

from repave.config.policies import environment_named
from repave.model.names import FleetKey
from repave.operations.preview import preview
from repave.operations.status import FleetStatus, fleet_statuses
from repave.ports.progress import Silent

SCALE = "    scale: {requests_per_instance: 10, cool_down: 0s, in_after: 1m, window: 12s}\n"


@pytest.fixture
def ranged(tmp_path: Path) -> Iterator[Shop]:
    """`web` of `test`, between two and six; of `prod` four, whatever comes."""
    text = FILE.replace("    port: 8080\n", f"    port: 8080\n{SCALE}").replace("{size: 3}", "{size: 2..6}")
    made = Shop(tmp_path, text)
    made.change_application("one\n")
    made.bake()
    yield made
    made.close()


def key(shop: Shop) -> FleetKey:
    """The fleet that is moved."""
    [found] = shop.keys("test")
    return found


def load(shop: Shop, rate: float) -> None:
    """So many requests a second, from now on."""
    shop.world.load[key(shop)] = lambda _: rate


def follow(shop: Shop, rate: float) -> None:
    """Deploy, and look again once the load has been there for a while: a deploy waits for no metrics."""
    load(shop, rate)
    shop.deploy("test")
    shop.clock.sleep(12)
    shop.deploy("test")


def status(shop: Shop) -> FleetStatus:
    """As `repave status` shows it."""
    [found] = [one for one in fleet_statuses(shop.store) if one.environment == "test"]
    return found


def test_a_deploy_keeps_the_size_that_the_load_asked_for(ranged: Shop) -> None:
    """The first one begins at the lower end, and the load moves it; the next one does not fall back to the end."""
    load(ranged, 48)
    first = ranged.deploy("test")
    assert [(fleet.result, fleet.serving, fleet.size) for fleet in first.fleets] == [("deployed", 2, 2)]
    follow(ranged, 48)
    assert "5 are wanted instead of 2: requests_per_instance is 24 of 10" in [
        event.message for event in ranged.store.events(limit=1000) if event.kind == "resize"
    ]
    ranged.change_application("two\n")
    second = ranged.bake().release
    least = []
    ranged.deploy("test", second.number, watcher=lambda _, seen: least.append(len(seen.machines.instances)))
    assert min(least) == 5
    assert status(ranged).releases == {"r2": 5}


def test_the_status_says_within_which_range_and_why(ranged: Shop) -> None:
    """The range, each metric beside its target, and what last changed the size."""
    follow(ranged, 48)
    sizing = status(ranged).sizing
    assert sizing is not None
    assert (status(ranged).size, sizing.lowest, sizing.highest) == (5, 2, 6)
    assert sizing.reason == "requests_per_instance is 24 of 10"
    assert sizing.changed_at is not None
    [measured] = sizing.measured
    assert measured.startswith("requests_per_instance is ")


def test_a_preview_shows_the_size_of_now_and_its_range(ranged: Shop) -> None:
    """A deploy takes over the size that metrics have chosen; a fixed one has no range."""
    follow(ranged, 48)
    ranged.change_application("two\n")
    release = ranged.bake().release
    [shown] = preview(ranged.project, ranged.environment("test"), release, ranged.store, ranged.clock, Silent())
    assert (shown.size, shown.sizes, shown.replaces, shown.rehearsal.least_serving) == (5, "2..6", 5, 5)
    [fixed] = preview(ranged.project, ranged.environment("prod"), release, ranged.store, ranged.clock, Silent())
    assert (fixed.size, fixed.sizes) == (4, "")


def test_a_fixed_size_follows_no_load(ranged: Shop) -> None:
    """The same fleet in an environment that gives it one number."""
    [prod] = ranged.keys("prod")
    ranged.world.load[prod] = lambda _: 500.0
    ranged.deploy("prod")
    assert {one.environment: (one.size, one.sizing) for one in fleet_statuses(ranged.store)} == {"prod": (4, None)}


def test_a_fleet_that_is_destroyed_is_not_brought_back_by_its_range(ranged: Shop) -> None:
    """Nobody is wanted, and the lower end of the range has no say."""
    follow(ranged, 48)
    ranged.destroying.destroy(ranged.keys("test"), lambda *_: None)
    assert not ranged.world.living(key(ranged))
    assert environment_named(ranged.project, "test").fleets[key(ranged).fleet].highest == 6
