"""What every store keeps of what was: sightings, lifetimes and events, whatever it is made of."""

from dataclasses import replace

from store_scene import FLEET, LOCK, NEW, NOW, OLD, OTHER, WEB, ZONE, empty, later, launch, seen

from repave.model.event import Event
from repave.model.names import Digest, InstanceId, SlotId
from repave.model.observation import TrafficState
from repave.model.plan import Hold, Phase, Plan, Rule
from repave.model.target import Order
from repave.ports.history import lived
from repave.ports.store import Store


def test_the_newest_observation_and_plan_are_kept(store: Store) -> None:
    """One that comes late does not replace a newer one."""
    assert store.last_seen(FLEET) is None
    assert store.last_plan(FLEET) is None
    newest = seen(later(2), "i-1", serving=("i-1",), incomplete="page 2 was throttled")
    store.see(newest)
    store.see(seen(NOW))
    assert store.last_seen(FLEET) == newest
    hold = Hold(subject="web-1", rule=Rule.STARTING, detail="12 s of 60 s", since=NOW, until=later(60))
    plan = Plan(
        fleet=FLEET,
        parent=3,
        at=later(2),
        phase=Phase.ROLLING,
        summary="1 of 2",
        steps=(launch("1"),),
        holds=(hold,),
        wake_at=later(60),
    )
    store.keep_plan(plan)
    store.keep_plan(empty(2))
    assert store.last_plan(FLEET) == plan


def test_a_lifetime_runs_from_first_sight_to_a_complete_list_without_it(store: Store) -> None:
    """A partial list ends nothing."""
    store.see(seen(NOW, "i-1"))
    store.see(seen(later(1), "i-1", "i-2", serving=("i-1",)))
    store.see(seen(later(2), "i-2", serving=("i-2",), incomplete="throttled"))
    first, second = store.lifetimes(FLEET)
    assert (first.instance, first.first_seen, first.last_seen, first.served_from, first.gone_at) == (
        "i-1",
        NOW,
        later(1),
        later(1),
        None,
    )
    assert (second.first_seen, second.last_seen, second.served_from) == (later(1), later(2), later(2))
    store.see(seen(later(3), "i-2", serving=("i-2",)))
    ended, lives = store.lifetimes(FLEET)
    assert (ended.gone_at, ended.last_seen) == (later(3), later(1))
    assert (lives.gone_at, lives.served_from) == (None, later(2))
    assert store.lifetimes(living=True) == (lives,)
    assert store.lifetimes(OTHER) == ()


def test_lifetimes_are_asked_for_by_a_time(store: Store) -> None:
    """Whoever was gone by its beginning is left out, and whoever was first seen at its end or later."""
    for number, names in enumerate((("i-1",), ("i-1", "i-2"), ("i-2",), ("i-2", "i-3"))):
        store.see(seen(later(number), *names))

    def there(since: float, until: float) -> list[str]:
        return [one.instance for one in store.lifetimes(since=later(since), until=later(until))]

    assert there(0, 9) == ["i-1", "i-2", "i-3"]
    assert there(1.5, 3) == ["i-1", "i-2"]
    assert there(2, 3.5) == ["i-2", "i-3"]
    assert there(-9, 1) == ["i-1"]
    assert there(-9, 0) == []


def test_a_lifetime_holds_how_long_its_parts_took(store: Store) -> None:
    """Launched by the provider's word; found well, standing by or not, and leaving, as the balancer showed it first."""
    store.see(seen(later(1), "i-1", states={"i-1": TrafficState.CHECKING}))
    store.see(seen(later(3), "i-1", states={"i-1": TrafficState.READY}))
    store.see(seen(later(5), "i-1", states={"i-1": TrafficState.SERVING}))
    store.see(seen(later(7), "i-1", states={"i-1": TrafficState.DRAINING}))
    store.see(seen(later(8), "i-1", states={"i-1": TrafficState.DRAINED}))
    store.see(seen(later(9)))
    (lived,) = store.lifetimes(FLEET)
    told = (lived.launched_at, lived.healthy_from, lived.served_from, lived.leaving_from, lived.gone_at)
    assert told == (NOW, later(3), later(5), later(7), later(9))


