"""What every store keeps of what is wanted: aims, generations, pauses and leases, whatever it is made of."""

import pytest
from store_scene import FLEET, NEW, NOW, OLD, OTHER, ZONE, aim, empty, failure, later, launch, seen

from repave.model.names import SlotId
from repave.model.plan import Phase, Plan, Retarget
from repave.model.scaling import Leaning, Resize, SizeHistory
from repave.model.target import Heal
from repave.ports.errors import Conflict, Gone
from repave.ports.store import Store


def test_a_fleet_has_no_target_until_someone_wants_something(store: Store) -> None:
    """The first aim begins it; the same aim again changes nothing."""
    assert store.target(FLEET) is None
    assert store.fleets() == ()
    first = store.aim(FLEET, aim(), NOW)
    assert (first.revision, first.release, first.size, first.since) == (OLD.id, 1, 2, NOW)
    assert store.aim(FLEET, aim(), later(5)) == first
    store.aim(OTHER, aim(), NOW)
    assert store.fleets() == (OTHER, FLEET)


def test_a_new_aim_is_a_new_generation(store: Store) -> None:
    """A new size keeps since when the revision is wanted; a new revision does not."""
    first = store.aim(FLEET, aim(), NOW)
    larger = store.aim(FLEET, aim(size=5), later(1))
    newer = store.aim(FLEET, aim(NEW, size=5), later(2))
    assert first.generation < larger.generation < newer.generation
    assert (larger.size, larger.since) == (5, NOW)
    assert (newer.revision, newer.release, newer.since) == (NEW.id, 2, later(2))


def test_asking_again_for_a_stopped_revision_is_a_new_try(store: Store) -> None:
    """The stop and the failures of that revision are forgotten, those of others stay."""
    first = store.aim(FLEET, aim(), NOW)
    plan = Plan(
        fleet=FLEET,
        parent=first.generation,
        at=NOW,
        phase=Phase.STOPPED,
        summary="stopped",
        failures=(failure("1"), failure("2", NEW)),
        stop="2 failed in a row",
    )
    store.commit(plan)
    stopped = store.target(FLEET)
    assert stopped is not None
    assert stopped.stopped == "2 failed in a row"
    again = store.aim(FLEET, aim(), later(1))
    assert again.stopped == ""
    assert again.generation > stopped.generation
    assert again.failures == (failure("2", NEW),)


def test_a_commit_keeps_all_of_a_plan(store: Store) -> None:
    """Orders, failures, heals, slots, the size and the proof change together."""
    store.add_revision(FLEET, OLD)
    first = store.aim(FLEET, aim(), NOW)
    plan = Plan(
        fleet=FLEET,
        parent=first.generation,
        at=later(1),
        phase=Phase.HEALING,
        summary="healing",
        steps=(launch("web-7"), launch("web-8")),
        failures=(failure("web-1"),),
        heals=(Heal(slot=SlotId("web-1"), at=later(1)),),
        next_slot=9,
        proven=OLD.id,
        resize=Resize(size=7, reason="cpu"),
        size_history=SizeHistory(resized_at=later(1), reason="cpu", leaning=Leaning(since=later(1), size=4)),
    )
    generation = store.commit(plan)
    target = store.target(FLEET)
    assert target is not None
    assert target.generation == generation == first.generation + 1
    assert [(order.slot, order.zone, order.ordered_at) for order in target.orders] == [
        ("web-7", ZONE, later(1)),
        ("web-8", ZONE, later(1)),
    ]
    assert target.failures == plan.failures
    assert target.heals == plan.heals
    assert target.next_slot == 9
    assert (target.size, target.size_history) == (7, plan.size_history)
    assert [(proof.revision, proof.release, proof.at) for proof in target.proven] == [(OLD.id, 1, later(1))]


def test_an_order_given_again_keeps_its_first_moment(store: Store) -> None:
    """Or an instance that never comes would be waited for without end; closing ends it."""
    first = store.aim(FLEET, aim(), NOW)
    one = store.commit(
        Plan(fleet=FLEET, parent=first.generation, at=NOW, phase=Phase.SCALING, summary="", steps=(launch("1"),))
    )
    two = store.commit(
        Plan(fleet=FLEET, parent=one, at=later(9), phase=Phase.SCALING, summary="", steps=(launch("1"),), next_slot=4)
    )
    target = store.target(FLEET)
    assert target is not None
    assert [order.ordered_at for order in target.orders] == [NOW]
    store.commit(
        Plan(fleet=FLEET, parent=two, at=later(10), phase=Phase.SCALING, summary="", closed=(SlotId("1"),), next_slot=2)
    )
    closed = store.target(FLEET)
    assert closed is not None
    assert closed.orders == ()
    assert closed.next_slot == 4


