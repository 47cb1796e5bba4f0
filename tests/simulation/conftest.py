"""The real controller on a simulated stage."""

from collections.abc import Callable, Sequence
from typing import Protocol

import pytest
from storytelling import Story, Tells

from repave.controller.converge import Controller
from repave.controller.pace import Pace
from repave.controller.ports import Declared, Ports
from repave.controller.tick import Tick
from repave.simulation.life import ObserversClock
from repave.simulation.stage import Stage
from repave.simulation.world import World


class Puts(Protocol):
    """Puts a controller of this name on a stage; whoever acted there before is dead."""

    def __call__(
        self, stage: Stage, holder: str, on_tick: Callable[[Tick], None], others: Sequence[Stage] = ()
    ) -> Controller:
        """Each tick is told. ``others`` share its world and store."""
        ...


@pytest.fixture(scope="session")
def controller_on() -> Puts:
    """How controllers come on stage."""

    def put(stage: Stage, holder: str, on_tick: Callable[[Tick], None], others: Sequence[Stage] = ()) -> Controller:
        ports = Ports(
            store=stage.store,
            machines=stage.provider,
            traffic=stage.balancer,
            secrets=stage.secrets,
            clock=ObserversClock(stage.world),
            metrics=(stage.metrics,),
        )
        stages = {each.fleet: each for each in (stage, *others)}
        return Controller(
            ports,
            Declared(policy=lambda fleet: stages[fleet].policy, frontend=stage.frontend),
            holder=holder,
            on_tick=on_tick,
            pace=Pace(parallel=1),
            is_dead=lambda other: other != holder,
        )

    return put


@pytest.fixture
def tells(controller_on: Puts) -> Tells:
    """How stories begin: their fleets run six of r1 each."""

    def tell(title: str, *stages: Stage) -> Story:
        story = Story(controller_on, title, stages or [Stage(world=World(seed=1))])
        for stage in story.stages:
            stage.want(1, 6)
        story.before()
        return story

    return tell
