"""What `repave protect` and `repave unprotect` share."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

from repave.cli.codes import OK
from repave.cli.opening import opened
from repave.cli.parameters import Argument
from repave.cli.screen import Screen
from repave.cli.settling import carrying_on
from repave.config.policies import environment_named
from repave.operations.keys import fleets_of
from repave.operations.wishes import Named, Wished, Wishing, instance_named
from repave.ports.clock import Clock

InstanceArgument = Annotated[str, Argument(help="An instance or its slot, such as web-3.", metavar="INSTANCE")]

Wish = Callable[[Wishing, Named, Clock], Wished]


def wish(environment: str, name: str, do: Wish, *, as_json: bool, file: Path | None) -> int:
    """Find the instance, write the wish down, and say what holds now."""
    screen = Screen(as_json=as_json)
    with opened(file) as wiring:
        where = environment_named(wiring.project, environment)
        one = instance_named(fleets_of(wiring.project, where), wiring.store, name)
        told = do(Wishing(wiring.store, wiring.clock), one, wiring.clock)
        next_step = carrying_on(wiring, where)
    screen.answer(told)
    until = f"protected until {told.protected_until.isoformat(timespec='seconds')}" if told.protected_until else ""
    screen.show(f"{told.environment}/{told.fleet}: {told.slot} is {until or 'not protected'}")
    screen.hint(f"`{next_step}` carries on with it, unless one runs with --watch")
    return OK
