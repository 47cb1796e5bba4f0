"""The real controller over the simulated world on bad days: safety always, convergence once they are over."""

from collections.abc import Callable
from dataclasses import replace
from random import Random

import pytest

from repave.controller.converge import Controller
from repave.controller.tick import Tick
from repave.model.amount import Amount
from repave.model.plan import Phase
from repave.model.policy import FleetPolicy, RolloutPolicy
from repave.simulation.chaos import GOOD, Chaos, flaky
from repave.simulation.stage import POLICY, Stage
from repave.simulation.world import ControllerKilled, Fault, World

KEPT = ()
"""Seeds that once failed."""

PATIENCE_SECONDS = 3600.0


class Theatre:
    """A stage with a controller on it, replaced whenever it is killed."""

    def __init__(self, put: Callable[..., Controller], seed: int, policy: FleetPolicy) -> None:
        self._put = put
        self.stage = Stage(world=World(seed=seed), policy=policy)
        self.chaos = Chaos(stage=self.stage)
        self.ticks: list[Tick] = []
        self.lives = 0
        self._controller = self._new()

    def run(self, seconds: float) -> None:
        """Let it act for so long."""
        clock = self.stage.world.clock
        begun = clock.now()

        def over() -> bool:
            return (clock.now() - begun).total_seconds() >= seconds

        while not over():
            try:
                self._controller.keep([self.stage.fleet], until=over)
            except ControllerKilled:
                clock.sleep(0.1)
                self._controller = self._new()

    def converge(self) -> Phase | None:
        """Let it act to the end."""
        (result,) = self._controller.converge([self.stage.fleet], timeout_seconds=PATIENCE_SECONDS)
        return None if result.timed_out else result.phase

    def story(self) -> str:
        """What was done and what was thought of it last."""
        last = self.ticks[-1].plan if self.ticks else None
        return "\n".join([*self.chaos.told, str(last)])

    def _new(self) -> Controller:
        self.lives += 1
        return self._put(self.stage, f"life {self.lives}", self.ticks.append)


Opens = Callable[..., Theatre]


@pytest.fixture
def opens(controller_on: Callable[..., Controller]) -> Opens:
    """A theatre of this seed, with whatever is special about its policy."""
    return lambda seed, **policy: Theatre(controller_on, seed, replace(POLICY, **policy))


@pytest.mark.parametrize("seed", [*KEPT, *range(40)])
def test_a_bad_day_ends_well(opens: Opens, seed: int) -> None:
    """Promises 4 and 8: whatever happens, in the end exactly what is wanted serves, or a reason says why not."""
    theatre = opens(seed)
    chance = theatre.stage.world.chance
    theatre.chaos.deploy("well")
    assert theatre.converge() is Phase.CONVERGED
    for _ in range(12):
        theatre.chaos.strike()
        theatre.run(chance.choice((0.5, 3.0, 10.0, 40.0)))
    theatre.chaos.end()
    theatre.chaos.deploy(chance.choice(GOOD))
    assert theatre.converge() is Phase.CONVERGED, theatre.story()
    assert not theatre.stage.astray(), f"{theatre.stage.astray()}\n{theatre.story()}"
    assert theatre.stage.target.release == theatre.chaos.releases, "what works was not kept"


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("unavailable", [0, 1])
def test_a_rollout_never_costs_a_request(opens: Opens, seed: int, unavailable: int) -> None:
    """Promise 12: calls fail, the controller dies, the balancer lags; yet never fewer answer than allowed."""
    theatre = opens(seed, rollout=RolloutPolicy(unavailable=Amount(value=unavailable)))
    stage = theatre.stage
    stage.want(1, 4)
    assert theatre.converge() is Phase.CONVERGED
    fewest = 4

    def watch(number: int, name: str, chance: Random) -> Fault | None:
        nonlocal fewest
        fewest = min(fewest, len(stage.balancer.serving(stage.fleet)))
        return faults(number, name, chance)

    faults = flaky((0.0, 0.05, 0.2)[seed % 3])
    stage.world.balancer_delay_seconds = (0.0, 4.0)[seed % 2]
    stage.world.fault = watch
    stage.want(2, 4)
    theatre.run(120)
    stage.world.fault = None
    assert theatre.converge() is Phase.CONVERGED, theatre.story()
    assert not stage.astray(), stage.astray()
    assert fewest >= 4 - unavailable, f"only {fewest} of 4 answered"
