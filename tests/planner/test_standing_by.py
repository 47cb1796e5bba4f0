"""What a new group may get before the whole of it is ready: checks, and no request."""

from dataclasses import replace

import pytest

from repave.model.names import ReleaseNumber, RevisionId, ZoneName
from repave.model.plan import Launch, Plan
from repave.model.policy import FleetPolicy, RolloutPolicy
from repave.model.target import Target
from repave.planner.check import UnsafePlan, check
from repave.planner.fleet import plan
from repave.simulation.sketch import Sketch

SKETCH = Sketch()
ZONES = tuple(ZoneName(name) for name in "abc")
POLICY = FleetPolicy(fleet=SKETCH.fleet, zones=ZONES, rollout=RolloutPolicy(strategy="blue-green"))
TARGET = Target(
    fleet=SKETCH.fleet,
    generation=5,
    revision=RevisionId("new"),
    release=ReleaseNumber(3),
    size=3,
    since=SKETCH.ago(60),
    next_slot=20,
    proven=(SKETCH.proof("old"),),
)
OLD = SKETCH.see("1 old a serving", "2 old b serving", "3 old c serving")


def launches(made: Plan) -> list[Launch]:
    """What is started."""
    return [step for step in made.steps if isinstance(step, Launch)]


def test_a_balancer_that_hears_of_a_new_one_while_it_starts_only_checks_it() -> None:
    """The whole group is started at once, and every launch says that it stands by."""
    made = plan(POLICY, TARGET, OLD, SKETCH.now)
    assert [launch.standby for launch in launches(made)] == [True] * 3


def test_with_nothing_old_there_is_nothing_to_wait_for() -> None:
    """The first release serves as it comes."""
    made = plan(POLICY, TARGET, SKETCH.see(), SKETCH.now)
    assert [launch.standby for launch in launches(made)] == [False] * 3


def test_orders_given_again_on_a_partial_view_stand_by() -> None:
    """Whether something old serves cannot be seen: nothing gets requests that might not."""
    target = replace(TARGET, orders=(SKETCH.ordered(20),))
    seen = replace(OLD, machines=replace(OLD.machines, incomplete="a page is missing"))
    assert [launch.standby for launch in launches(plan(POLICY, target, seen, SKETCH.now))] == [True]


def test_the_checker_stops_a_launch_that_would_get_requests_too_early() -> None:
    """Whatever made the planner forget."""
    made = plan(POLICY, TARGET, OLD, SKETCH.now)
    steps = tuple(replace(step, standby=False) if isinstance(step, Launch) else step for step in made.steps)
    with pytest.raises(UnsafePlan, match="web-20 would get requests before its whole group is ready"):
        check(replace(made, steps=steps), POLICY, TARGET, OLD, SKETCH.now)