def test_a_launch_counts_from_its_order(store: Store) -> None:
    """The call to the provider is a part of it, and so its clock says nothing; later orders change nothing."""
    ordered = Order(slot=SlotId("slot-i-1"), revision=OLD.id, zone=ZONE, ordered_at=later(-4))
    store.see(seen(later(1), "i-1", "i-2"), (ordered,))
    store.see(seen(later(2), "i-1", "i-2"), (replace(ordered, ordered_at=later(1)),))
    assert [lived.launched_at for lived in store.lifetimes(FLEET)] == [later(-4), NOW]


def test_an_observation_that_comes_late_ends_no_lifetime(store: Store) -> None:
    """Two controllers may tell what they saw in the wrong order."""
    store.see(seen(later(5), "i-1"))
    store.see(seen(later(4)))
    (lives,) = store.lifetimes(FLEET)
    assert lives.gone_at is None


def test_what_a_clock_that_was_ahead_has_dated_is_replaced(store: Store) -> None:
    """What is true now is kept from the first look of a right clock; no lifetime ends, or serves, before it began."""
    store.add_release({WEB: Digest("sha256:1")}, LOCK, "source", NOW)
    day = 86_400.0
    store.see(seen(NOW, "i-0", serving=("i-0",)))
    ordered = Order(slot=SlotId("slot-i-1"), revision=OLD.id, zone=ZONE, ordered_at=later(day - 3))
    store.see(seen(later(day), "i-0", "i-1", "i-2", serving=("i-1",)), (ordered,))
    store.see(seen(later(day + 1), "i-1", "i-2", states={"i-1": TrafficState.DRAINING}))
    store.keep_plan(empty(1, later(day)))
    for seconds in (60, 120):
        store.see(seen(later(seconds), "i-2", "i-3"))
        store.keep_plan(empty(2, later(seconds)))
    newest, plan = store.last_seen(FLEET), store.last_plan(FLEET)
    assert newest is not None
    assert plan is not None
    assert (newest.at, plan.at) == (later(120), later(120))
    lives = {one.instance: one for one in store.lifetimes(FLEET)}
    assert [one.instance for one in store.lifetimes(living=True)] == ["i-2", "i-3"]
    assert {name: (one.first_seen, one.last_seen, one.gone_at) for name, one in lives.items()} == {
        "i-0": (NOW, later(60), later(60)),
        "i-1": (later(60), later(60), later(60)),
        "i-2": (later(60), later(120), None),
        "i-3": (later(60), later(120), None),
    }
    gone = lives[InstanceId("i-1")]
    assert (gone.launched_at, gone.served_from, gone.leaving_from) == (later(60),) * 3
    assert store.departed({OLD.release}) == ((FLEET, 1, 2, NOW, later(60)),)


def test_what_is_shown_as_last_seen_by_a_clock_that_was_ahead_is_of_now(store: Store) -> None:
    """Who cannot be asked is shown with the wrong clock's time: no lifetime goes beyond the look."""
    store.see(seen(later(86_400), "i-1"))
    ahead = seen(later(86_400), "i-1", serving=("i-1",), incomplete="the provider could not be asked")
    store.see(replace(ahead, at=NOW))
    (lives,) = store.lifetimes(FLEET)
    assert (lives.first_seen, lives.last_seen, lives.served_from) == (NOW, NOW, NOW)


def test_the_story_is_told_in_order_and_from_where_one_stopped(store: Store) -> None:
    """Sequence numbers count up over all fleets."""
    store.record([])
    assert store.newest_event() == 0
    store.record(
        [
            Event(at=NOW, fleet=FLEET, kind="launch", message="web-1 in a", slot="web-1"),
            Event(at=NOW, fleet=OTHER, kind="deploy", message="r1"),
        ]
    )
    store.record([Event(at=later(1), fleet=FLEET, kind="serving", message="web-1 serves", slot="web-1")])
    story = store.events()
    assert [event.sequence for event in story] == [1, 2, 3]
    assert store.newest_event() == 3
    assert [event.kind for event in store.events(FLEET)] == ["launch", "serving"]
    assert story[0] == Event(at=NOW, fleet=FLEET, kind="launch", message="web-1 in a", slot="web-1", sequence=1)
    assert store.events(after=2) == story[2:]
    assert store.events(limit=1) == story[:1]


