"""What every store keeps of what came of orders: proofs, failures and heals, whatever it is made of."""

from dataclasses import replace

import pytest
from store_scene import FLEET, NEW, NOW, OLD, aim, empty, failure, later, launch

from repave.model.names import SlotId
from repave.model.outcome import Outcome, Result
from repave.model.plan import Phase, Plan, Retarget
from repave.model.target import FailureKind, Heal
from repave.ports.store import Store


def test_a_revision_is_proven_once_at_its_latest(store: Store) -> None:
    """Oldest proof first."""
    for each in (OLD, NEW):
        store.add_revision(FLEET, each)
    generation = store.aim(FLEET, aim(), NOW).generation
    for seconds, each in ((1, OLD), (2, NEW), (3, OLD)):
        plan = Plan(
            fleet=FLEET, parent=generation, at=later(seconds), phase=Phase.CONVERGED, summary="", proven=each.id
        )
        generation = store.commit(plan)
    target = store.target(FLEET)
    assert target is not None
    assert [(proof.revision, proof.release, proof.at) for proof in target.proven] == [
        (NEW.id, 2, later(2)),
        (OLD.id, 1, later(3)),
    ]
    store.unbootable(FLEET, [NEW.id])
    changed = store.target(FLEET)
    assert changed is not None
    assert [proof.bootable for proof in changed.proven] == [False, True]
    store.unbootable(FLEET, [])
    back = store.target(FLEET)
    assert back is not None
    assert [proof.bootable for proof in back.proven] == [True, True]


def test_a_clock_that_was_set_back_proves_all_the_same(store: Store) -> None:
    """What is proven is so since it was wanted at the earliest, else it would never be."""
    store.add_revision(FLEET, OLD)
    generation = store.aim(FLEET, aim(), later(3600)).generation
    store.commit(Plan(fleet=FLEET, parent=generation, at=NOW, phase=Phase.CONVERGED, summary="", proven=aim().revision))
    target = store.target(FLEET)
    assert target is not None
    assert [proof.at for proof in target.proven] == [later(3600)]


def test_a_clock_that_was_set_back_makes_no_old_proof_one_of_a_new_wish(store: Store) -> None:
    """What is wanted again has to carry the fleet again."""
    for each in (OLD, NEW):
        store.add_revision(FLEET, each)
    first = store.aim(FLEET, aim(), NOW)
    store.commit(
        Plan(
            fleet=FLEET,
            parent=first.generation,
            at=later(3600),
            phase=Phase.CONVERGED,
            summary="",
            proven=first.revision,
        )
    )
    [other] = [each for each in (OLD, NEW) if each.id != first.revision]
    second = store.aim(FLEET, replace(aim(), revision=other.id, release=other.release), later(1))
    assert second.since > later(3600)
    back = Retarget(revision=first.revision, release=first.release, reason="it is bad")
    store.commit(
        Plan(fleet=FLEET, parent=second.generation, at=later(2), phase=Phase.ROLLING, summary="", retarget=back)
    )
    target = store.target(FLEET)
    assert target is not None
    assert target.since > later(3600)


def test_failures_and_heals_count_for_a_day(store: Store) -> None:
    """What is older says nothing about today; the story keeps it."""
    generation = store.aim(FLEET, aim(), NOW).generation
    generation = store.commit(
        Plan(
            fleet=FLEET,
            parent=generation,
            at=NOW,
            phase=Phase.HEALING,
            summary="",
            failures=(failure("1"),),
            heals=(Heal(slot=SlotId("1"), at=NOW),),
        )
    )
    fresh = failure("2", at=later(50_000))
    plan = Plan(fleet=FLEET, parent=generation, at=later(50_000), phase=Phase.HEALING, summary="", failures=(fresh,))
    generation = store.commit(plan)
    store.commit(empty(generation, at=later(90_000)))
    target = store.target(FLEET)
    assert target is not None
    assert target.failures == (fresh,)
    assert target.heals == ()


