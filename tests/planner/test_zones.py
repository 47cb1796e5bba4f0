"""A zone that is lost: what is made up for elsewhere, what is left alone, what speaks of no revision."""

from dataclasses import replace

import pytest

from repave.model.disruption import Drawer
from repave.model.names import ReleaseNumber, RevisionId, ZoneName
from repave.model.observation import Observation
from repave.model.plan import Drain, Launch, Phase, Plan, Rule
from repave.model.policy import FleetPolicy
from repave.model.target import FailureKind, Target, ZoneOut
from repave.planner.check import UnsafePlan, check
from repave.planner.fleet import plan
from repave.simulation.sketch import Sketch

SKETCH = Sketch()
POLICY = FleetPolicy(fleet=SKETCH.fleet, zones=tuple(ZoneName(name) for name in "abc"))
SETTLED = Target(
    fleet=SKETCH.fleet,
    generation=5,
    revision=RevisionId("new"),
    release=ReleaseNumber(3),
    size=9,
    since=SKETCH.ago(7000),
    next_slot=20,
    proven=(SKETCH.proof("old"), SKETCH.proof("new", 6900)),
)
ROLLING = replace(SETTLED, since=SKETCH.ago(60), proven=(SKETCH.proof("old"),))
"""The new release is on its way."""


def decide(seen: Observation, target: Target = SETTLED, policy: FleetPolicy = POLICY) -> Plan:
    """The plan, which the checker accepts."""
    made = plan(policy, target, seen, SKETCH.now)
    check(made, policy, target, seen, SKETCH.now)
    return made


def zones(made: Plan) -> list[str]:
    """Where instances are launched."""
    return [step.zone for step in made.steps if isinstance(step, Launch)]


def three_each(state: str, zone: str, revision: str = "new") -> Observation:
    """Nine, three in each zone; those of one zone stand otherwise."""
    return SKETCH.see(
        *(
            f"{number} {revision} {'abc'[number % 3]} {state if 'abc'[number % 3] == zone else 'serving'}"
            for number in range(1, 10)
        )
    )


@pytest.mark.parametrize("state", ["failing 1", "stopped"])
def test_a_lost_zone_is_made_up_for_at_once_in_the_others(state: str) -> None:
    """All three: the healing limit (here two) is for alarms that may be false, and a silent zone is none."""
    made = decide(three_each(state, "c"))
    assert sorted(zones(made)) == ["a", "a", "b"]
    assert [failure.kind for failure in made.failures] == [FailureKind.ZONE_LOST] * 3
    assert not made.heals
    assert Rule.HEALING_LIMIT not in {hold.rule for hold in made.holds}


def test_one_zone_that_is_ill_says_nothing_of_a_revision_on_its_way() -> None:
    """Three of the new release go down with their zone: it is neither stopped nor rolled back, and goes on."""
    lines = [f"{number} new {'abc'[number % 3]} serving" for number in range(1, 7)]
    lines = [line.replace("c serving", "c failing 1") for line in lines]
    made = decide(SKETCH.see(*lines, "7 old a serving", "8 old b serving", "9 old a serving"), ROLLING)
    assert {failure.kind for failure in made.failures} == {FailureKind.ZONE_LOST}
    assert not made.stop
    assert made.retarget is None
    assert set(zones(made)) <= {"a", "b"}
    assert zones(made)


def test_while_old_ones_serve_in_the_zone_it_is_the_revision() -> None:
    """Two new ones that fell sick beside an old one that serves: they are judged, and it goes back."""
    seen = SKETCH.see("1 new c failing 1 30", "2 new c failing 1 30", "3 old c serving", "4 old a serving")
    made = decide(seen, replace(ROLLING, size=4))
    assert made.retarget is not None
    assert {failure.kind for failure in made.failures} == {FailureKind.SICK}


def test_what_never_served_says_nothing_of_its_zone() -> None:
    """Two of a new release that never came up, alone in their zone: the release is judged by them."""
    seen = SKETCH.see("1 new c stopped 1 30", "2 new c stopped 1 30", "3 old a serving", "4 old b serving")
    made = decide(seen, replace(ROLLING, size=4))
    assert made.retarget is not None


def test_when_nobody_serves_anywhere_it_is_not_the_zones() -> None:
    """Healing keeps its limit: all zones at once is an alarm that may be false."""
    seen = SKETCH.see(*(f"{number} new {'abc'[number % 3]} failing 1" for number in range(1, 10)))
    made = decide(seen)
    assert len(made.heals) == 2
    assert FailureKind.ZONE_LOST not in {failure.kind for failure in made.failures}


def test_one_alone_is_not_a_zone() -> None:
    """One instance in each zone: its loss is its own."""
    seen = SKETCH.see("1 new a serving", "2 new b serving", "3 new c failing 1")
    made = decide(seen, replace(SETTLED, size=3))
    assert {failure.kind for failure in made.failures} == {FailureKind.RELAPSED}