def test_who_ran_a_release_is_known_of_every_moment(store: Store) -> None:
    """Each instance is alive or departed, by the lifetimes themselves; one that comes back is counted no more."""
    for release in (1, 2):
        store.add_release({WEB: Digest(f"sha256:{release}")}, LOCK, "source", NOW)
    looks = (("i-1", "i-2"), ("i-1", "i-2", "i-3"), ("i-3",), ("i-1", "i-3"), (), ("i-4",))
    for number, names in enumerate(looks):
        store.see(seen(later(10 * number), *names))
    releases = {OLD.release, NEW.release}
    every = store.lifetimes(FLEET)
    for moment in (None, *(later(seconds) for seconds in range(-5, 70, 5))):
        there = [one.instance for one in every if lived(one, moment)]
        over = [one for one in every if one.gone_at is not None and (moment is None or one.gone_at <= moment)]
        assert [one.instance for one in store.alive(releases, moment)] == there
        gone = [one.gone_at for one in over if one.gone_at is not None]
        counted = [(FLEET, 1, len(over), min(one.first_seen for one in over), max(gone))] if over else []
        assert list(store.departed(releases, moment)) == counted
    assert store.alive({NEW.release}) == ()
    assert store.departed({NEW.release}) == ()
    (alive,) = store.alive(releases)
    assert (alive.slot, alive.fleet, alive.release, alive.zone) == ("slot-i-4", FLEET, 1, ZONE)
    assert alive.revision == OLD.id


def test_every_fleet_that_was_ever_seen_is_known(store: Store) -> None:
    """Also where nothing lives any more; one of which nothing was seen is none."""
    store.see(seen(NOW, "i-1"))
    store.see(seen(later(1)))
    store.record([Event(at=NOW, fleet=OTHER, kind="deploy", message="")])
    assert store.observed() == (FLEET,)


def test_instances_are_found_by_their_names_and_slots(store: Store) -> None:
    """Living and gone."""
    store.see(seen(NOW, "i-1", "i-2"))
    store.see(seen(later(1), "i-2"))
    for name in ("i-1", "slot-i-1"):
        assert [one.instance for one in store.named(name)] == ["i-1"]
    assert store.named("i-9") == ()


def test_notes_are_what_events_of_some_kinds_say_of_slots(store: Store) -> None:
    """Those of a time, its end left out, wherever they stand; what is of no fleet says nothing of a slot."""
    told = [
        (1, FLEET, "drain", "web-1"),
        (2, OTHER, "gone", "web-2"),
        (3, FLEET, "launch", "web-3"),
        (3, None, "drain", ""),
        (5, FLEET, "drain", "web-4"),
        (3, FLEET, "drain", "web-5"),
    ]
    store.record(
        [
            Event(at=later(at), fleet=fleet, kind=kind, slot=slot, message=f"{kind} {slot}")
            for at, fleet, kind, slot in told
        ]
    )
    found = list(store.notes({"drain", "gone"}, since=later(2), until=later(5)))
    assert found == [(OTHER, "web-2", "gone web-2"), (FLEET, "web-5", "drain web-5")]
    whole = store.notes({"drain"}, since=NOW, until=later(9))
    assert [note.slot for note in whole] == ["web-1", "web-4", "web-5"]


def test_a_time_spans_the_events_that_are_of_it(store: Store) -> None:
    """By the time of each: one that was learned late stands behind those that came after it."""
    assert store.spanned(NOW, later(9)) == (0, 0)
    store.record([Event(at=later(at), kind="deploy", message="") for at in (1, 2, 9, 3, 4, 1)])
    assert store.spanned(later(2), later(4)) == (2, 4)
    assert store.spanned(later(1), later(2)) == (1, 6)
    assert store.spanned(later(9), later(10)) == (3, 3)
    assert store.spanned(later(5), later(9)) == (0, 0)


def test_the_record_of_a_fleet_holds_what_is_of_none(store: Store) -> None:
    """As approvals are."""
    store.record([Event(at=NOW, fleet=fleet, kind="deploy", message="") for fleet in (FLEET, OTHER, None)])
    assert [one.event.fleet for one in store.recorded(kinds=("deploy",), fleet=FLEET)] == [FLEET, None]
