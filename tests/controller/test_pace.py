"""When a fleet is looked at again while its new instances are checked."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from convergence import FLEET, OLD, SIZE

from repave.controller.pace import Pace, seconds_to_next
from repave.controller.tick import Tick
from repave.model.names import InstanceId
from repave.model.observation import Backend, MachineSighting, Observation, TrafficSighting, TrafficState
from repave.model.plan import Hold, Phase, Plan, Rule
from repave.model.target import Target

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
TARGET = Target(fleet=FLEET, generation=1, revision=OLD.id, release=OLD.release, size=SIZE, since=NOW)
PACE = Pace(moving_seconds=0.03, resting_seconds=1.0)


def tick(*passes: float | None, rules: tuple[Rule, ...] = (Rule.STARTING,)) -> Tick:
    """One without steps: instances that are checked, and can pass in so many seconds."""
    backends = tuple(
        Backend(
            instance=InstanceId(f"i-{number}"),
            state=TrafficState.CHECKING,
            since=NOW,
            passes_from=None if seconds is None else NOW + timedelta(seconds=seconds),
        )
        for number, seconds in enumerate(passes)
    )
    traffic = TrafficSighting(at=NOW, backends=backends)
    seen = Observation(fleet=FLEET, at=NOW, machines=MachineSighting(at=NOW, instances=()), traffic=traffic)
    holds = tuple(Hold(subject="web-1", rule=rule, detail="", since=NOW) for rule in rules)
    plan = Plan(fleet=FLEET, parent=1, at=NOW, phase=Phase.ROLLING, summary="", holds=holds)
    return Tick(fleet=FLEET, target=TARGET, observation=seen, plan=plan)


@pytest.mark.parametrize(
    ("state", "elapsed", "seconds"),
    [
        (TrafficState.DRAINING, 2.0, 0.03),
        (TrafficState.DRAINING, 20.0, 0.2),
        (TrafficState.CHECKING, 50.0, 0.5),
        (TrafficState.DRAINING, 3600.0, 1.0),
        (TrafficState.SERVING, 3600.0, 0.03),  # another moves, and nobody knows since when
        (TrafficState.DRAINING, -60.0, 0.03),  # a clock that is ahead
    ],
)
def test_what_takes_long_is_looked_at_less_often(state: TrafficState, elapsed: float, seconds: float) -> None:
    """A hundredth of what it has taken already, and at least as often as a fleet that rests."""
    found = tick(rules=(Rule.DRAINING,))
    assert found.observation is not None
    backend = Backend(instance=InstanceId("i-1"), state=state, since=NOW - timedelta(seconds=elapsed))
    seen = replace(found.observation, traffic=TrafficSighting(at=NOW, backends=(backend,)))
    assert seconds_to_next(PACE, replace(found, observation=seen), None, NOW) == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("passes", "rules", "seconds"),
    [
        ((0.51,), (Rule.STARTING,), 0.51),
        ((0.52, 0.51, 0.54), (Rule.STARTING,), 0.54),  # those who come together are seen together
        ((0.51, 0.7), (Rule.STARTING,), 0.51),  # and nobody waits for who comes later
        ((-0.1, 0.51), (Rule.STARTING,), 0.03),  # one can have passed by now
        ((None, 0.51), (Rule.STARTING,), 0.03),  # or nobody knows
        ((), (Rule.STARTING,), 0.03),
        ((0.51,), (Rule.STARTING, Rule.DRAINING), 0.03),
        ((2.5,), (Rule.STARTING,), 1.0),  # what else befalls a fleet is seen as soon as ever
        ((0.51,), (), 1.0),
    ],
)
def test_checks_are_waited_for(passes: tuple[float | None, ...], rules: tuple[Rule, ...], seconds: float) -> None:
    """Nothing is looked at before it can have changed, and then at once."""
    assert seconds_to_next(PACE, tick(*passes, rules=rules), None, NOW) == pytest.approx(seconds)
