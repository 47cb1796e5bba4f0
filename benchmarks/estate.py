"""How long it takes to decide the replacement of a whole estate: a hundred thousand instances in a thousand fleets.

The real controller, planner and checker over the simulated world, with a store in memory: every fleet runs the first
release, the second is wanted of all of them at once, and the clock runs until every fleet says that it is carried. The
time is the wall's, on one core, and holds the simulation's own share. A decision is an instance that is launched,
drained or ended.
"""

import argparse
import cProfile
import pstats
import resource
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from figures import Figure, at_least, report, told

from repave.controller.converge import Controller
from repave.controller.pace import Pace
from repave.controller.ports import Declared, Ports
from repave.controller.tick import Tick
from repave.model.names import FleetKey, FleetName
from repave.model.plan import Drain, Launch, Phase, Terminate
from repave.model.policy import FleetPolicy
from repave.ports.traffic import Frontend
from repave.simulation.memory.store import MemoryStore
from repave.simulation.stage import POLICY, Stage
from repave.simulation.world import World

FLEETS, SIZE = 1_000, 100
GROWTH = (10, 100)
"""Fleets of the smaller estates that show how it grows."""

DECISIONS_PER_SECOND = 1_000.0
DECISIVE = (Launch, Drain, Terminate)
PATIENCE_SECONDS = 7 * 86_400.0
SHOWN = 25
"""Lines of a profile."""


@dataclass(kw_only=True)
class Estate:
    """So many fleets in one world, kept by one controller."""

    fleets: int
    size: int
    world: World = field(default_factory=World)
    store: MemoryStore = field(default_factory=MemoryStore)
    ticks: int = 0
    decisions: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        """Nothing is wanted yet."""
        keys = [replace(POLICY.fleet, fleet=FleetName(f"web-{number:04}")) for number in range(self.fleets)]
        policies = [replace(POLICY, fleet=key) for key in keys]
        self.stages = {policy.fleet: Stage(world=self.world, store=self.store, policy=policy) for policy in policies}
        stage = next(iter(self.stages.values()))
        ports = Ports(
            store=self.store,
            machines=stage.provider,
            traffic=stage.balancer,
            secrets=stage.secrets,
            clock=self.world.clock,
            metrics=(stage.metrics,),
        )
        declared = Declared(policy=self._policy, frontend=self._frontend)
        self._controller = Controller(
            ports, declared, holder="one", on_tick=self._ticked, pace=Pace(parallel=1, moving_seconds=0.5)
        )

    def move(self, release: int) -> None:
        """Want this release everywhere, and act until it is so. Raises RuntimeError when some fleet is not."""
        for stage in self.stages.values():
            stage.want(release, self.size)
        ended = self._controller.converge(self.stages, timeout_seconds=PATIENCE_SECONDS)
        astray = [one for one in ended if one.phase is not Phase.CONVERGED or one.release != release]
        if astray:
            raise RuntimeError(f"{len(astray)} fleets do not run r{release}; the first: {astray[0]}")

    def _ticked(self, tick: Tick) -> None:
        self.ticks += 1
        if tick.plan is not None:
            self.decisions.update(step.kind for step in tick.plan.steps if isinstance(step, DECISIVE))

    def _policy(self, fleet: FleetKey) -> FleetPolicy:
        return self.stages[fleet].policy

    def _frontend(self, fleet: FleetKey) -> Frontend:
        return self.stages[fleet].frontend(fleet)


def measure(fleets: int, *, profiled: bool = False) -> list[Figure]:
    """The second release of so many fleets."""
    estate = Estate(fleets=fleets, size=SIZE)
    estate.move(1)
    estate.ticks, estate.decisions = 0, Counter()
    profile = cProfile.Profile()
    if profiled:
        profile.enable()
    began, simulated = time.perf_counter(), estate.world.clock.now()
    estate.move(2)
    seconds = time.perf_counter() - began
    if profiled:
        profile.disable()
        pstats.Stats(profile, stream=sys.stderr).sort_stats("tottime").print_stats(SHOWN)
    words = f"{fleets * SIZE:,} instances in {fleets:,} fleets"
    rate = estate.decisions.total() / seconds
    figures = [
        told(f"first step to last, {words}", seconds, "s"),
        told(f"decisions, {words}", estate.decisions.total(), ""),
        told(f"ticks, {words}", estate.ticks, ""),
        told(f"simulated time, {words}", (estate.world.clock.now() - simulated).total_seconds(), "s"),
        told(f"peak memory, {words}", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6, "MB"),
    ]
    if fleets == FLEETS:
        return [*figures, at_least(f"decisions per second, {words}", rate, "1/s", DECISIONS_PER_SECOND)]
    return [*figures, told(f"decisions per second, {words}", rate, "1/s")]


def main(arguments: Sequence[str]) -> int:
    """Print the figures; 1 when an aim is missed."""
    parser = argparse.ArgumentParser(description="How long the replacement of a whole estate takes to decide.")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--fleets", type=int, help="of this estate only")
    parser.add_argument("--profile", action="store_true", help="print where the time goes, to standard error")
    asked = parser.parse_args(arguments)
    sizes = (asked.fleets,) if asked.fleets else (*GROWTH, FLEETS)
    figures = [figure for fleets in sizes for figure in measure(fleets, profiled=asked.profile)]
    report("estate", figures, asked.json)
    return int(any(figure.holds is False for figure in figures))


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
