"""A size that follows its load on bad days: whatever fails, it stays in its range, and settles once it is over."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from repave.controller.converge import Controller
from repave.controller.tick import Tick
from repave.model.amount import Amount
from repave.model.policy import BudgetPolicy
from repave.model.scaling import MetricTarget, ScalePolicy
from repave.simulation.chaos.trouble import flaky
from repave.simulation.life import Life
from repave.simulation.stage import POLICY, Stage
from repave.simulation.world import ControllerKilled, World
from repave.wiring.simulating import cast

SCALE = ScalePolicy(
    lowest=3,
    highest=9,
    targets=(MetricTarget(metric="requests_per_instance", value=10),),
    in_after_seconds=60.0,
    in_per_hour=Amount(value=100, percent=True),
    cool_down_seconds=20.0,
    window_seconds=12.0,
)
BUDGET = BudgetPolicy(gentle_per_hour=Amount(value=100, percent=True))
"""Or evening out the zones, which comes before taking away, would take hours."""

DEEDS = 20


class Days:
    """A fleet with a controller, which another follows whenever it is killed."""

    def __init__(self, put: Callable[..., Controller], seed: int) -> None:
        self.stage = Stage(world=World(seed=seed), policy=replace(POLICY, scale=SCALE, budget=BUDGET))
        self.sizes: list[int] = []
        self.releases = 1
        self._put = put
        self._lives = 0
        self._controller = self._born()

    def run(self, seconds: float) -> None:
        """So long."""
        clock = self.stage.world.clock
        begun = clock.now()

        def over() -> bool:
            return (clock.now() - begun).total_seconds() >= seconds

        while not over():
            try:
                self._controller.keep([self.stage.fleet], until=over)
            except ControllerKilled:
                clock.sleep(0.1)
                self._controller = self._born()

    def deeds(self) -> Iterator[Callable[[], None]]:
        """Bad ones and good ones, by chance."""
        world = self.stage.world
        every = (self.load, self.load, self.load, self.silence, self.zone, self.deploy, self.calls)
        for _ in range(DEEDS):
            yield world.chance.choice(every)

    def load(self) -> None:
        """Some other load, from none to more than all together may answer."""
        rate = self.stage.world.chance.choice((0.0, 15.0, 33.0, 60.0, 74.0, 120.0))
        self.stage.world.load[self.stage.fleet] = lambda _: rate

    def silence(self) -> None:
        """What measures falls silent, or speaks again."""
        self.stage.world.unmeasured = "" if self.stage.world.unmeasured else "the monitoring system is down"

    def zone(self) -> None:
        """A zone is lost, or comes back."""
        zone = self.stage.world.chance.choice(self.stage.policy.zones)
        if zone in self.stage.world.stopped_zones:
            self.stage.world.start_zone(zone)
        else:
            self.stage.world.stop_zone(zone)

    def deploy(self) -> None:
        """A good release, as `repave deploy` writes it down: at the size of now."""
        self.releases += 1
        self.stage.want(self.releases, self.stage.target.size)

    def calls(self) -> None:
        """Some of the calls fail, or the controller is killed at one of them."""
        self.stage.world.fault = flaky(self.stage.world.chance.choice((0.0, 0.02, 0.1)))

    def rest(self, seconds: float) -> None:
        """So long without a fault: one acts that looks when something changes, as those of `repave simulate`."""
        clock = self.stage.world.clock
        over = clock.now() + timedelta(seconds=seconds)
        self._lives += 1
        life = Life(self.stage, f"life {self._lives}", lambda _: None, jumping=True)
        unhurried = cast(life, lambda decision: self.sizes.append(decision.target.size))
        unhurried.keep([self.stage.fleet], until=lambda: clock.now() >= over)

    def end(self) -> None:
        """Nothing bad happens any more."""
        self.stage.world.fault, self.stage.world.unmeasured = None, ""
        for zone in self.stage.policy.zones:
            self.stage.world.start_zone(zone)

    def _born(self) -> Controller:
        self._lives += 1
        return self._put(self.stage, f"life {self._lives}", self._tick)

    def _tick(self, tick: Tick) -> None:
        self.sizes.append(tick.target.size)


@pytest.mark.parametrize("seed", range(6))
def test_whatever_happens_the_size_is_in_its_range_and_settles(
    controller_on: Callable[..., Controller], seed: int
) -> None:
    """Every plan passes the checker on the way; in the end the size is that of the load, and nothing moves any more."""
    days = Days(controller_on, seed)
    days.stage.want(1, 6)
    days.run(30)
    for deed in days.deeds():
        deed()
        days.run(40)
    days.end()
    days.stage.world.load[days.stage.fleet] = lambda _: 70.0
    days.rest(1200)
    assert days.stage.target.size == 7
    assert not days.stage.astray(), days.stage.astray()
    assert set(days.sizes) <= set(range(SCALE.lowest, SCALE.highest + 1))
    generation = days.stage.target.generation
    days.rest(600)
    assert days.stage.target.generation == generation, "something moves under a constant load"
