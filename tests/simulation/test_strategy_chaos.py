"""Every strategy on bad days of the simulated world: what must never happen does not, whoever takes over how."""

from dataclasses import replace
from datetime import timedelta

import pytest

from repave.model.policy import RolloutPolicy
from repave.planner.strategies import STRATEGIES
from repave.simulation.chaos.kinds import KINDS
from repave.simulation.theatre import Script, Theatre
from repave.wiring.simulating import cast

BAD_DAYS = Script(instances=12, days=6)
CLOCK_KEPT = tuple(kind for kind in KINDS.values() if kind.name != "clock")
SHORT = Script(instances=6, days=0.02, haste=8, bound=timedelta(minutes=15), kinds=CLOCK_KEPT)


def played(script: Script, strategy: str, *, jumping: bool = True) -> Theatre:
    """A whole run whose fleet rolls out so, with short waits."""
    theatre = Theatre(script=script, casts=cast, jumping=jumping)
    rollout = RolloutPolicy(strategy=strategy, keep_seconds=300.0, pause_seconds=120.0)
    theatre.stage.policy = replace(theatre.stage.policy, rollout=rollout)
    theatre.play()
    return theatre


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_bad_days_break_no_promise(strategy: str, seed: int) -> None:
    """Never fewer serving than wanted by its own doing, never above its peak, and in the end what is wanted."""
    theatre = played(replace(BAD_DAYS, seed=seed, controllers=1 + seed % 2), strategy)
    assert not theatre.watch.broken, [str(broken) for broken in theatre.watch.broken]


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_bad_days_of_a_fleet_that_waits_for_another_break_no_promise(strategy: str) -> None:
    """Every release starts in turn, and in the end both fleets are as wanted."""
    theatre = played(replace(BAD_DAYS, first=4, seed=7), strategy)
    assert not theatre.watch.broken, [str(broken) for broken in theatre.watch.broken]
    assert [len(set(stage.releases())) for stage in theatre.stage.all] == [1, 1]


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_every_wait_wakes_in_time(strategy: str) -> None:
    """Pauses of steps and the time a group is kept end when they say: looking every second changes nothing."""
    told = []
    for jumping in (True, False):
        events = played(SHORT, strategy, jumping=jumping).stage.store.events(limit=100_000)
        told.append([f"{event.at:%H:%M:%S} {event.kind}: {event.message}" for event in events])
    assert told[0] == told[1]
