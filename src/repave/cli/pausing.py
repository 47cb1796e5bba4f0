"""What `repave pause` and `repave resume` share."""

from pathlib import Path

from repave.cli.codes import OK
from repave.cli.opening import opened
from repave.cli.screen import Screen
from repave.config.policies import environment_named
from repave.operations.keys import fleets_of
from repave.operations.pause import pause


def switch(name: str, *, paused: bool, as_json: bool, file: Path | None) -> int:
    """Pause or resume every fleet of the environment."""
    screen = Screen(as_json=as_json)
    with opened(file) as wiring:
        environment = environment_named(wiring.project, name)
        fleets = pause(fleets_of(wiring.project, environment), wiring.store, wiring.clock, paused=paused)
    screen.answer({"fleets": fleets})
    for fleet in fleets:
        screen.show(f"{fleet.environment}/{fleet.fleet} {'is paused' if fleet.paused else 'goes on'}")
    if not paused:
        screen.hint(f"`repave deploy {name}` carries on with what is wanted")
    return OK
