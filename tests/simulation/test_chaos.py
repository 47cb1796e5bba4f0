"""The real controller over the simulated world on bad days: safety always, convergence once they are over."""

from collections.abc import Callable
from dataclasses import replace
from random import Random

import pytest

from repave.controller.converge import Controller
from repave.controller.tick import Tick
from repave.model.amount import Amount
from repave.model.plan import Phase
from repave.model.policy import RolloutPolicy
from repave.planner.strategies import STRATEGIES
from repave.simulation.chaos.trouble import flaky
from repave.simulation.stage import POLICY, Stage
from repave.simulation.world import ControllerKilled, Fault, World

PATIENCE_SECONDS = 3600.0


class Lives:
    """A stage with a controller on it, replaced whenever it is killed."""

    def __init__(self, put: Callable[..., Controller], stage: Stage) -> None:
        self._put = put
        self._stage = stage
        self.ticks: list[Tick] = []
        self._lives = 0
        self._controller = self._new()

    def run(self, seconds: float) -> None:
        """Let it act for so long."""
        clock = self._stage.world.clock
        begun = clock.now()

        def over() -> bool:
            return (clock.now() - begun).total_seconds() >= seconds

        while not over():
            try:
                self._controller.keep([self._stage.fleet], until=over)
            except ControllerKilled:
                clock.sleep(0.1)
                self._controller = self._new()

    def converge(self) -> Phase | None:
        """Let it act to the end."""
        (result,) = self._controller.converge([self._stage.fleet], timeout_seconds=PATIENCE_SECONDS)
        return None if result.timed_out else result.phase

    def _new(self) -> Controller:
        self._lives += 1
        return self._put(self._stage, f"life {self._lives}", self.ticks.append)


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("unavailable", [0, 1])
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_rollout_never_costs_a_request(
    controller_on: Callable[..., Controller], strategy: str, seed: int, unavailable: int
) -> None:
    """Promise 12: calls fail, the controller dies, the balancer lags; yet never fewer answer than allowed."""
    # Canaries take all their steps, and what was kept is let go, while things fail.
    waits = RolloutPolicy(pause_seconds=20.0, keep_seconds=60.0)
    rollout = replace(waits, strategy=strategy, unavailable=Amount(value=unavailable))
    policy = replace(POLICY, rollout=rollout)
    stage = Stage(world=World(seed=seed), policy=policy)
    lives = Lives(controller_on, stage)
    stage.want(1, 4)
    assert lives.converge() is Phase.CONVERGED
    fewest = 4

    def watch(number: int, name: str, chance: Random) -> Fault | None:
        nonlocal fewest
        fewest = min(fewest, len(stage.balancer.serving(stage.fleet)))
        return faults(number, name, chance)

    faults = flaky((0.0, 0.05, 0.2)[seed % 3])
    stage.world.balancer_delay_seconds = (0.0, 4.0)[seed % 2]
    stage.world.fault = watch
    stage.want(2, 4)
    lives.run(120)
    stage.world.fault = None
    assert lives.converge() is Phase.CONVERGED, lives.ticks[-1].plan
    assert not stage.astray(), stage.astray()
    assert not stage.doubled()
    assert fewest >= 4 - unavailable, f"only {fewest} of 4 answered"
