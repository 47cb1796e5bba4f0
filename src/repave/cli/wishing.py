"""What `repave protect`, `repave unprotect` and `repave replace` share."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

from repave.cli.codes import OK
from repave.cli.opening import opened
from repave.cli.parameters import Argument
from repave.cli.screen import Screen
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
    screen.answer(told)
    until = f"protected until {told.protected_until.isoformat(timespec='seconds')}" if told.protected_until else ""
    holds = until or ("to be replaced" if told.to_be_replaced else "not protected")
    screen.show(f"{told.environment}/{told.fleet}: {told.slot} is {holds}")
    screen.hint(f"`repave deploy {environment}` carries on with it, unless one runs with --watch")
    return OK
