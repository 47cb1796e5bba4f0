"""The real controller in a simulated world."""

from collections.abc import Callable

from repave.controller.collecting import uncollected
from repave.controller.converge import Controller
from repave.controller.pace import Pace
from repave.controller.ports import Declared, Ports
from repave.controller.tick import Tick
from repave.simulation.life import LOOK, Decision, Life
from repave.simulation.theatre import Script, Theatre

FAR_SECONDS = 366 * 86_400.0
"""A controller that is woken when something changes need not look for a year."""


def played(script: Script) -> Theatre:
    """One run of the script, to its end. Raises UnsafePlan, where the planner itself is found wrong."""
    theatre = Theatre(script=script, casts=cast)
    with uncollected():
        theatre.play()
    return theatre


def cast(life: Life, told: Callable[[Decision], None]) -> Controller:
    """A controller that lives this life; every decision is told.

    Leases are believed to be of the dead: nothing but generations may keep two controllers apart.
    """
    stage = life.stage

    def decided(tick: Tick) -> None:
        if tick.plan is not None and tick.observation is not None and not tick.overtaken:
            told(Decision(target=tick.target, observation=tick.observation, plan=tick.plan))

    return Controller(
        Ports(
            store=life.store,
            machines=stage.provider,
            traffic=life.traffic,
            secrets=stage.secrets,
            clock=life.clock,
            metrics=(stage.metrics,),
        ),
        Declared(policy=lambda fleet: stage.of(fleet).policy, frontend=stage.frontend),
        holder=life.name,
        on_tick=decided,
        pace=_pace(life),
        is_dead=lambda other: other != life.name,
    )


def _pace(life: Life) -> Pace:
    look = LOOK.total_seconds()
    unhurried = FAR_SECONDS if life.jumping else look
    return Pace(
        parallel=1,
        acted_seconds=look,
        again_seconds=look,
        stumbling_seconds=look,
        moving_seconds=unhurried,
        blind_seconds=unhurried,
        following_seconds=unhurried,
        resting_seconds=unhurried,
        rest=life.rest,
    )
