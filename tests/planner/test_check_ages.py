"""The checker refuses plans that break what is promised of ages and deadlines."""

from dataclasses import replace

import pytest

from repave.model.disruption import Drawer
from repave.model.names import ReleaseNumber, RevisionId, ZoneName
from repave.model.plan import Draw, Phase, Plan
from repave.model.policy import AgePolicy, FleetPolicy
from repave.model.target import Target
from repave.planner.check import UnsafePlan, check
from repave.simulation.sketch import Sketch

SKETCH = Sketch()
DAY = 86400.0
SEEN = SKETCH.see(f"1 new a serving 9 {19 * DAY}")
POLICY = FleetPolicy(fleet=SKETCH.fleet, zones=(ZoneName("a"),))
TARGET = Target(
    fleet=SKETCH.fleet,
    generation=7,
    revision=RevisionId("new"),
    release=ReleaseNumber(3),
    size=1,
    since=SKETCH.ago(DAY),
    next_slot=2,
)
EMPTY = Plan(fleet=SKETCH.fleet, parent=7, at=SKETCH.now, phase=Phase.ROLLING, summary="", next_slot=2)


def refused(plan: Plan, age: AgePolicy) -> str:
    """Why."""
    with pytest.raises(UnsafePlan) as broken:
        check(plan, replace(POLICY, age=age), TARGET, SEEN, SKETCH.now)
    return str(broken.value)


def drawn(drawer: Drawer) -> Plan:
    """The instance asks to go by this drawer."""
    return replace(EMPTY, draws=(Draw(slot=SKETCH.slot(1), drawer=drawer, granted=False, reason="it is old"),))


def test_nobody_is_replaced_for_an_age_that_is_not_limited_or_not_reached() -> None:
    """Nor hurried without a deadline."""
    assert "no age is limited" in refused(drawn(Drawer.AGE), AgePolicy())
    assert "is young" in refused(drawn(Drawer.AGE), AgePolicy(soft_seconds=30 * DAY))
    assert "no deadline is known for it" in refused(drawn(Drawer.DEADLINE), AgePolicy(soft_seconds=20 * DAY))


def test_who_is_past_the_hard_limit_is_never_silent() -> None:
    """Neither called as wanted, nor left without a step or a reason."""
    past = AgePolicy(hard_seconds=18 * DAY)
    assert "past the hard limit of its age, and nothing says" in refused(EMPTY, past)
    assert "as wanted, and i-1 is past the hard limit" in refused(replace(EMPTY, phase=Phase.CONVERGED), past)