def test_a_zone_that_was_lost_is_left_alone_and_longer_each_time() -> None:
    """Half a minute, then a minute; until then the fleet is as wanted without it, and it is told until when."""
    seen = SKETCH.see(*(f"{number} new {'ab'[number % 2]} serving" for number in range(1, 10)))
    lost = SKETCH.failed(3, FailureKind.ZONE_LOST, 130, zone="c")
    again = SKETCH.failed(30, FailureKind.ZONE_LOST, 50, zone="c")
    made = decide(seen, replace(SETTLED, failures=(lost, again)))
    assert made.phase is Phase.CONVERGED
    assert not made.steps
    [hold] = made.holds
    assert hold.until == again.at + (SKETCH.now - SKETCH.ago(120))
    assert made.wake_at == hold.until


def test_one_that_does_not_come_up_in_a_zone_lost_lately_shuts_it_again() -> None:
    """The zone was tried and is still ill: that is no failure of the revision, nor a reason to pause healing."""
    lines = [f"{number} new {'ab'[number % 2]} serving" for number in range(1, 10)]
    lost = SKETCH.failed(3, FailureKind.ZONE_LOST, 400, zone="c")
    made = decide(SKETCH.see(*lines, "31 new c checking 61 61"), replace(SETTLED, failures=(lost,)))
    assert [failure.kind for failure in made.failures] == [FailureKind.ZONE_LOST]
    assert not zones(made)


def out(zone: str = "c", *, for_seconds: float | None = None) -> ZoneOut:
    """A person took it out a minute ago."""
    until = None if for_seconds is None else SKETCH.ago(-for_seconds)
    return ZoneOut(zone=ZoneName(zone), since=SKETCH.ago(60), until=until, reason="power works")


def test_what_runs_in_a_zone_that_was_taken_out_is_replaced_elsewhere_first() -> None:
    """As far as the surge allows; nobody leaves before another serves, and then the person's wish is the drawer."""
    target = replace(SETTLED, zones_out=(out(),))
    first = decide(three_each("serving", "c"), target)
    assert sorted(zones(first)) == ["a", "a", "b"]
    assert not [step for step in first.steps if isinstance(step, Drain)]
    lines = [f"{number} new {'abc'[number % 3]} serving" for number in range(1, 10)]
    second = decide(SKETCH.see(*lines, "20 new a serving", "21 new b serving"), target)
    assert [draw.drawer for draw in second.draws if draw.granted] == [Drawer.OPERATOR] * 2
    drained = {step.slot for step in second.steps if isinstance(step, Drain)}
    assert drained < {"web-2", "web-5", "web-8"}
    assert second.phase is Phase.RENEWING


def test_a_fleet_rests_without_a_zone_that_was_taken_out() -> None:
    """As wanted, even if uneven; it is told which zone is out, why, and until when; then it wakes."""
    seen = SKETCH.see(*(f"{number} new {'ab'[number % 2]} serving" for number in range(1, 10)))
    made = decide(seen, replace(SETTLED, zones_out=(out(for_seconds=3600),)))
    assert made.phase is Phase.CONVERGED
    [hold] = made.holds
    assert (hold.rule, hold.until) == (Rule.ZONE_OUT, SKETCH.ago(-3600))
    assert "power works" in hold.detail
    assert made.wake_at == hold.until


def test_a_zone_whose_time_is_over_is_used_again() -> None:
    """Evened out one at a time, launch first."""
    seen = SKETCH.see(*(f"{number} new {'ab'[number % 2]} serving" for number in range(1, 10)))
    made = decide(seen, replace(SETTLED, zones_out=(out(for_seconds=-1),)))
    assert zones(made) == ["c"]


def test_a_release_rolls_out_without_a_zone_that_was_taken_out() -> None:
    """The old ones there leave first: two reasons, and a person's is the more urgent."""
    lines = [f"{number} old {'abc'[number % 3]} serving" for number in range(1, 10)]
    target = replace(ROLLING, zones_out=(out(),))
    made = decide(SKETCH.see(*lines, "20 new a serving", "21 new b serving", "22 new a serving"), target)
    drained = {step.slot for step in made.steps if isinstance(step, Drain)}
    assert drained == {"web-2", "web-5", "web-8"}
    assert "c" not in zones(made)


def test_the_checker_stops_a_launch_in_a_zone_that_was_taken_out() -> None:
    """Whatever made the planner think of it."""
    seen = three_each("stopped", "a")
    made = plan(POLICY, SETTLED, seen, SKETCH.now)
    taken = replace(SETTLED, zones_out=(out("b"), out("c")))
    with pytest.raises(UnsafePlan, match="which a person took out"):
        check(made, POLICY, taken, seen, SKETCH.now)
