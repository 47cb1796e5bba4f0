"""The record in the store: a chain that begins with the first event, written together with what it tells."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, text
from store_scene import FLEET, LOCK, NEW, NOW, OLD, WEB, empty, instance, later, launch, seen

from repave.model.chain import ORIGIN, chained
from repave.model.event import Event
from repave.model.names import FleetKey
from repave.ports.errors import Conflict
from repave.ports.intent import Aim
from repave.ports.store import Store
from repave.store.sql import SqlStore
from repave.store.upgrade import FOLDER

AIM = Aim(revision=OLD.id, release=OLD.release, size=2, reason="deploy")

OLD_EVENT = (
    "INSERT INTO events (sequence, at, fleet, kind, slot, message) VALUES ({}, '{}', 'shop/test/web', 'note', '', '{}')"
)


def note(
    message: str = "",
    *,
    at: datetime = NOW,
    fleet: FleetKey | None = None,
    by: str = "",
    details: Mapping[str, object] | None = None,
) -> Event:
    """Something that happened."""
    return Event(at=at, kind="note", message=message, fleet=fleet, by=by, details=details or {})


def test_every_event_is_chained_to_the_one_before(store: Store) -> None:
    """Whoever reads the events can make the same hashes again, whatever their moments' zone was."""
    elsewhere = NOW.astimezone(timezone(timedelta(hours=5, minutes=30)))
    store.record([note("first", fleet=FLEET), note("second", at=elsewhere, details={"b": [1, True, None], "a": "ž"})])
    store.record([note("third", by="alice")])
    found = store.recorded()
    assert [one.event.sequence for one in found] == [1, 2, 3]
    assert found == tuple(chained([one.event for one in found], ORIGIN))
    assert len({one.hash for one in found}) == 3
    assert store.recorded(after=1, limit=1) == found[1:2]
    assert found[1].event.at == NOW
    assert found[1].event.details == {"a": "ž", "b": [1, True, None]}


def test_words_with_nul_characters_are_kept_in_every_database(url: str) -> None:
    """In the record, whose hashes cover what is kept, and in what a fleet remembers; details keep even them."""
    store = SqlStore(url)
    store.aim(FLEET, replace(AIM, reason="as \0asked"), at=NOW)
    store.pause(FLEET, NOW, paused=True, reason="a \0 look")
    store.record([note("its log ends: \0\0", details={"tail": "a\0b"})])
    found = store.recorded()
    assert found[-1].event.message == "its log ends: \N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}"
    assert found[-1].event.details == {"tail": "a\0b"}
    assert found == tuple(chained([one.event for one in found], ORIGIN))
    kept = store.target(FLEET)
    assert kept is not None
    assert kept.paused_reason == "a \N{REPLACEMENT CHARACTER} look"
    store.close()


def test_what_has_no_message_is_recorded_and_not_told(store: Store) -> None:
    """The story is for people; both count the same numbers."""
    store.record([note(details={"steps": 3}), note("told")])
    assert [event.sequence for event in store.events()] == [2]
    assert [one.event.sequence for one in store.recorded()] == [1, 2]
    assert store.newest_event() == 2


@pytest.mark.parametrize("value", [0.5, b"bytes", {"inner": [{1.5}]}])
def test_what_is_written_in_more_than_one_way_is_refused(value: object) -> None:
    """Its hash could not be made again by everybody; it never becomes an event."""
    with pytest.raises(ValueError, match="the record cannot hold"):
        note(details={"value": value})


def test_who_caused_it_is_kept(url: str) -> None:
    """Whoever opened the store, unless the event says another."""
    store = SqlStore(url, by="alice@laptop")
    store.record([note("a"), note("b", by="key sha256:12")])
    found = [one.event.by for one in store.recorded()]
    store.close()
    assert found == ["alice@laptop", "key sha256:12"]


def test_together_means_all_or_nothing(url: str) -> None:
    """A failure takes back what was written and what was recorded of it; what is written within is seen within."""
    store = SqlStore(url)
    with store.together():
        generation = store.aim(FLEET, AIM, NOW).generation
        store.record([note("wanted", fleet=FLEET)])
        assert [event.message for event in store.events()] == ["wanted"]
    with pytest.raises(Conflict), store.together():  # noqa: PT012 - the failure comes after what it takes back
        store.record([note("planned", fleet=FLEET)])
        with store.together():
            store.pause(FLEET, later(1), paused=True)
        store.commit(empty(generation + 7))
    target, story = store.target(FLEET), store.events()
    store.record([note("later", fleet=FLEET)])
    numbers = [one.event.sequence for one in store.recorded()]
    store.close()
    assert target is not None
    assert (target.paused, target.generation) == (False, generation)
    assert [event.message for event in story] == ["wanted"]
    assert numbers == [1, 2]


