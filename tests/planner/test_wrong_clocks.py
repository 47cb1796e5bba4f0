"""Whether a failure speaks against what is wanted, by clocks that are wrong."""

from dataclasses import replace
from datetime import timedelta

import pytest

from repave.model.names import ReleaseNumber, RevisionId, ZoneName
from repave.model.plan import Launch, Plan
from repave.model.policy import FleetPolicy
from repave.model.target import FailureKind, Target
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
