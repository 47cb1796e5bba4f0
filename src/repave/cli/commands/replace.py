"""``repave replace``."""

from collections.abc import Iterable
from typing import Annotated

from repave.cli.misuse import Misused
from repave.cli.opening import opened
from repave.cli.options import EnvironmentArgument, File, Json, Reason
from repave.cli.parameters import Argument, Option
from repave.cli.phrases import listed
from repave.cli.screen import Screen
from repave.cli.settling import settle, tell_settled
from repave.cli.verbs import example
from repave.config.policies import environment_named
from repave.model.names import FleetKey
from repave.operations.keys import fleets_of
from repave.operations.secrets_ahead import read_elsewhere
from repave.operations.status import instance_statuses
from repave.operations.wishes import Named, Wished, Wishing, fleets_running, instance_named
from repave.wiring import Wiring

Instance = Annotated[str | None, Argument(help="An instance or its slot, such as web-3.", metavar="INSTANCE")]
OfFleet = Annotated[str | None, Option("--fleet", help="All instances of this fleet.", metavar="FLEET")]
All = Annotated[bool, Option("--all", help="All instances of the environment.")]


HOST_AND_PROCESS = 2
"""So many parts of a holder's name are for people."""


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
        raise Misused(
            "`repave replace` needs one of: an instance, --fleet, --all",
            hint=f"`repave status {environment}` lists them",
        )
    screen = Screen(as_json=as_json)
    with opened(file) as wiring:
        where = environment_named(wiring.project, environment)
        keys = fleets_running(fleets_of(wiring.project, where, only=fleet), wiring.store)
        named = instance_named(keys, wiring.store, instance) if instance is not None else None
        keys = keys if named is None else (named.fleet,)
        _look_ahead(wiring, keys, screen)
        asked = _ask(wiring, keys, named, reason)
        if named is None:
            _tell_who_stays(wiring, keys, screen)
        settled = settle(wiring, where, keys, screen, kept="who is to be replaced is kept")
    screen.answer({"environment": where.name, "asked": asked, "fleets": settled})
    return tell_settled(settled, screen)


def _look_ahead(wiring: Wiring, fleets: Iterable[FleetKey], screen: Screen) -> None:
    """That secrets can be read, where it is we who read them; where it is not, that their values are another's."""
    targets = {key: target for key in fleets if (target := wiring.store.target(key))}
    revisions = {key: wiring.store.revision(key, target.revision) for key, target in targets.items()}
    wiring.read_ahead(revisions)
    for key, own in read_elsewhere(revisions, wiring.led_by).items():
        who = ":".join(wiring.led_by(key).split(":")[:HOST_AND_PROCESS])
        screen.warn(
            f"another process ({who}) looks after {key.environment}/{key.fleet}, and takes {listed(own)} from the "
            "environment that it was started with, not from this one"
        )
        screen.hint("start it anew with the new values, and replace then")


def _ask(wiring: Wiring, fleets: Iterable[FleetKey], named: Named | None, reason: str) -> tuple[Wished, ...]:
    wishing = Wishing(wiring.store, wiring.clock)
    if named is not None:
        return (wishing.replace(named, reason=reason),)
    with wiring.store.together():
        return tuple(one for key in fleets for one in wishing.replace_all(key, reason=reason))


def _tell_who_stays(wiring: Wiring, fleets: Iterable[FleetKey], screen: Screen) -> None:
    now = wiring.clock.now()
    for key in fleets:
        there = {one.slot for one in instance_statuses(wiring.store.last_seen(key))}
        for known in target.protections if (target := wiring.store.target(key)) else ():
            if known.until > now and known.slot in there:
                screen.warn(f"{known.slot} stays: it is protected until {known.until.isoformat(timespec='seconds')}")
