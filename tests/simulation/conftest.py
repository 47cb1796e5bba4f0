"""The real controller on a simulated stage."""

from collections.abc import Callable
from typing import Protocol

import pytest

from repave.controller.converge import Controller
from repave.controller.pace import Pace
from repave.controller.ports import Declared, Ports
from repave.controller.tick import Tick
from repave.simulation.stage import Stage


class Puts(Protocol):
    """Puts a controller of this name on a stage; whoever acted there before is dead."""

    def __call__(self, stage: Stage, holder: str, on_tick: Callable[[Tick], None]) -> Controller:
        """Each tick is told."""
        ...


@pytest.fixture(scope="session")
def controller_on() -> Puts:
    """How controllers come on stage."""

    def put(stage: Stage, holder: str, on_tick: Callable[[Tick], None]) -> Controller:
        ports = Ports(
            store=stage.store,
            machines=stage.provider,
            traffic=stage.balancer,
            secrets=stage.secrets,
            clock=stage.world.clock,
            metrics=(stage.metrics,),
        )
        return Controller(
            ports,
            Declared(policy=lambda _: stage.policy, frontend=stage.frontend),
            holder=holder,
            on_tick=on_tick,
            pace=Pace(parallel=1),
            is_dead=lambda other: other != holder,
        )

    return put
