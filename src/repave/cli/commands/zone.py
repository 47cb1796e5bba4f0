"""``repave zone``."""

from typing import Annotated

from repave.cli.codes import OK
from repave.cli.misuse import Misused, no_action
from repave.cli.moments import Until, moment
from repave.cli.opening import opened
from repave.cli.options import File, Json
from repave.cli.parameters import Argument, Option
from repave.cli.phrases import ago
from repave.cli.screen import Screen
from repave.cli.settling import settle, tell_settled
from repave.cli.verbs import example
from repave.config.policies import environment_named
from repave.model.names import FleetKey
from repave.model.project import Environment
from repave.model.target import ZoneOut
from repave.operations.keys import fleets_of
from repave.operations.zones import bring_back, known_zone, take_out, zones_out
from repave.wiring import Wiring

Action = Annotated[str, Argument(help="out, in or list.", metavar="ACTION")]
Where = Annotated[str | None, Argument(help="out, in: an environment of repave.yaml.", metavar="ENVIRONMENT")]
Zone = Annotated[str | None, Argument(help="out, in: one of its zones.", metavar="ZONE")]
Reason = Annotated[str | None, Option("--reason", help="out: why; it is told wherever the zone is missed.")]

ACTIONS = ("out", "in", "list")


@example(
    'repave zone out prod eu-central-1b --reason "power works" --until 4h',
    "repave zone in prod eu-central-1b",
    "repave zone list",
)
def zone(
    action: Action,
    environment: Where = None,
    name: Zone = None,
    *,
    reason: Reason = None,
    until: Until = None,
    as_json: Json = False,
    file: File = None,
) -> int:
    """Move every fleet of an environment out of a zone, or let them use it again.

    `out` launches what runs there in the other zones first, drains it as the others serve, and launches nothing there
    until `in`, or until the time given. After `in` the fleets are evened out one instance at a time.
    """
    screen = Screen(as_json=as_json)
    with opened(file) as wiring:
        match action:
            case "list":
                return _list(wiring, screen)
            case "out" | "in":
                pass
            case _:
                raise no_action("zone", action, ACTIONS)
        if environment is None or name is None:
            raise Misused(f"`repave zone {action}` needs an environment and a zone", hint="`repave zone --help`")
        where, now = environment_named(wiring.project, environment), wiring.clock.now()
        fleets = fleets_of(wiring.project, where)
        if action == "out":
            if not reason:
                raise Misused("`repave zone out` needs a reason", hint='say why: --reason "power works"')
            end = moment("--until", until, now) if until else None
            out = ZoneOut(zone=known_zone(where, name), since=now, until=end, reason=reason)
            take_out(wiring.store, where, fleets, out)
        else:
            bring_back(wiring.store, where, fleets, known_zone(where, name), now)
        return _move(wiring, where, tuple(key for key in fleets if wiring.store.target(key)), screen)


def _move(wiring: Wiring, environment: Environment, fleets: tuple[FleetKey, ...], screen: Screen) -> int:
    """Act until every fleet has moved, and say where it runs now."""
    settled = settle(wiring, environment, fleets, screen, kept="what is wanted of the zone is kept")
    screen.answer(
        {"environment": environment.name, "fleets": settled, "out": zones_out(wiring.store, wiring.clock.now())}
    )
    return tell_settled(settled, screen)


def _list(wiring: Wiring, screen: Screen) -> int:
    now = wiring.clock.now()
    out = zones_out(wiring.store, now)
    screen.answer({"out": out})
    if not out:
        screen.say("no zone is out")
        return OK
    rows = [
        (f"{one.environment}/{one.fleet}", one.zone, ago(one.since, now), one.until or "no end", one.reason)
        for one in out
    ]
    screen.table(("FLEET", "ZONE", "OUT", "UNTIL", "REASON"), rows)
    return OK
