"""What the arbiter of a fleet remembers: its ledger, who fell sick, what a person asked for; every store alike."""

from dataclasses import replace

import pytest
from store_scene import FLEET, NOW, OTHER, ZONE, empty, later

from repave.model.disruption import Disruption, Drawer
from repave.model.names import ReleaseNumber, RevisionId, SlotId
from repave.model.target import Sickness
from repave.model.wishes import Protection, Replacement
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


def test_a_person_protects_and_names_instances(store: Store) -> None:
    """A second protection stands for the first, the first wish for a second; what is over or done is forgotten."""
    store.aim(FLEET, AIM, NOW)
    first = Protection(slot=SlotId("web-1"), since=NOW, until=later(60), reason="a test")
    second = replace(first, until=later(120))
    store.protect(FLEET, first)
    protected = store.protect(FLEET, second)
    assert protected.protections == (second,)
    assert store.protect(FLEET, replace(first, slot=SlotId("web-2"))).protections == (
        second,
        replace(first, slot=SlotId("web-2")),
    )
    before = store.unprotect(FLEET, SlotId("web-2")).generation
    assert store.unprotect(FLEET, SlotId("web-2")).generation == before, "what changes nothing has no generation"
    wish = Replacement(slot=SlotId("web-3"), since=NOW, reason="slow")
    assert store.ask_replacement(FLEET, wish).replacements == (wish,)
    asked = store.ask_replacement(FLEET, replace(wish, reason="very slow"))
    assert asked.replacements == (wish,)
    generation = store.commit(empty(asked.generation, at=later(119)))
    target = store.target(FLEET)
    assert target is not None
    assert (target.protections, target.replacements) == ((second,), (wish,))
    store.commit(replace(empty(generation, at=later(120)), replaced=(wish.slot,)))
    target = store.target(FLEET)
    assert target is not None
    assert (target.protections, target.replacements) == ((), ())
    with pytest.raises(Gone):
        store.protect(OTHER, first)
    with pytest.raises(Gone):
        store.unprotect(OTHER, first.slot)
    with pytest.raises(Gone):
        store.ask_replacement(OTHER, wish)


def test_the_last_word_on_an_instance_counts(store: Store) -> None:
    """Who is protected after all is not to be replaced any more; the others are."""
    store.aim(FLEET, AIM, NOW)
    for slot in ("web-1", "web-2"):
        store.ask_replacement(FLEET, Replacement(slot=SlotId(slot), since=NOW, reason="slow"))
    target = store.protect(FLEET, Protection(slot=SlotId("web-1"), since=NOW, until=later(600), reason="a look"))
    assert [wish.slot for wish in target.replacements] == ["web-2"]
    target = store.ask_replacement(FLEET, Replacement(slot=SlotId("web-1"), since=NOW, reason="slow"))
    assert [wish.slot for wish in target.replacements] == ["web-1", "web-2"]
    assert [known.slot for known in target.protections] == ["web-1"]


def test_a_protection_goes_with_who_was_replaced_all_the_same(store: Store) -> None:
    """The slot is never used again, so nobody could undo it."""
    store.aim(FLEET, AIM, NOW)
    for slot in ("web-1", "web-2"):
        store.protect(FLEET, Protection(slot=SlotId(slot), since=NOW, until=later(600), reason="a test"))
    asked = store.ask_replacement(FLEET, Replacement(slot=SlotId("web-1"), since=NOW, reason="slow"))
    store.commit(replace(empty(asked.generation, at=later(1)), replaced=(SlotId("web-1"),)))
    target = store.target(FLEET)
    assert target is not None
    assert [known.slot for known in target.protections] == ["web-2"]


def test_a_pause_has_its_end_and_its_reason(store: Store) -> None:
    """Said again it ends anew, and began when it began; a plan ends it, or a person."""
    store.aim(FLEET, AIM, NOW)
    store.pause(FLEET, NOW, paused=True, until=later(60), reason="a look")
    paused = store.pause(FLEET, later(9), paused=True, until=later(99), reason="a long look")
    assert (paused.paused_since, paused.paused_until, paused.paused_reason) == (NOW, later(99), "a long look")
    store.commit(replace(empty(paused.generation, at=later(99)), resumes=True))
    over = store.target(FLEET)
    assert over is not None
    assert (over.paused, over.paused_since, over.paused_until, over.paused_reason) == (False, None, None, "")
    store.pause(FLEET, later(100), paused=True, until=later(200))
    resumed = store.pause(FLEET, later(101), paused=False)
    assert (resumed.paused, resumed.paused_since, resumed.paused_until) == (False, None, None)
