"""Taking a zone out by hand, and bringing it back: what a person wants of it; the fleets then move."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from repave.config.errors import UnknownName
from repave.config.problems import nearest, one_of
from repave.model.event import Event
from repave.model.names import FleetKey, ZoneName
from repave.model.project import Environment
from repave.model.target import Target, ZoneOut
from repave.operations.errors import Refused
from repave.ports.store import Store


@dataclass(frozen=True, kw_only=True)
class ZoneStatus:
    """One zone of one fleet that is out."""

    environment: str
    fleet: str
    zone: str
    since: datetime
    until: datetime | None
    reason: str


def take_out(store: Store, environment: Environment, fleets: Iterable[FleetKey], out: ZoneOut) -> None:
    """Take the zone out of every deployed fleet. Raises UnknownName; Refused where no other would be left."""
    known_zone(environment, out.zone)
    targets = _deployed(store, environment, fleets)
    for target in targets:
        others = {each.zone for each in target.zones_out if each.until is None or each.until > out.since}
        if not set(environment.zones) - others - {out.zone}:
            raise Refused(
                f"{out.zone} is the last zone of {target.fleet} that is not out: nothing could run anywhere else",
                hint=f"`repave zone in {environment.name} ZONE` brings another back first",
            )
    for target in targets:
        until = f" until {out.until:%Y-%m-%d %H:%M %Z}" if out.until else ""
        message = f"zone {out.zone} is taken out{until}: {out.reason}"
        details = {"zone": out.zone, "until": out.until}
        with store.together():
            store.take_out(target.fleet, out)
            store.record([Event(at=out.since, fleet=target.fleet, kind="zone-out", message=message, details=details)])


def bring_back(
    store: Store, environment: Environment, fleets: Iterable[FleetKey], zone: ZoneName, at: datetime
) -> None:
    """Let the zone be used again by every deployed fleet. Raises UnknownName; Refused where it is not out."""
    targets = [
        target for target in _deployed(store, environment, fleets) if any(out.zone == zone for out in target.zones_out)
    ]
    if not targets:
        known_zone(environment, zone)
        raise Refused(f"zone {zone} of {environment.name} is not out", hint="`repave zone list` shows which are")
    for target in targets:
        message = f"zone {zone} may be used again"
        with store.together():
            store.bring_back(target.fleet, zone)
            store.record([Event(at=at, fleet=target.fleet, kind="zone-in", message=message, details={"zone": zone})])


def zones_out(store: Store, at: datetime) -> tuple[ZoneStatus, ...]:
    """Every zone that is out now, by fleet."""
    targets = [target for key in store.fleets() if (target := store.target(key))]
    return tuple(
        ZoneStatus(
            environment=target.fleet.environment,
            fleet=target.fleet.fleet,
            zone=out.zone,
            since=out.since,
            until=out.until,
            reason=out.reason,
        )
        for target in targets
        for out in target.zones_out
        if out.until is None or out.until > at
    )


def known_zone(environment: Environment, zone: str) -> ZoneName:
    """The zone of that name. Raises UnknownName with the nearest."""
    if zone not in environment.zones:
        meant = nearest(zone, environment.zones)
        raise UnknownName(
            f"{environment.name} has no zone `{zone}`; expected {one_of(environment.zones)}",
            hint=f"did you mean `{meant}`?" if meant else "",
        )
    return ZoneName(zone)


def _deployed(store: Store, environment: Environment, fleets: Iterable[FleetKey]) -> list[Target]:
    targets = [target for key in fleets if (target := store.target(key))]
    if not targets:
        raise Refused(f"{environment.name} was never deployed", hint=f"`repave deploy {environment.name}`")
    return targets
