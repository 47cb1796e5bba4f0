"""``repave status``."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

from repave.cli.codes import OK
from repave.cli.opening import opened
from repave.cli.options import File, Json, OptionalEnvironment
from repave.cli.parameters import Option
from repave.cli.phrases import ago, lasting, listed, stranger_words
from repave.cli.screen import Screen
from repave.cli.verbs import example
from repave.model.names import EnvironmentName
from repave.operations.status import FleetStatus, SizingStatus, fleet_statuses
from repave.wiring import Wiring

if TYPE_CHECKING:
    from repave.operations.clocks import ExposureClock

Instances = Annotated[bool, Option("--instances", "-i", help="Show every instance too.")]
Exposures = Annotated[
    bool, Option("--exposures", help="Show each flaw that runs, or ran, and by when it is to be gone.")
]


@example(
    "repave status",
    "repave status test --instances",
    "repave status prod --exposures",
    "repave status --json | jq '.fleets[].endpoint'",
)
def status(
    environment: OptionalEnvironment = None,
    *,
    instances: Instances = False,
    exposures: Exposures = False,
    as_json: Json = False,
    file: File = None,
) -> int:
    """Show every fleet as it was last seen: release, health, endpoint.

    Reads the store only, so it answers at once; SEEN says how old the answer is. With --exposures: of each flaw that
    scans found in what runs or ran, when it was published, could be repaired, was locked out, and was gone; what is
    overdue or at risk stands first.
    """
    screen = Screen(as_json=as_json)
    with opened(file) as wiring:
        named = EnvironmentName(environment) if environment else None
        fleets = fleet_statuses(wiring.store, named)
        if not fleets and environment:
            # Only now is the file worth reading: it knows whether the name is wrong or just never deployed.
            from repave.config.policies import environment_named  # noqa: PLC0415 - 100 ms that the usual case saves

            environment_named(wiring.project, environment)
        now = wiring.clock.now()
        clocks = _clocks(wiring, named, now) if exposures else ()
    screen.answer({"fleets": fleets, "exposures": clocks} if exposures else {"fleets": fleets})
    if not fleets:
        screen.say("nothing is deployed yet")
        screen.hint(f"`repave deploy {environment or 'ENVIRONMENT'}`")
        return OK
    screen.table(
        ("FLEET", "RELEASE", "PHASE", "SERVING", "ZONES", "ENDPOINT", "SINCE", "OLDEST", "SEEN"),
        [_row(fleet, now) for fleet in fleets],
    )
    for fleet in fleets:
        if fleet.sizing:
            _show_sizing(fleet, fleet.sizing, now, screen)
        if instances:
            _show_instances(fleet, now, screen)
        _advise(fleet, screen)
    _advise_of_deadlines(fleets, screen)
    if exposures:
        from repave.cli.clocks import show_clocks  # noqa: PLC0415 - as below

        show_clocks(clocks, now, screen)
    return OK


def _clocks(wiring: Wiring, environment: EnvironmentName | None, now: datetime) -> "tuple[ExposureClock, ...]":
    from repave.operations.clocks import exposure_clocks  # noqa: PLC0415 - the file's policies: the usual case needs none

    return exposure_clocks(wiring.store, wiring.project, environment, now)


def _row(fleet: FleetStatus, now: datetime) -> tuple[object, ...]:
    zones = " ".join(f"{zone}:{count}" for zone, count in fleet.zones.items())
    mixed = [f"{release}:{count}" for release, count in fleet.releases.items() if release != fleet.release]
    release = f"{fleet.release} ({', '.join(mixed)} leaving)" if mixed else fleet.release
    return (
        f"{fleet.environment}/{fleet.fleet}",
        release,
        fleet.phase,
        f"{fleet.serving}/{fleet.size}{_range(fleet)}",
        zones or "-",
        fleet.endpoint or "-",
        ago(fleet.since, now),
        lasting((now - fleet.ages.oldest).total_seconds()) if fleet.ages else "-",
        ago(fleet.seen_at, now),
    )


def _range(fleet: FleetStatus) -> str:
    return f" ({fleet.sizing.lowest}..{fleet.sizing.highest})" if fleet.sizing else ""


def _show_sizing(fleet: FleetStatus, sizing: SizingStatus, now: datetime, screen: Screen) -> None:
    """Why it has the size it has."""
    parts = [*sizing.measured]
    parts += [f"changed {ago(sizing.changed_at, now)}: {sizing.reason}"] if sizing.changed_at else []
    if parts:
        screen.show(f"{fleet.environment}/{fleet.fleet} is {fleet.size} of {_range(fleet)[2:-1]}: {'; '.join(parts)}")


def _show_instances(fleet: FleetStatus, now: datetime, screen: Screen) -> None:
    screen.show()
    screen.table(
        (f"{fleet.environment}/{fleet.fleet}", "RELEASE", "ZONE", "STATE", "SINCE", "ADDRESS", "DETAIL"),
        [
            (
                instance.slot,
                instance.release,
                instance.zone,
                instance.state,
                ago(instance.since, now),
                f"{instance.address or '-'}:{instance.port}" if instance.port else "-",
                instance.detail,
            )
            for instance in fleet.instances
        ],
    )


def _advise(fleet: FleetStatus, screen: Screen) -> None:
    if fleet.stopped:
        screen.warn(f"{fleet.environment}/{fleet.fleet} is stopped: {fleet.stopped}")
        which = f"{fleet.environment} {fleet.fleet}"
        screen.hint(f"`repave explain {which}`, `repave logs {which} --failed`")
    if fleet.revoked:
        screen.warn(f"{fleet.environment}/{fleet.fleet} wants {fleet.release}, which is revoked: {fleet.revoked}")
        screen.hint(
            "what serves goes on, nothing of it is started; a good release ends it: `repave patch`, or deploy one"
        )
    if fleet.unknown:
        screen.warn(f"{fleet.environment}/{fleet.fleet}: {stranger_words(fleet.unknown)}")
    if fleet.incomplete:
        screen.warn(f"not all of {fleet.environment}/{fleet.fleet} could be seen: {fleet.incomplete}")


def _advise_of_deadlines(fleets: Sequence[FleetStatus], screen: Screen) -> None:
    """Once of each, however many fleets it is said of: a flaw of one release is a flaw of all that run it."""
    holders: dict[str, list[FleetStatus]] = {}
    for fleet in fleets:
        for words in fleet.deadlines:
            holders.setdefault(words, []).append(fleet)
    for words, found in holders.items():
        screen.warn(f"{listed([f'{fleet.environment}/{fleet.fleet}' for fleet in found])}: {words}")
    if first := next((fleet for fleet in fleets if fleet.deadlines), None):
        screen.hint(
            f"`repave explain {first.environment} {first.fleet}`; `repave patch` where nothing repaired is wanted"
        )
