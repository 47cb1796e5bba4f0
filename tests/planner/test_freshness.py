"""Freshness: flaws never wait, nothing else hurries, nothing comes twice, and unknown is never clean."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from freshness_cases import (
    API,
    BACK,
    BATCH,
    DAY,
    FLAW,
    FLEETS,
    FRONT,
    LOCKS,
    NOW,
    UNREPAIRED,
    WEB,
    WEEKLY,
    moments,
    policies,
    release,
    running,
    situations,
    updated,
)
from hypothesis import given

from repave.model.freshness import FreshnessPolicy
from repave.model.names import Digest, EnvironmentName, ReleaseNumber
from repave.model.review import Review, Standing
from repave.model.watch import Carry, FreshnessPlan, Kind, Known, KnownLock, Proposed, Relock, Rule
from repave.planner.check import UnsafePlan
from repave.planner.freshness.checking import check
from repave.planner.freshness.planning import is_new, is_to_be_kept, plan
from repave.planner.freshness.weeks import week_begins, week_ends

TEST, PROD = EnvironmentName("test"), EnvironmentName("prod")
OLD, NEW = LOCKS[0], LOCKS[1]
R1, R2 = ReleaseNumber(1), ReleaseNumber(2)
CLEAN = KnownLock()
FLAWED = KnownLock(flaws=frozenset({FLAW}))


def known(present: Digest = OLD, **changed: Any) -> Known:  # noqa: ANN401 - any field
    """One release of a clean lock, which runs in both environments, and whose week is over."""
    usual = Known(
        present=present,
        locks={OLD: CLEAN, NEW: CLEAN},
        releases=(release(1, OLD),),
        running=(running("test", 1), running("prod", 1)),
        fleets=FLEETS,
        proposals=(updated(*FLEETS),),
    )
    return replace(usual, **changed)


def planned(situation: Known, policy: FreshnessPolicy = WEEKLY, now: datetime = NOW) -> FreshnessPlan:
    """Checked."""
    made = plan(situation, policy, now)
    check(made, situation, policy, now)
    return made


@given(situations(), policies, moments)
def test_no_plan_breaks_a_promise_and_the_same_is_decided_again(
    situation: Known, policy: FreshnessPolicy, now: datetime
) -> None:
    """Whatever is known, and at whatever time: the checker shares no code with the planner."""
    assert planned(situation, policy, now) == planned(situation, policy, now)


@given(situations(), policies, moments)
def test_what_was_done_is_not_done_again(situation: Known, policy: FreshnessPolicy, now: datetime) -> None:
    """Updates that were taken leave nothing to do for any of their fleets in that week, nor does what was resolved."""
    made = planned(situation, policy, now)
    if made.relock is None or made.relock.kind is not Kind.UPDATES:
        return
    done = Proposed(kind=Kind.UPDATES, base=situation.present, lock=LOCKS[3], fleets=made.relock.fleets, at=now)
    after = replace(situation, present=LOCKS[3], proposals=(*situation.proposals, done))
    again = planned(after, policy, now).relock
    assert again is None or again.kind is Kind.REPAIRS
    assert not is_new(after, LOCKS[3])
    assert not is_new(replace(after, present=LOCKS[4]), LOCKS[3])


def test_a_flaw_is_repaired_at_once_and_says_by_when() -> None:
    """In the middle of the week, for all fleets, while another source is away."""
    flawed = replace(FLAWED, unknown=("osv: it could not be reached",))
    made = planned(known(locks={OLD: flawed}))
    assert made.relock == Relock(kind=Kind.REPAIRS, images=(WEB,), flaws=("CVE-1",), by=NOW + DAY)
    assert made.unknown == ("osv: it could not be reached",)


def test_what_was_tried_and_is_held_by_its_range_does_not_hold_the_rest() -> None:
    """Nor is it tried twice in one pass."""
    held = known(locks={OLD: FLAWED}, tried=True, proposals=())
    relock = planned(held).relock
    assert relock is not None
    assert relock.kind is Kind.UPDATES


def test_all_else_comes_together_once_a_fleet_and_week() -> None:
    """A fleet that shares its image with one that had its week waits for the next with it."""
    relock = planned(known(proposals=())).relock
    assert relock == Relock(kind=Kind.UPDATES, images=(API, WEB), fleets=(BACK, BATCH, FRONT))
    relock = planned(known(proposals=(updated(BACK),))).relock
    assert relock == Relock(kind=Kind.UPDATES, images=(WEB,), fleets=(FRONT,))
    made = planned(known())
    assert made.relock is None
    assert [(wait.rule, wait.until) for wait in made.waits] == [(Rule.WEEK, datetime(2026, 3, 9, tzinfo=UTC))]
    assert planned(known(), now=NOW + 7 * DAY).relock is not None
    assert planned(known(proposals=()), FreshnessPolicy(updates=False)).relock is None


def test_updates_that_were_left_half_done_are_taken_up_again() -> None:
    """Killed after they were proposed, and before the lock was written; not when the lock went on from them."""
    half = updated(*FLEETS, lock=NEW)
    relock = planned(known(proposals=(half,))).relock
    assert relock is not None
    repaired = Proposed(kind=Kind.REPAIRS, base=NEW, lock=LOCKS[2], fleets=(), at=NOW)
    assert planned(known(proposals=(half, repaired))).relock is None


def test_a_clock_that_was_far_ahead_stops_no_week_for_ever() -> None:
    """What it dated next year counts for nothing; what it dated tomorrow does."""
    assert planned(known(proposals=(updated(*FLEETS, at=NOW + 300 * DAY),))).relock is not None
    assert planned(known(proposals=(updated(*FLEETS, at=NOW + DAY),))).relock is None


def test_nothing_but_repairs_moves_while_a_source_is_unknown() -> None:
    """What is not known is not clean, and an update might bring anything."""
    away = KnownLock(unknown=("osv: it is older than 7 days",))
    made = planned(known(locks={OLD: away}, proposals=()))
    assert made.relock is None
    assert [wait.rule for wait in made.waits] == [Rule.UNKNOWN]
    assert made.unknown == away.unknown


def test_changes_of_people_are_neither_locked_nor_baked() -> None:
    """It says so, and what was released goes on."""
    drifted = known(locks={OLD: FLAWED}, drift=("`app.py` has changed",))
    made = planned(drifted)
    assert (made.relock, made.bake, made.waits[0].rule) == (None, False, Rule.DRIFT)


def test_only_what_it_proposed_or_what_rids_a_fleet_of_a_flaw_is_baked_and_carried() -> None:
    """A lock or a release that a person made for another reason is theirs to bake and to deploy."""
    locked = planned(known(NEW))
    assert (locked.bake, [wait.rule for wait in locked.waits]) == (False, [Rule.UNBAKED, Rule.WEEK])
    assert planned(known(NEW, locks={OLD: FLAWED, NEW: CLEAN})).bake
    mine = updated(*FLEETS, lock=NEW)
    assert planned(known(NEW, proposals=(mine,))).bake
    released = known(NEW, releases=(release(1, OLD), release(2, NEW)))
    assert planned(released).carry == ()
    carried = planned(replace(released, proposals=(mine,))).carry
    assert [(one.environment, one.release) for one in carried] == [(TEST, R2), (PROD, R2)]
    closing = replace(released, locks={OLD: FLAWED, NEW: CLEAN}, running=(running("test", 2), running("prod", 1)))
    assert planned(closing).carry == (Carry(environment=PROD, release=R2, closes=("CVE-1",), by=NOW + DAY),)


def test_what_could_not_be_read_of_a_new_lock_closes_nothing() -> None:
    """Nor what no source covers of it; what is unknown of both locks alike stops nothing."""
    for gap in ("the base python:3.12", "npm"):
        dark = KnownLock(unknown=(f"{gap}: away",), gaps=frozenset({gap}))
        locks = {OLD: FLAWED, NEW: dark}
        locked = planned(known(NEW, locks=locks))
        assert (locked.bake, locked.waits[0].rule) == (False, Rule.UNBAKED)
        released = planned(known(NEW, locks=locks, releases=TWO))
        assert (released.carry, released.finish) == ((), ())
        left = planned(known(NEW, locks=locks, releases=TWO, running=(running("prod", 2, 1),)))
        assert left.finish == ()
        mine = planned(known(NEW, locks=locks, releases=TWO, proposals=(MINE,)))
        assert [(one.environment, one.closes) for one in mine.carry] == [(TEST, ()), (PROD, ())]
        both = {OLD: replace(FLAWED, unknown=dark.unknown, gaps=dark.gaps), NEW: dark}
        assert planned(known(NEW, locks=both)).bake
        assert [one.closes for one in planned(known(NEW, locks=both, releases=TWO)).carry] == [("CVE-1",)] * 2


def test_a_rollout_that_was_left_is_finished() -> None:
    """Where what was wanted is its own; what a person began is theirs."""
    left = known(NEW, releases=(release(1, OLD), release(2, NEW)), running=(running("test", 2, 1, 2),))
    assert planned(left).finish == ()
    ours = replace(left, locks={OLD: FLAWED, NEW: CLEAN})
    assert planned(ours).finish == (TEST,)
    held = planned(replace(ours, running=(replace(ours.running[0], paused=True), running("prod", 2, 1))))
    assert held.finish == (PROD,)
    assert (held.waits[0].rule, held.waits[0].remedy) == (Rule.PAUSED, "`repave resume test`")


def test_what_nobody_can_repair_is_said() -> None:
    """It is not tried again and again."""
    made = planned(known(locks={OLD: KnownLock(flaws=frozenset({UNREPAIRED}))}))
    assert made.relock is None
    assert (made.waits[0].rule, made.waits[0].detail) == (Rule.UNREPAIRED, "repave.lock has CVE-2")
    many = frozenset(replace(UNREPAIRED, name=f"CVE-{number}") for number in range(8))
    told = planned(known(locks={OLD: KnownLock(flaws=many)})).waits[0].detail
    assert told == "repave.lock has CVE-0, CVE-1, CVE-2, CVE-3, CVE-4, CVE-5 and 2 more"


def test_it_looks_again_as_often_as_it_is_told_and_when_a_week_begins() -> None:
    """Without updates no week matters."""
    seldom = FreshnessPolicy(every_seconds=30 * 86400.0)
    assert planned(known(), seldom).wake == datetime(2026, 3, 9, tzinfo=UTC)
    assert planned(known(), replace(seldom, updates=False)).wake == NOW + 30 * DAY
    assert planned(known()).wake == NOW + DAY / 24


def test_a_lock_is_new_when_it_is_neither_there_nor_proposed() -> None:
    """So nothing is proposed twice."""
    proposed = known(proposals=(updated(FRONT), updated(BACK, lock=NEW)))
    assert [is_new(proposed, lock) for lock in LOCKS[:3]] == [False, False, True]


def test_updates_that_are_looked_at_into_another_week_are_kept_once_for_it() -> None:
    """So they are not resolved again in each pass; nor are they when they were first proposed from another lock."""
    now = NOW + 7 * DAY
    asked = known(proposals=(updated(*FLEETS, lock=NEW),), reviews={Kind.UPDATES: review(Standing.OPEN)})
    assert not is_to_be_kept(asked, Kind.UPDATES, NEW, WEEKLY, NOW)
    assert is_to_be_kept(asked, Kind.UPDATES, NEW, WEEKLY, now)
    assert not is_to_be_kept(asked, Kind.REPAIRS, NEW, WEEKLY, now)
    assert is_to_be_kept(replace(asked, present=LOCKS[2]), Kind.UPDATES, NEW, WEEKLY, NOW)
    assert planned(asked, now=now).relock is not None
    kept = replace(asked, proposals=(*asked.proposals, updated(*FLEETS, lock=NEW, at=now)))
    assert planned(kept, now=now).relock is None


def review(standing: Standing, lock: Digest = NEW) -> Review:
    """Of a lock."""
    return Review(number=7, address="https://forge.example/7", standing=standing, lock=lock)


def test_updates_that_people_look_at_are_not_proposed_again_unless_the_lock_or_the_week_is_another() -> None:
    """Merged or closed, their week is over."""
    mine = updated(*FLEETS, lock=NEW)
    asked = known(proposals=(mine,), reviews={Kind.UPDATES: review(Standing.OPEN)})
    made = planned(asked)
    assert made.relock is None
    assert [(one.rule, one.detail, one.remedy) for one in made.waits] == [
        (Rule.REVIEW, "updates are proposed by https://forge.example/7", "merge it, or close it")
    ]
    assert planned(replace(asked, present=LOCKS[2], locks={**asked.locks, LOCKS[2]: CLEAN})).relock is not None
    assert planned(asked, now=NOW + 7 * DAY).relock is not None
    for standing in (Standing.MERGED, Standing.CLOSED):
        over = planned(replace(asked, reviews={Kind.UPDATES: review(standing)}))
        assert (over.relock, [one.rule for one in over.waits][-1]) == (None, Rule.WEEK)
    other = replace(asked, reviews={Kind.UPDATES: review(Standing.OPEN, LOCKS[3])})
    assert planned(other).relock is not None


def test_repairs_that_people_look_at_hold_updates_and_closed_ones_are_told() -> None:
    """Updates would hold them a second time."""
    asked = known(proposals=(), reviews={Kind.REPAIRS: review(Standing.OPEN)})
    made = planned(asked)
    assert (made.relock, [one.rule for one in made.waits]) == (None, [Rule.REVIEW])
    for standing in (Standing.MERGED, Standing.CLOSED):
        relock = planned(replace(asked, reviews={Kind.REPAIRS: review(standing)})).relock
        assert relock is not None
    closed = known(locks={OLD: FLAWED}, reviews={Kind.REPAIRS: review(Standing.CLOSED)})
    assert Rule.CLOSED in {one.rule for one in planned(closed).waits}
    assert Rule.CLOSED not in {one.rule for one in planned(replace(closed, locks={OLD: CLEAN})).waits}
    assert Rule.CLOSED not in {
        one.rule for one in planned(replace(closed, reviews={Kind.UPDATES: review(Standing.CLOSED)})).waits
    }


@given(moments)
def test_weeks_follow_each_other_without_a_gap(moment: datetime) -> None:
    """In every zone, over changes of the clock."""
    for name in ("UTC", "America/Los_Angeles", "Pacific/Auckland"):
        begins, ends = week_begins(moment, ZoneInfo(name)), week_ends(moment, ZoneInfo(name))
        assert begins <= moment < ends
        assert week_begins(ends, ZoneInfo(name)) == ends
        assert abs(ends - begins - 7 * DAY) <= timedelta(hours=1)


REPAIR = Relock(kind=Kind.REPAIRS, images=(WEB,), flaws=("CVE-1",))
UPDATE = Relock(kind=Kind.UPDATES, images=(API, WEB), fleets=(BACK, BATCH, FRONT))
AWAY = KnownLock(unknown=("osv: away",))
DARK = replace(AWAY, gaps=frozenset({"osv"}))
TWO = (release(1, OLD), release(2, NEW))
MINE = updated(*FLEETS, lock=NEW)
FOLLOWED = Proposed(kind=Kind.REPAIRS, base=NEW, lock=LOCKS[2], fleets=(), at=NOW)
TWICE = "back, batch, front would be updated twice in a week"


@pytest.mark.parametrize(
    ("situation", "wrong", "told"),
    [
        (known(locks={OLD: FLAWED}), {}, "CVE-1 would not be repaired at once"),
        (known(), {"relock": REPAIR}, "it would repair what has no flaw"),
        (known(drift=("changed",)), {"bake": True}, "it would lock or bake what people have changed since"),
        (known(), {"relock": UPDATE}, TWICE),
        (known(proposals=(MINE, FOLLOWED)), {"relock": UPDATE}, TWICE),
        (known(proposals=(MINE,), releases=TWO), {"relock": UPDATE}, TWICE),
        (known(proposals=(MINE,), reviews={Kind.UPDATES: review(Standing.CLOSED)}), {"relock": UPDATE}, TWICE),
        (
            known(proposals=(MINE,), reviews={Kind.UPDATES: review(Standing.OPEN)}),
            {"relock": UPDATE},
            "it would propose what people look at already",
        ),
        (
            known(proposals=(), reviews={Kind.REPAIRS: review(Standing.OPEN)}),
            {"relock": UPDATE},
            "it would propose repairs a second time, among updates",
        ),
        (known(proposals=()), {"relock": replace(UPDATE, fleets=(BACK,))}, "it would move batch, front unsaid"),
        (known(locks={OLD: AWAY}, proposals=()), {"relock": UPDATE, "unknown": AWAY.unknown}, "it would update what"),
        (known(), {"bake": True}, "it would bake what is baked; it would bake what a person locked"),
        (known(), {"carry": (Carry(environment=TEST, release=R1),)}, "r1 is no step forward in test"),
        (known(releases=TWO), {"carry": (Carry(environment=TEST, release=R2),)}, "r2 makes nothing fresher in test"),
        (
            known(
                LOCKS[2],
                locks={OLD: FLAWED, NEW: CLEAN, LOCKS[2]: CLEAN},
                releases=(*TWO, release(3, LOCKS[2])),
                running=(running("test", 2), running("prod", 1)),
            ),
            {"carry": (Carry(environment=TEST, release=ReleaseNumber(3)),)},
            "r3 makes nothing fresher in test",
        ),
        (
            known(running=(replace(running("test", 1), paused=True),)),
            {"finish": (TEST,)},
            "it would go on in test, which is paused",
        ),
        (known(NEW, locks={OLD: FLAWED, NEW: DARK}), {"bake": True}, "it would bake what a person locked"),
        (
            known(NEW, locks={OLD: FLAWED, NEW: DARK}, releases=TWO),
            {"carry": (Carry(environment=PROD, release=R2),)},
            "r2 makes nothing fresher in prod",
        ),
        (known(locks={OLD: AWAY}), {}, "it keeps silent about this: osv: away"),
        (known(), {"wake": NOW}, "it would look again at"),
        (known(), {"at": NOW + DAY, "wake": NOW + 25 * DAY / 24}, "it is a plan for another time"),
    ],
)
def test_a_plan_that_breaks_a_promise_is_stopped(situation: Known, wrong: dict[str, Any], told: str) -> None:
    """Each by the words that say which."""
    good = FreshnessPlan(at=NOW, wake=NOW + DAY / 24)
    with pytest.raises(UnsafePlan, match="the plan for freshness would break a promise") as stopped:
        check(replace(good, **wrong), situation, WEEKLY, NOW)
    assert told in stopped.value.message
    assert "please report this" in stopped.value.hint
