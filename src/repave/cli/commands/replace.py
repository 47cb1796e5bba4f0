"""``repave replace``."""

from collections.abc import Iterable
from typing import Annotated

from repave.cli.opening import opened
from repave.cli.options import EnvironmentArgument, File, Json, Reason
from repave.cli.parameters import Argument, Option
from repave.cli.screen import Screen
from repave.cli.settling import settle, tell_settled
from repave.cli.verbs import example
from repave.config.policies import environment_named
from repave.model.names import FleetKey
from repave.model.project import Environment
from repave.operations.errors import Refused
from repave.operations.keys import fleets_of
from repave.operations.wishes import Wished, Wishing, fleets_running, instance_named
from repave.wiring import Wiring

Instance = Annotated[str | None, Argument(help="An instance or its slot, such as web-3.", metavar="INSTANCE")]
OfFleet = Annotated[str | None, Option("--fleet", help="All instances of this fleet.", metavar="FLEET")]
All = Annotated[bool, Option("--all", help="All instances of the environment.")]


@example(
    'repave replace prod web-3 --reason "it is slow"',
    'repave replace prod --fleet web --reason "the database has a new password"',
)
def replace(
    environment: EnvironmentArgument,
    instance: Instance = None,
    *,
    fleet: OfFleet = None,
    everybody: All = False,
    reason: Reason = "",
    as_json: Json = False,
    file: File = None,
) -> int:
    """Have instances replaced by others of the same release: launched first, then drained.

    Of a whole fleet, as many at a time as in a roll-out, and those that are protected stay. One that is named goes also
    when it is protected or looks sick past the healing limit. New ones read each secret anew.
    """
    if sum((instance is not None, fleet is not None, everybody)) != 1:
        raise Refused(
            "`repave replace` needs one of: an instance, --fleet, --all",
            hint=f"`repave status {environment}` lists them",
        )
    screen = Screen(as_json=as_json)
    with opened(file) as wiring:
        where = environment_named(wiring.project, environment)
        asked = _ask(wiring, where, instance, fleet, reason)
        if instance is None:
            _tell_who_stays(wiring, fleets_of(wiring.project, where, only=fleet), screen)
        keys = tuple(key for key in fleets_of(wiring.project, where) if any(one.fleet == key.fleet for one in asked))
        settled = settle(wiring, where, keys, screen, kept="who is to be replaced is kept")
    screen.answer({"environment": where.name, "asked": asked, "fleets": settled})
    return tell_settled(settled, screen)


def _ask(
    wiring: Wiring, environment: Environment, instance: str | None, fleet: str | None, reason: str
) -> tuple[Wished, ...]:
    wishing = Wishing(wiring.store, wiring.clock)
    keys = fleets_running(fleets_of(wiring.project, environment, only=fleet), wiring.store)
    if instance is not None:
        return (wishing.replace(instance_named(keys, wiring.store, instance), reason=reason),)
    with wiring.store.together():
        return tuple(one for key in keys for one in wishing.replace_all(key, reason=reason))


def _tell_who_stays(wiring: Wiring, fleets: Iterable[FleetKey], screen: Screen) -> None:
    now = wiring.clock.now()
    for key in fleets:
        for known in target.protections if (target := wiring.store.target(key)) else ():
            if known.until > now:
                screen.warn(f"{known.slot} stays: it is protected until {known.until.isoformat(timespec='seconds')}")
