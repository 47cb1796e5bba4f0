"""What the arbiter of a fleet remembers: its ledger, who fell sick, what a person asked for; every store alike."""

from dataclasses import replace

import pytest
from store_scene import FLEET, NOW, OTHER, ZONE, empty, later

from repave.model.disruption import Disruption, Drawer
from repave.model.names import ReleaseNumber, RevisionId, SlotId
from repave.model.target import Sickness
from repave.ports.errors import Gone
from repave.ports.intent import Aim
from repave.ports.store import Store

AIM = Aim(revision=RevisionId("one"), release=ReleaseNumber(1), size=2, reason="deploy")


def test_healing_stops_and_goes_on(store: Store) -> None:
    """By a plan, or by a person, who is remembered; and who fell sick is, for a day."""
    generation = store.aim(FLEET, AIM, NOW).generation
    sickness = Sickness(slot=SlotId("web-1"), since=NOW)
    generation = store.commit(replace(empty(generation, at=later(1)), healing="stops", sicknesses=(sickness,)))
    target = store.target(FLEET)
    assert target is not None
    assert (target.healing_stopped, target.sicknesses) == (later(1), (sickness,))
    generation = store.commit(replace(empty(generation, at=later(2)), healing="goes on"))
    generation = store.commit(replace(empty(generation, at=later(3)), healing="stops"))
    allowed = store.allow_healing(FLEET, later(4))
    assert (allowed.healing_stopped, allowed.healing_allowed) == (None, later(4))
    assert allowed.generation == generation + 1
    store.commit(empty(allowed.generation, at=later(90_000)))
    target = store.target(FLEET)
    assert target is not None
    assert target.sicknesses == ()
    store.forget(FLEET)
    assert store.aim(FLEET, AIM, later(90_001)).healing_allowed is None
    with pytest.raises(Gone):
        store.allow_healing(OTHER, NOW)


def test_the_ledger_holds_the_last_hour(store: Store) -> None:
    """What a plan was granted, oldest first, each with who drew it; an hour later it is no longer asked for."""
    generation = store.aim(FLEET, AIM, NOW).generation
    entries = [
        Disruption(slot=SlotId(f"web-{number}"), zone=ZONE, drawer=drawer, at=at)
        for number, (drawer, at) in enumerate([(Drawer.HEAL, NOW), (Drawer.ROLLOUT, later(1800))], 1)
    ]
    for entry in entries:
        plan = replace(empty(generation, at=entry.at), disruptions=(entry,))
        generation = store.commit(plan)
    target = store.target(FLEET)
    assert target is not None
    assert target.disruptions == tuple(entries)
    store.commit(empty(generation, at=later(3601)))
    target = store.target(FLEET)
    assert target is not None
    assert target.disruptions == (entries[1],)
