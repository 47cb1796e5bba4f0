"""A person takes a zone out, and brings it back."""

from datetime import timedelta

import pytest
from simulated_shop import Shop

from repave.config.errors import UnknownName
from repave.model.names import ZoneName
from repave.model.target import ZoneOut
from repave.operations.converge import unwatched
from repave.operations.errors import Refused
from repave.operations.zones import bring_back, known_zone, take_out, zones_out


def out(shop: Shop, zone: str) -> ZoneOut:
    """From now on, for an hour."""
    now = shop.clock.now()
    return ZoneOut(zone=ZoneName(zone), since=now, until=now + timedelta(hours=1), reason="power works")


@pytest.fixture
def running(shop: Shop) -> Shop:
    """One that runs in two zones."""
    shop.change_application("print('hello')\n")
    shop.bake()
    shop.deploy("prod")
    return shop


def where(shop: Shop) -> set[str]:
    """The zones its web fleet runs in."""
    return {machine.zone for machine in shop.world.living(shop.keys("prod")[0])}


def test_a_fleet_moves_out_of_a_zone_and_back(running: Shop) -> None:
    """What was wanted and why is listed and remembered."""
    environment, fleets = running.environment("prod"), running.keys("prod")
    zones = set(environment.zones)
    gone = environment.zones[0]
    take_out(running.store, environment, fleets, out(running, gone))
    running.converge(fleets, watcher=unwatched)
    assert where(running) == zones - {gone}
    [status] = zones_out(running.store, running.clock.now())
    assert (status.zone, status.reason) == (gone, "power works")
    bring_back(running.store, environment, fleets, gone, running.clock.now())
    running.converge(fleets, watcher=unwatched)
    assert where(running) == zones
    assert not zones_out(running.store, running.clock.now())
    kinds = [event.kind for event in running.store.events(fleets[0])]
    assert kinds.count("zone-out") == kinds.count("zone-in") == 1


def test_the_last_zone_stays(running: Shop) -> None:
    """Nothing could run anywhere: refused before anything is written."""
    environment, fleets = running.environment("prod"), running.keys("prod")
    *others, last = environment.zones
    for zone in others:
        take_out(running.store, environment, fleets, out(running, zone))
    with pytest.raises(Refused, match="is the last zone of shop/prod/web that is not out"):
        take_out(running.store, environment, fleets, out(running, last))
    assert len(zones_out(running.store, running.clock.now())) == len(others)


def test_a_wrong_zone_is_told_with_the_nearest(shop: Shop) -> None:
    """And what there is."""
    with pytest.raises(UnknownName) as refused:
        known_zone(shop.environment("prod"), "bb")
    assert refused.value.message == "prod has no zone `bb`; expected a or b"
    assert refused.value.hint == "did you mean `b`?"


def test_what_was_never_deployed_or_never_out_is_refused(shop: Shop) -> None:
    """Each says what to do."""
    environment, fleets = shop.environment("prod"), shop.keys("prod")
    with pytest.raises(Refused, match="prod was never deployed"):
        take_out(shop.store, environment, fleets, out(shop, environment.zones[0]))
    shop.change_application("print('hello')\n")
    shop.bake()
    shop.deploy("prod")
    with pytest.raises(Refused, match="zone a of prod is not out"):
        bring_back(shop.store, environment, fleets, ZoneName("a"), shop.clock.now())
