"""A provider that starts two instances for one launch: the surplus is found and ended, and nobody else suffers."""

from dataclasses import replace

import pytest

from repave.model.names import InstanceId, ReleaseNumber, RevisionId, ZoneName
from repave.model.observation import Observation
from repave.model.plan import Drain, Phase, Plan, Rule, Terminate
from repave.model.policy import FleetPolicy
from repave.model.target import Target
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
    size=2,
    since=SKETCH.ago(7000),
    next_slot=20,
    proven=(SKETCH.proof("new", 6900),),
)


def twice(seen: Observation, number: int, slot: int) -> Observation:
    """What is seen, with the instance of this number in a slot that another fills as well."""
    instances = tuple(
        replace(instance, slot=SKETCH.slot(slot)) if instance.id == f"i-{number}" else instance
        for instance in seen.machines.instances
    )
    return replace(seen, machines=replace(seen.machines, instances=instances))


def decide(seen: Observation, target: Target = TARGET) -> Plan:
    """The plan, which the checker accepts."""
    made = plan(POLICY, target, seen, SKETCH.now)
    check(made, POLICY, target, seen, SKETCH.now)
    return made


def ended(made: Plan) -> list[InstanceId]:
    """Who is ended."""
    return [step.instance for step in made.steps if isinstance(step, Terminate)]


@pytest.mark.parametrize("state", ["unknown 0 5", "checking 1 99", "stopped", "failing 5 99", "drained 1 99"])
def test_the_surplus_is_ended_and_speaks_against_nobody(state: str) -> None:
    """The one that serves keeps the slot; the other goes, and no failure is remembered."""
    made = decide(twice(SKETCH.see("1 new a serving", "2 new b serving", f"3 new a {state}"), 3, 1))
    assert ended(made) == ["i-3"]
    assert made.failures == ()
    assert made.phase is not Phase.CONVERGED


def test_the_older_of_two_that_start_is_kept() -> None:
    """Whichever is listed first."""
    made = decide(twice(SKETCH.see("1 new a serving", "2 new b unknown 0 6", "3 new b unknown 0 5"), 3, 2))
    assert ended(made) == ["i-3"]


def test_a_surplus_that_serves_is_drained_first() -> None:
    """By a draw on the budget, like everybody; and waited for."""
    made = decide(twice(SKETCH.see("1 new a serving", "2 new b serving", "3 new a serving"), 3, 1))
    assert [step.instance for step in made.steps if isinstance(step, Drain)] == ["i-3"]
    later = decide(twice(SKETCH.see("1 new a serving", "2 new b serving", "3 new a draining 1"), 3, 1))
    assert not later.changes
    assert [hold.rule for hold in later.holds] == [Rule.DRAINING]


def test_a_surplus_that_stands_by_is_drained_first() -> None:
    """It may have open requests of before; one that only starts is of less use to the slot."""
    made = decide(twice(SKETCH.see("1 new a serving", "2 new b serving", "3 new a ready"), 3, 1))
    assert [step.instance for step in made.steps if isinstance(step, Drain)] == ["i-3"]
    made = decide(twice(SKETCH.see("1 new a ready", "2 new b serving", "3 new a unknown 0 5"), 3, 1))
    assert ended(made) == ["i-3"]


def test_a_revision_is_not_proven_beside_a_surplus() -> None:
    """The fleet is not yet alone."""
    seen = twice(SKETCH.see("1 new a serving", "2 new b serving", "3 new a unknown 0 5"), 3, 1)
    assert decide(seen, replace(TARGET, proven=())).proven is None
