"""What every store keeps of zones that a person took out."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from repave.model.names import EnvironmentName, FleetKey, FleetName, ProjectName, ReleaseNumber, RevisionId, ZoneName
from repave.model.target import ZoneOut
from repave.ports.errors import Gone
from repave.ports.intent import Aim
from repave.ports.store import Store

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
FLEET = FleetKey(project=ProjectName("shop"), environment=EnvironmentName("test"), fleet=FleetName("web"))
ZONES = (ZoneName("a"), ZoneName("b"))
AIM = Aim(revision=RevisionId("old"), release=ReleaseNumber(1), size=3, reason="deploy")


def test_a_zone_is_out_until_it_is_brought_back(store: Store) -> None:
    """Each is a change of its own; once more changes the end and the reason only; the same again changes nothing."""
    out = ZoneOut(zone=ZONES[0], since=NOW, reason="power works", until=NOW + timedelta(hours=4))
    with pytest.raises(Gone):
        store.take_out(FLEET, out)
    first = store.aim(FLEET, AIM, NOW)
    taken = store.take_out(FLEET, out)
    assert taken.zones_out == (out,)
    assert taken.generation > first.generation
    longer = replace(out, since=NOW + timedelta(hours=1), until=None, reason="it takes longer")
    again = store.take_out(FLEET, longer)
    assert again.zones_out == (replace(longer, since=NOW),)
    assert store.take_out(FLEET, longer).generation == again.generation
    other = replace(out, zone=ZONES[1])
    store.take_out(FLEET, other)
    back = store.bring_back(FLEET, ZONES[0])
    assert back.zones_out == (other,)
    assert store.bring_back(FLEET, ZONES[0]).generation == back.generation
    assert store.aim(FLEET, replace(AIM, release=ReleaseNumber(2), revision=RevisionId("new")), NOW).zones_out == (
        other,
    )
    store.forget(FLEET)
    assert store.aim(FLEET, AIM, NOW).zones_out == ()
