"""``repave explain``."""

from datetime import datetime
from typing import Annotated

from repave.cli import holds
from repave.cli.codes import OK
from repave.cli.dates import ages_told
from repave.cli.opening import opened
from repave.cli.options import File, Json, OptionalEnvironment
from repave.cli.parameters import Argument
from repave.cli.phrases import ago, lasting
from repave.cli.screen import Screen
from repave.cli.verbs import example
from repave.config.policies import environment_named
from repave.model.pipeline import Held
from repave.operations.errors import Refused
from repave.operations.explaining import FleetExplanation, explain_fleet
from repave.operations.keys import fleets_of
from repave.wiring import Wiring

FleetArgument = Annotated[str | None, Argument(help="A fleet of it [default: all].", metavar="FLEET")]


@example("repave explain", "repave explain prod web")
def explain(
    environment: OptionalEnvironment = None, fleet: FleetArgument = None, *, as_json: Json = False, file: File = None
) -> int:
    """Name, for everything that waits, the one rule that holds it, since when, and until when.

    What waits in a fleet is told by its last plan; releases that wait before an environment, by what was seen last.
    """
    screen = Screen(as_json=as_json)
    with opened(file) as wiring:
        keys = [
            key
            for key in wiring.store.fleets()
            if environment in {None, key.environment} and fleet in {None, key.fleet}
        ]
        held = () if fleet else _held(wiring, environment, screen)
        if environment and not keys and not held:
            fleets_of(wiring.project, environment_named(wiring.project, environment), only=fleet)
            named = f"{environment}/{fleet}" if fleet else environment
            raise Refused(f"{named} was never deployed", hint="`repave status` lists what was")
        told = [explain_fleet(wiring.store, key) for key in keys]
        now = wiring.clock.now()
    screen.answer({"fleets": told, "held": held})
    for one in told:
        _show(one, now, screen)
    for waiting in held:
        holds.show(waiting, now, screen)
    if not told and not held:
        screen.say("nothing is deployed yet")
    return OK


def _held(wiring: Wiring, environment: str | None, screen: Screen) -> tuple[Held, ...]:
    """Releases that wait before the environment, or before any; nobody is asked where none has a gate."""
    if not any(one.gates.declared for one in wiring.project.environments.values()):
        return ()
    with screen.progress() as progress:
        plan = wiring.promoting.plan(progress)
    return tuple(one for one in plan.held if environment in {None, one.environment})


def _show(told: FleetExplanation, now: datetime, screen: Screen) -> None:
    screen.show(f"{told.environment}/{told.fleet}: {told.phase}, {told.summary or 'no plan yet'}")
    screen.show(f"  planned {ago(told.planned_at, now)}")
    if told.stopped:
        screen.show(f"  stopped: {told.stopped}")
    if told.ages:
        screen.show(f"  {ages_told(told.ages, now)}")
    for wait in told.waits:
        until = f"at most {lasting((wait.until - now).total_seconds())} more" if wait.until else f"until {wait.ends}"
        screen.show(f"  {wait.subject} waits: {wait.sentence}")
        screen.show(f"    rule {wait.rule}, since {lasting((now - wait.since).total_seconds())}, {until}")
        if wait.remedy:
            screen.show(f"    what can be done: {wait.remedy}")
    for step in told.steps:
        screen.show(f"  doing: {step}")
    if not told.waits and not told.steps:
        screen.show("  nothing waits")
