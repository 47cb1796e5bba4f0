"""A target, read from its tables."""

from sqlalchemy import ColumnElement, Connection, Select, Table, bindparam, select, update

from repave.model.canary import CanaryStage
from repave.model.disruption import Disruption, Drawer
from repave.model.names import FleetKey, ReleaseNumber, RevisionId, SlotId, ZoneName
from repave.model.scaling import SizeHistory
from repave.model.target import Failure, FailureKind, Heal, Order, Proof, Sickness, Target, ZoneOut
from repave.model.wishes import Protection, Replacement
from repave.ports.errors import Gone
from repave.store.documents import decode
from repave.store.exposures import exposures
from repave.store.revocations import revoked_revisions
from repave.store.schema import (
    disruptions,
    failures,
    heals,
    orders,
    proofs,
    protections,
    replacements,
    sicknesses,
    targets,
    zones_out,
)


def _of_fleet(table: Table, *order: ColumnElement[object]) -> Select[tuple[object, ...]]:
    return select(table).where(table.c.fleet == bindparam("fleet")).order_by(*order)


# A target is read at every look at a fleet: its questions are put into words once.
_TARGET = select(targets).where(targets.c.fleet == bindparam("fleet"), targets.c.forgotten.is_(False))
_ORDERS = _of_fleet(orders, orders.c.ordered_at, orders.c.slot)
_FAILURES = _of_fleet(failures, failures.c.at, failures.c.position)
_HEALS = _of_fleet(heals, heals.c.at, heals.c.position)
_SICKNESSES = _of_fleet(sicknesses, sicknesses.c.position)
_PROTECTIONS = _of_fleet(protections, protections.c.slot)
_REPLACEMENTS = _of_fleet(replacements, replacements.c.slot)
_DISRUPTIONS = _of_fleet(disruptions, disruptions.c.at, disruptions.c.position)
_PROOFS = _of_fleet(proofs, proofs.c.at, proofs.c.revision)
_ZONES_OUT = _of_fleet(zones_out, zones_out.c.zone)


def read_target(connection: Connection, fleet: FleetKey) -> Target | None:
    """None when there is none, or it was forgotten."""
    row = connection.execute(_TARGET, {"fleet": fleet}).one_or_none()
    if row is None:
        return None
    return Target(
        fleet=fleet,
        generation=row.generation,
        revision=RevisionId(row.revision),
        release=ReleaseNumber(row.release),
        size=row.size,
        since=row.since,
        next_slot=row.next_slot,
        orders=_orders(connection, fleet),
        failures=_failures(connection, fleet),
        heals=_heals(connection, fleet),
        sicknesses=_sicknesses(connection, fleet),
        healing_stopped=row.healing_stopped,
        healing_allowed=row.healing_allowed,
        disruptions=_disruptions(connection, fleet),
        proven=read_proofs(connection, fleet),
        revoked=revoked_revisions(connection, fleet),
        exposures=exposures(connection, fleet),
        zones_out=_zones_out(connection, fleet),
        canary=decode(CanaryStage, row.canary) if row.canary else CanaryStage(),
        switched=row.switched,
        paused=row.paused,
        paused_since=row.paused_since,
        paused_until=row.paused_until,
        paused_reason=row.paused_reason or "",
        protections=_protections(connection, fleet),
        replacements=_replacements(connection, fleet),
        stopped=row.stopped,
        size_history=decode(SizeHistory, row.size_history) if row.size_history else SizeHistory(),
    )


def existing_target(connection: Connection, fleet: FleetKey) -> Target:
    """Raises Gone when there is none."""
    target = read_target(connection, fleet)
    if target is None:
        raise Gone(f"{fleet} has no target", hint="`repave deploy` gives it one")
    return target


def change_target(connection: Connection, fleet: FleetKey, **values: object) -> None:
    """Every change has a generation of its own."""
    which = targets.c.fleet == fleet
    connection.execute(update(targets).where(which).values(generation=targets.c.generation + 1, **values))


def _orders(connection: Connection, fleet: FleetKey) -> tuple[Order, ...]:
    return tuple(
        Order(
            slot=SlotId(row.slot),
            revision=RevisionId(row.revision),
            zone=ZoneName(row.zone),
            ordered_at=row.ordered_at,
        )
        for row in connection.execute(_ORDERS, {"fleet": fleet})
    )


def _failures(connection: Connection, fleet: FleetKey) -> tuple[Failure, ...]:
    return tuple(
        Failure(
            slot=SlotId(row.slot),
            revision=RevisionId(row.revision),
            zone=ZoneName(row.zone),
            kind=FailureKind(row.kind),
            at=row.at,
            detail=row.detail,
        )
        for row in connection.execute(_FAILURES, {"fleet": fleet})
    )


def _heals(connection: Connection, fleet: FleetKey) -> tuple[Heal, ...]:
    return tuple(Heal(slot=SlotId(row.slot), at=row.at) for row in connection.execute(_HEALS, {"fleet": fleet}))


def _sicknesses(connection: Connection, fleet: FleetKey) -> tuple[Sickness, ...]:
    return tuple(
        Sickness(slot=SlotId(row.slot), since=row.since) for row in connection.execute(_SICKNESSES, {"fleet": fleet})
    )


def _protections(connection: Connection, fleet: FleetKey) -> tuple[Protection, ...]:
    return tuple(
        Protection(slot=SlotId(row.slot), since=row.since, until=row.until, reason=row.reason)
        for row in connection.execute(_PROTECTIONS, {"fleet": fleet})
    )


def _replacements(connection: Connection, fleet: FleetKey) -> tuple[Replacement, ...]:
    return tuple(
        Replacement(slot=SlotId(row.slot), since=row.since, reason=row.reason)
        for row in connection.execute(_REPLACEMENTS, {"fleet": fleet})
    )


def _disruptions(connection: Connection, fleet: FleetKey) -> tuple[Disruption, ...]:
    return tuple(
        Disruption(slot=SlotId(row.slot), zone=ZoneName(row.zone), drawer=Drawer(row.drawer), at=row.at)
        for row in connection.execute(_DISRUPTIONS, {"fleet": fleet})
    )


def read_proofs(connection: Connection, fleet: FleetKey) -> tuple[Proof, ...]:
    """All of a fleet's, oldest first."""
    return tuple(
        Proof(
            revision=RevisionId(row.revision),
            release=ReleaseNumber(row.release),
            at=row.at,
            bootable=row.bootable,
        )
        for row in connection.execute(_PROOFS, {"fleet": fleet})
    )


def _zones_out(connection: Connection, fleet: FleetKey) -> tuple[ZoneOut, ...]:
    return tuple(
        ZoneOut(zone=ZoneName(row.zone), since=row.since, until=row.until, reason=row.reason)
        for row in connection.execute(_ZONES_OUT, {"fleet": fleet})
    )