@pytest.mark.parametrize(
    ("result", "kind"), [(Result.REFUSED, FailureKind.REFUSED), (Result.NO_CAPACITY, FailureKind.NO_CAPACITY)]
)
def test_a_launch_that_was_refused_closes_its_order(store: Store, result: Result, kind: FailureKind) -> None:
    """As a failure that says why, counted once however often it is told."""
    first = store.aim(FLEET, aim(), NOW)
    step = launch("1")
    plan = Plan(fleet=FLEET, parent=first.generation, at=NOW, phase=Phase.SCALING, summary="", steps=(step,))
    store.commit(plan)
    outcome = Outcome(step=step, result=result, at=later(2), detail="no such image")
    store.settle(FLEET, [outcome])
    store.settle(FLEET, [outcome])
    target = store.target(FLEET)
    assert target is not None
    assert target.orders == ()
    assert [(each.slot, each.kind, each.at, each.detail) for each in target.failures] == [
        ("1", kind, later(2), "no such image")
    ]


def test_a_spent_slot_closes_its_order_and_blames_nobody(store: Store) -> None:
    """Promise 8: what a lost record made us give twice says nothing about the revision."""
    first = store.aim(FLEET, aim(), NOW)
    step = launch("1")
    plan = Plan(fleet=FLEET, parent=first.generation, at=NOW, phase=Phase.SCALING, summary="", steps=(step,))
    store.commit(plan)
    store.settle(FLEET, [Outcome(step=step, result=Result.SPENT, at=NOW)])
    target = store.target(FLEET)
    assert target is not None
    assert (target.orders, target.failures) == ((), ())


@pytest.mark.parametrize("result", [Result.DONE, Result.UNCERTAIN, Result.STALE])
def test_other_outcomes_leave_the_order_open(store: Store, result: Result) -> None:
    """Until the instance is seen, nobody knows."""
    first = store.aim(FLEET, aim(), NOW)
    step = launch("1")
    plan = Plan(fleet=FLEET, parent=first.generation, at=NOW, phase=Phase.SCALING, summary="", steps=(step,))
    store.commit(plan)
    store.settle(FLEET, [Outcome(step=step, result=result, at=NOW)])
    target = store.target(FLEET)
    assert target is not None
    assert [order.slot for order in target.orders] == ["1"]
    assert target.failures == ()


def test_a_refusal_speaks_against_a_revision_that_is_wanted_anew(store: Store) -> None:
    """That it carried the fleet before it had to go is no proof of what it has yet to do."""
    for each in (OLD, NEW):
        store.add_revision(FLEET, each)
    wanted = store.aim(FLEET, aim(), NOW)
    store.commit(replace(empty(wanted.generation, at=later(1)), proven=OLD.id))
    store.aim(FLEET, aim(NEW), later(3))
    anew = store.aim(FLEET, aim(), later(4))
    store.commit(replace(empty(anew.generation, at=later(5)), steps=(launch("2"),)))
    store.settle(FLEET, [Outcome(step=launch("2"), result=Result.REFUSED, at=later(6), detail="no secret")])
    target = store.target(FLEET)
    assert target is not None
    assert [(each.slot, each.kind) for each in target.failures] == [("2", FailureKind.REFUSED)]


def test_a_refusal_beside_a_proof_only_paces(store: Store) -> None:
    """As what ends or falls sick of a revision that carries the fleet does."""
    store.add_revision(FLEET, OLD)
    wanted = store.aim(FLEET, aim(), NOW)
    proving = replace(empty(wanted.generation, at=later(1)), proven=OLD.id, steps=(launch("1"),))
    store.commit(proving)
    store.settle(FLEET, [Outcome(step=launch("1"), result=Result.REFUSED, at=later(2), detail="no secret")])
    target = store.target(FLEET)
    assert target is not None
    assert [(each.kind, each.at, each.detail) for each in target.failures] == [
        (FailureKind.RELAPSED, later(2), "no secret")
    ]