def test_events_from_before_are_chained_as_they_are_found(empty_url: str) -> None:
    """A store of the schema before goes on with one chain."""
    engine = create_engine(empty_url)
    configuration = Config()
    configuration.set_main_option("script_location", str(FOLDER))
    with engine.begin() as connection:
        configuration.attributes["connection"] = connection
        command.upgrade(configuration, "0012")
        for number in (1, 2):
            at = f"2026-03-01 12:00:0{number}.123456"
            connection.execute(text(OLD_EVENT.format(number, at.replace(":", "\\:"), f"old {number}")))
        connection.execute(text("UPDATE counters SET value = 2 WHERE name = 'event'"))
    engine.dispose()
    store = SqlStore(empty_url)
    store.record([note("new")])
    found = store.recorded()
    store.close()
    assert [(one.event.message, one.event.at) for one in found] == [
        ("old 1", later(1)),
        ("old 2", later(2)),
        ("new", NOW),
    ]
    assert found == tuple(chained([one.event for one in found], ORIGIN))


def test_a_change_behind_our_back_breaks_the_chain(url: str) -> None:
    """The hash that was kept is no longer the one of what stands there."""
    store = SqlStore(url)
    store.record([note("one"), note("two"), note("three")])
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE events SET message = 'another' WHERE sequence = 2"))
    engine.dispose()
    found = store.recorded()
    store.close()
    again = tuple(chained([one.event for one in found], ORIGIN))
    assert [kept.hash == made.hash for kept, made in zip(found, again, strict=True)] == [True, False, False]


def test_a_committed_plan_is_on_record(store: Store) -> None:
    """With what it orders; a plan that lost the race is not."""
    generation = store.aim(FLEET, AIM, NOW).generation
    store.commit(replace(empty(generation, later(1)), steps=(launch("1"),), stop="two failed"))
    with pytest.raises(Conflict):
        store.commit(empty(generation))
    (planned,) = (one.event for one in store.recorded())
    assert (planned.kind, planned.at, planned.fleet, planned.message) == ("plan", later(1), FLEET, "")
    assert planned.details["generation"] == generation + 1
    assert planned.details["stopped"] == "two failed"
    assert planned.details["steps"] == [{"do": "launch", "slot": "1", "reason": "wanted"}]


def test_what_was_seen_to_run_is_on_record(store: Store) -> None:
    """Promise 15: from first sight to a complete list without it, by artifact; what no record explains comes first."""
    store.add_revision(FLEET, OLD)
    store.see(seen(NOW, "i-1"))
    store.see(seen(later(1), "i-1"))
    foreign = instance("i-0", NEW)
    listed = seen(later(2), "i-1")
    machines = replace(listed.machines, instances=(*listed.machines.instances, instance("i-2"), foreign))
    store.see(replace(listed, machines=machines))
    store.see(seen(later(3), "i-1", incomplete="throttled"))
    store.see(seen(later(4), "i-1"))
    store.see(seen(later(5), "i-1", "i-2"))
    details: list[tuple[datetime, Any]] = [(one.event.at, one.event.details) for one in store.recorded()]
    told = [
        (at, [(each["instance"], each["artifact"]) for each in said["began"]], said["ended"]) for at, said in details
    ]
    assert told == [
        (NOW, [("i-1", OLD.artifact)], []),
        (later(2), [("i-0", None), ("i-2", OLD.artifact)], []),
        (later(4), [], ["i-0", "i-2"]),
        (later(5), [("i-2", OLD.artifact)], []),
    ]


def test_a_release_is_on_record(store: Store) -> None:
    """Once, with the digest of every artifact."""
    for _ in range(2):
        store.add_release({WEB: OLD.artifact}, LOCK, "git:1", NOW)
    (released,) = (one.event for one in store.recorded())
    assert (released.kind, released.fleet) == ("release", None)
    assert released.details == {"release": 1, "lock": LOCK, "artifacts": {"web": OLD.artifact}, "source": "git:1"}
