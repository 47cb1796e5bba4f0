"""What `repave pause` and `repave resume` share."""

from dataclasses import dataclass
from pathlib import Path

from repave.cli.codes import OK
from repave.cli.moments import moment
from repave.cli.opening import opened
from repave.cli.screen import Screen
from repave.cli.settling import carrying_on
from repave.config.policies import environment_named
from repave.operations.keys import fleets_of
from repave.operations.pause import pause


@dataclass(frozen=True, kw_only=True)
class Asked:
    """How it was asked for."""

    fleet: str | None
    """One of the environment's, or all."""

    until: str | None
    """As it was written."""

    reason: str


def switch(name: str, asked: Asked, *, paused: bool, as_json: bool, file: Path | None) -> int:
    """Pause or resume every fleet of the environment, or one of them. Raises Refused for a time that is over."""
    screen = Screen(as_json=as_json)
    with opened(file) as wiring:
        where = environment_named(wiring.project, name)
        keys = fleets_of(wiring.project, where, only=asked.fleet)
        now = wiring.clock.now()
        ends = moment("--until", asked.until, now) if asked.until else None
        fleets = pause(keys, wiring.store, wiring.clock, paused=paused, until=ends, reason=asked.reason)
        next_step = carrying_on(wiring, where)
    screen.answer({"fleets": fleets})
    for one in fleets:
        lasts = f" until {one.until.isoformat(timespec='seconds')}" if one.until else ""
        screen.show(f"{one.environment}/{one.fleet} {f'is paused{lasts}' if one.paused else 'goes on'}")
    if not paused:
        screen.hint(f"`{next_step}` carries on with what is wanted")
    return OK