def test_a_plan_from_an_older_generation_is_refused_whole(store: Store) -> None:
    """The first to commit wins; the other observes and plans again."""
    first = store.aim(FLEET, aim(), NOW)
    store.commit(empty(first.generation))
    before = store.target(FLEET)
    late = Plan(
        fleet=FLEET, parent=first.generation, at=NOW, phase=Phase.SCALING, summary="", steps=(launch("1"),), stop="bad"
    )
    with pytest.raises(Conflict):
        store.commit(late)
    assert store.target(FLEET) == before
    with pytest.raises(Conflict):
        store.commit(Plan(fleet=OTHER, parent=1, at=NOW, phase=Phase.SCALING, summary=""))


def test_the_wanted_revision_goes_back_with_a_rollback(store: Store) -> None:
    """Promise 1: or the bad one would come again; the size stays and no stop is left behind."""
    store.aim(FLEET, aim(OLD, size=3), NOW)
    newer = store.aim(FLEET, aim(NEW, size=3), later(1))
    plan = Plan(
        fleet=FLEET,
        parent=newer.generation,
        at=later(60),
        phase=Phase.ROLLING_BACK,
        summary="rolling back",
        failures=(failure("9", NEW),),
        retarget=Retarget(revision=OLD.id, release=OLD.release, reason="2 failed in a row"),
    )
    store.commit(plan)
    target = store.target(FLEET)
    assert target is not None
    assert (target.revision, target.release, target.size) == (OLD.id, 1, 3)
    assert (target.since, target.stopped) == (later(60), "")
    assert target.failures == plan.failures


def test_a_paused_fleet_is_paused_until_it_is_resumed(store: Store) -> None:
    """Each is a change of its own; a fleet without a target has nothing to pause."""
    with pytest.raises(Gone):
        store.pause(FLEET, NOW, paused=True)
    first = store.aim(FLEET, aim(), NOW)
    paused = store.pause(FLEET, NOW, paused=True)
    assert paused.paused
    assert paused.generation > first.generation
    assert store.aim(FLEET, aim(NEW), NOW).paused
    assert not store.pause(FLEET, NOW, paused=False).paused


def test_a_destroyed_fleet_gives_no_slot_or_generation_twice(store: Store) -> None:
    """The provider would refuse a slot it has ended, and an order older than it has seen."""
    first = store.aim(FLEET, aim(), NOW)
    store.see(seen(NOW, "i-1"))
    plan = Plan(
        fleet=FLEET,
        parent=first.generation,
        at=NOW,
        phase=Phase.SCALING,
        summary="",
        steps=(launch("1"),),
        failures=(failure("1"),),
        next_slot=5,
    )
    generation = store.commit(plan)
    store.forget(FLEET)
    store.forget(FLEET)
    assert store.target(FLEET) is None
    assert store.fleets() == ()
    assert len(store.lifetimes(FLEET)) == 1
    with pytest.raises(Conflict):
        store.commit(empty(generation))
    with pytest.raises(Gone):
        store.pause(FLEET, NOW, paused=True)
    again = store.aim(FLEET, aim(), later(1))
    assert again.generation > generation
    assert (again.next_slot, again.orders, again.failures, again.since) == (5, (), (), later(1))


def test_a_lease_is_one_holders_until_it_expires(store: Store) -> None:
    """Its holder may renew it; another waits."""
    mine = store.acquire("web", "me", at=NOW, seconds=15)
    assert mine is not None
    assert mine.expires_at == later(15)
    assert store.acquire("web", "you", at=later(14), seconds=15) is None
    assert store.acquire("web", "me", at=later(10), seconds=15) is not None
    assert store.acquire("web", "you", at=later(16), seconds=15) is None
    assert store.lease("web", later(16)) is not None
    assert store.lease("web", later(25)) is None
    yours = store.acquire("web", "you", at=later(25), seconds=15)
    assert yours is not None
    assert yours.holder == "you"
    store.release_lease("web", "me")
    assert store.lease("web", later(26)) == yours
    store.release_lease("web", "you")
    assert store.lease("web", later(26)) is None
    assert store.acquire("web", "me", at=later(26), seconds=15) is not None
