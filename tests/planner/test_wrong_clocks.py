"""Whether a failure speaks against what is wanted, by clocks that are wrong."""

from dataclasses import replace
from datetime import timedelta

import pytest

from repave.model.amount import Amount
from repave.model.disruption import Disruption, Drawer
from repave.model.metrics import InstanceMetrics, MetricSighting
from repave.model.names import InstanceId, ReleaseNumber, RevisionId, ZoneName
from repave.model.observation import Observation
from repave.model.plan import Drain, Launch, Phase, Plan
from repave.model.policy import BudgetPolicy, FleetPolicy
from repave.model.scaling import Leaning, MetricTarget, ScalePolicy, SizeHistory
from repave.model.target import FailureKind, Heal, Sickness, Target
from repave.planner.check import check
from repave.planner.fleet import plan
from repave.simulation.sketch import Sketch

SKETCH = Sketch()
POLICY = FleetPolicy(fleet=SKETCH.fleet, zones=tuple(ZoneName(name) for name in "abc"))
TARGET = Target(
    fleet=SKETCH.fleet,
    generation=5,
    revision=RevisionId("new"),
    release=ReleaseNumber(3),
    size=3,
    since=SKETCH.ago(300),
    next_slot=20,
    proven=(SKETCH.proof("old"),),
)
RETURNED = replace(TARGET, proven=(SKETCH.proof("old"), SKETCH.proof("new", 5000)))
OLD = ("1 old a serving", "2 old b serving", "3 old c serving")
AHEAD = timedelta(hours=1)
WEEK = timedelta(days=7)
WELL = ("1 new a serving", "2 new b serving", "3 new c serving")
SICK = (*WELL[:2], "3 new c failing 8")
SETTLED = replace(TARGET, since=SKETCH.ago(7000), proven=(SKETCH.proof("new", 6900),))


def decide(started_seconds_ago: int, target: Target, *, ahead: timedelta = timedelta(0)) -> Plan:
    """The plan for two new ones that have died, by a controller's clock that is so far ahead of all others."""
    dead = (f"{number} new a stopped 0 {started_seconds_ago}" for number in (10, 11))
    seen, now = SKETCH.see(*OLD, *dead), SKETCH.now + ahead
    made = plan(POLICY, target, seen, now)
    check(made, POLICY, target, seen, now)
    return made


def test_a_clock_that_was_ahead_at_the_deployment_hides_no_bad_release() -> None:
    """Its instances seem to have been started before it was wanted; but it never ran here, so all of them are its."""
    made = decide(20, replace(TARGET, since=SKETCH.now + AHEAD), ahead=AHEAD + timedelta(seconds=30))
    assert made.retarget is not None
    assert made.retarget.revision == "old"
    assert {failure.kind for failure in made.failures} == {FailureKind.CRASHED}


@pytest.mark.parametrize(
    ("started_seconds_ago", "back"), [(200, True), (400, False)], ids=["after the return", "before the return"]
)
def test_what_is_returned_to_is_judged_by_what_was_started_since(started_seconds_ago: int, *, back: bool) -> None:
    """By a clock that is ahead all the same: as far as it is ahead now, it was when the return was wanted."""
    returned = replace(RETURNED, since=SKETCH.ago(300) + AHEAD)
    assert (decide(started_seconds_ago, returned, ahead=AHEAD).retarget is not None) is back


def test_a_clock_that_was_set_back_hides_no_bad_release() -> None:
    """What fails now fails after it was wanted, whatever the clock says."""
    since = SKETCH.now + AHEAD
    made = decide(20, replace(TARGET, since=since))
    assert made.retarget is not None
    assert [failure.at for failure in made.failures] == [since, since]


@pytest.mark.parametrize("kind", [FailureKind.RELAPSED, FailureKind.NO_CAPACITY, FailureKind.ZONE_LOST])
def test_nobody_waits_for_what_a_clock_dated_that_was_ahead(kind: FailureKind) -> None:
    """It was set back by an hour: what failed by it long ago lies in the future, and what is missing is launched."""
    ahead = SKETCH.now + AHEAD
    failed = tuple(replace(SKETCH.failed(10 + number, kind, zone="abc"[number % 3]), at=ahead) for number in range(4))
    target = replace(TARGET, since=ahead, proven=(replace(SKETCH.proof("new"), at=ahead),), failures=failed)
    seen = SKETCH.see("1 new a serving", "2 new b serving")
    made = plan(POLICY, target, seen, SKETCH.now)
    check(made, POLICY, target, seen, SKETCH.now)
    assert [step.zone for step in made.steps if isinstance(step, Launch)] == ["c"]


def test_a_relapse_is_dated_by_the_clock_as_it_is() -> None:
    """It judges nothing, so it need not be after the wish; else healing would wait for the clock to come round."""
    since = SKETCH.now + AHEAD
    target = replace(TARGET, since=since, proven=(replace(SKETCH.proof("new"), at=since),))
    seen = SKETCH.see("1 new a serving", "2 new b serving", "3 new c stopped")
    made = plan(POLICY, target, seen, SKETCH.now)
    check(made, POLICY, target, seen, SKETCH.now)
    assert [(failure.kind, failure.at) for failure in made.failures] == [(FailureKind.RELAPSED, SKETCH.now)]


def settled(seen: Observation, target: Target, policy: FleetPolicy = POLICY) -> Plan:
    """The plan for a fleet that a proven release carries, which the checker accepts."""
    made = plan(policy, target, seen, SKETCH.now)
    check(made, policy, target, seen, SKETCH.now)
    return made


def drawn(drawer: Drawer, number: int = 9, ahead: timedelta = WEEK) -> Disruption:
    """One that was taken out by a clock that was so far ahead."""
    return Disruption(slot=SKETCH.slot(number), zone=ZoneName("a"), drawer=drawer, at=SKETCH.now + ahead)


@pytest.mark.parametrize("ahead", [timedelta(seconds=1), WEEK], ids=str)
def test_no_sick_one_waits_for_what_was_healed_by_a_clock_that_was_ahead(ahead: timedelta) -> None:
    """The limit of a window is no limit of the days by which a clock was wrong."""
    heals = (Heal(slot=SKETCH.slot(9), at=SKETCH.now + ahead),)
    target = replace(SETTLED, heals=heals, disruptions=(drawn(Drawer.HEAL, ahead=ahead),))
    made = settled(SKETCH.see(*SICK), target)
    assert [heal.slot for heal in made.heals] == ["web-3"]
    assert not made.healing


def test_who_flaps_is_known_by_what_a_clock_dated_that_is_right() -> None:
    """What one dated that was ahead is neither counted, nor does it hide what comes after it was set right."""
    before = tuple(Sickness(slot=SKETCH.slot(3), since=SKETCH.now + WEEK + number * AHEAD) for number in range(3))
    assert not settled(SKETCH.see(*WELL), replace(SETTLED, sicknesses=before)).steps
    made = settled(SKETCH.see(*SICK), replace(SETTLED, sicknesses=before))
    assert made.sicknesses == (Sickness(slot=SKETCH.slot(3), since=SKETCH.ago(8)),)
    again = replace(SETTLED, sicknesses=(*before, *made.sicknesses), heals=made.heals)
    assert not settled(SKETCH.see(*SICK), again).sicknesses


def test_a_balancer_that_is_ahead_tells_a_sickness_once() -> None:
    """Its moment is still to come for the controller, and known all the same."""
    known = (Sickness(slot=SKETCH.slot(3), since=SKETCH.now + AHEAD),)
    seen = SKETCH.see(*WELL[:2], f"3 new c failing {1 - AHEAD.total_seconds():g}")
    assert not settled(seen, replace(SETTLED, sicknesses=known)).sicknesses


def test_a_word_of_the_future_lifts_no_limit() -> None:
    """Who allowed healing by a clock that was ahead saw nothing of what has fallen sick since it was set right."""
    target = replace(SETTLED, healing_allowed=SKETCH.now + WEEK)
    made = settled(SKETCH.see(WELL[0], "2 new b failing 9", "3 new c failing 8"), target)
    assert [heal.slot for heal in made.heals] == ["web-2"]
    assert made.healing == "stops"


def test_a_word_counts_from_its_moment_on() -> None:
    """Where the clock of who gave it was ahead by a little, healing goes on soon."""
    soon = SKETCH.now + timedelta(seconds=5)
    seen = SKETCH.see(WELL[0], "2 new b failing 9", "3 new c failing 8")
    assert settled(seen, replace(SETTLED, healing_allowed=soon)).wake_at == soon


def test_no_rollout_waits_for_what_was_taken_out_by_a_clock_that_was_ahead() -> None:
    """The budget of an hour is back within an hour."""
    policy = replace(POLICY, budget=BudgetPolicy(per_hour=Amount(value=1)))
    target = replace(TARGET, disruptions=(drawn(Drawer.ROLLOUT),))
    made = settled(SKETCH.see(*OLD, "10 new a serving 1 5"), target, policy)
    assert [step.slot for step in made.steps if isinstance(step, Drain)] == ["web-1"]


def test_a_fleet_shrinks_whatever_a_clock_dated_that_was_ahead() -> None:
    """By as much as an hour allows."""
    targets, one = (MetricTarget(metric="cpu", value=0.6),), Amount(value=1)
    scale = ScalePolicy(lowest=1, highest=8, targets=targets, in_per_hour=one)
    history = SizeHistory(leaning=Leaning(since=SKETCH.ago(600), size=1))
    left = tuple(drawn(Drawer.SCALE_IN, number) for number in (7, 8, 9))
    idle = tuple(InstanceMetrics(instance=InstanceId(f"i-{number}"), seconds=60, cpu=0.1) for number in (1, 2, 3))
    metrics = MetricSighting(at=SKETCH.now, window_seconds=60, instances=idle, incomplete="")
    seen = replace(SKETCH.see(*WELL), metrics=metrics)
    made = settled(seen, replace(SETTLED, size_history=history, disruptions=left), replace(POLICY, scale=scale))
    assert made.resize is not None
    assert made.resize.size == 2


def test_a_larger_size_is_no_healing_of_what_failed_by_a_clock_that_was_ahead() -> None:
    """The fleet grows, and says so."""
    failed = replace(SKETCH.failed(9, FailureKind.RELAPSED), at=SKETCH.now + WEEK)
    made = settled(SKETCH.see(*WELL), replace(SETTLED, size=4, failures=(failed,)))
    assert made.phase is Phase.SCALING
