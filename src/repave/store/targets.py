"""A target, read from its tables."""

from collections.abc import Iterable

from sqlalchemy import ColumnElement, Connection, Row, Select, Table, bindparam, case, select, update

from repave.model.canary import CanaryStage
from repave.model.disruption import Disruption, Drawer
from repave.model.names import FleetKey, ReleaseNumber, RevisionId, SlotId, ZoneName
from repave.model.scaling import SizeHistory
from repave.model.target import Failure, FailureKind, Heal, Order, Proof, Sickness, Target, ZoneOut
from repave.model.wishes import Protection, Replacement
from repave.ports.errors import Gone
from repave.store.documents import decode
from repave.store.exposures import ANY_EXPOSURE, exposures
from repave.store.revocations import ANY_REVOKED, revoked_revisions
from repave.store.schema import (
    disruptions,
    failures,
    heals,
    orders,
    proofs,
    protections,
    replacements,
    revisions,
    sicknesses,
    targets,
    zones_out,
)


def _of_fleet(table: Table, *order: ColumnElement[object]) -> Select[tuple[object, ...]]:
    return select(table).where(table.c.fleet == bindparam("fleet")).order_by(*order)


# A target is read at every look at a fleet: its questions are put into words once.
_PARTS = {
    orders: _of_fleet(orders, orders.c.ordered_at, orders.c.slot),
    failures: _of_fleet(failures, failures.c.at, failures.c.position),
    heals: _of_fleet(heals, heals.c.at, heals.c.position),
    sicknesses: _of_fleet(sicknesses, sicknesses.c.position),
    protections: _of_fleet(protections, protections.c.slot),
    replacements: _of_fleet(replacements, replacements.c.slot),
    disruptions: _of_fleet(disruptions, disruptions.c.at, disruptions.c.position),
    proofs: _of_fleet(proofs, proofs.c.at, proofs.c.revision),
    zones_out: _of_fleet(zones_out, zones_out.c.zone),
}

_RECORDED = select(revisions.c.id).where(revisions.c.fleet == bindparam("fleet"))


def _any_of(table: Table) -> str:
    return f"any_{table.name}"


# Most tables have nothing of most fleets: the target's row says which are worth a question of their own.
_TARGET = select(
    targets,
    *(
        select(table.c.fleet).where(table.c.fleet == bindparam("fleet")).exists().label(_any_of(table))
        for table in _PARTS
    ),
    ANY_EXPOSURE.label("any_exposure"),
    ANY_REVOKED.label("any_revoked"),
).where(targets.c.fleet == bindparam("fleet"), targets.c.forgotten.is_(False))


def _rows(connection: Connection, target: Row[tuple[object, ...]], table: Table) -> Iterable[Row[tuple[object, ...]]]:
    """What a table has of the fleet whose target's row this is."""
    there = getattr(target, _any_of(table))
    return connection.execute(_PARTS[table], {"fleet": target.fleet}) if there else ()


def read_target(connection: Connection, fleet: FleetKey) -> Target | None:
    """None when there is none, or it was forgotten."""
    row = connection.execute(_TARGET, {"fleet": fleet}).one_or_none()
    if row is None:
        return None
    proven = _proofs(_rows(connection, row, proofs))
    return Target(
        fleet=fleet,
        generation=row.generation,
        revision=RevisionId(row.revision),
        release=ReleaseNumber(row.release),
        size=row.size,
        since=row.since,
        next_slot=row.next_slot,
        orders=_orders(_rows(connection, row, orders)),
        failures=_failures(_rows(connection, row, failures)),
        heals=_heals(_rows(connection, row, heals)),
        sicknesses=_sicknesses(_rows(connection, row, sicknesses)),
        healing_stopped=row.healing_stopped,
        healing_allowed=row.healing_allowed,
        disruptions=_disruptions(_rows(connection, row, disruptions)),
        proven=proven,
        recorded=None
        if any(proof.revision == row.revision for proof in proven)
        else frozenset(map(RevisionId, connection.scalars(_RECORDED, {"fleet": fleet}))),
        revoked=revoked_revisions(connection, fleet) if row.any_revoked else (),
        exposures=exposures(connection, fleet) if row.any_exposure else (),
        zones_out=_zones_out(_rows(connection, row, zones_out)),
        canary=decode(CanaryStage, row.canary) if row.canary else CanaryStage(),
        switched=row.switched,
        paused=row.paused,
        paused_since=row.paused_since,
        paused_until=row.paused_until,
        paused_reason=row.paused_reason or "",
        protections=_protections(_rows(connection, row, protections)),
        replacements=_replacements(_rows(connection, row, replacements)),
        stopped=row.stopped,
        size_history=decode(SizeHistory, row.size_history) if row.size_history else SizeHistory(),
    )


def existing_target(connection: Connection, fleet: FleetKey) -> Target:
    """Raises Gone when there is none."""
    target = read_target(connection, fleet)
    if target is None:
        raise Gone(f"{fleet} has no target", hint="`repave deploy` gives it one")
    return target


def change_target(connection: Connection, fleet: FleetKey, lowest: int = 0, /, **values: object) -> None:
    """Every change has a generation of its own, not below the ``lowest``."""
    which, following = targets.c.fleet == fleet, targets.c.generation + 1
    generation = case((following < lowest, lowest), else_=following)
    connection.execute(update(targets).where(which).values(generation=generation, **values))


def _orders(rows: Iterable[Row[tuple[object, ...]]]) -> tuple[Order, ...]:
    return tuple(
        Order(
            slot=SlotId(row.slot),
            revision=RevisionId(row.revision),
            zone=ZoneName(row.zone),
            ordered_at=row.ordered_at,
        )
        for row in rows
    )


def _failures(rows: Iterable[Row[tuple[object, ...]]]) -> tuple[Failure, ...]:
    return tuple(
        Failure(
            slot=SlotId(row.slot),
            revision=RevisionId(row.revision),
            zone=ZoneName(row.zone),
            kind=FailureKind(row.kind),
            at=row.at,
            detail=row.detail,
        )
        for row in rows
    )


def _heals(rows: Iterable[Row[tuple[object, ...]]]) -> tuple[Heal, ...]:
    return tuple(Heal(slot=SlotId(row.slot), at=row.at) for row in rows)


def _sicknesses(rows: Iterable[Row[tuple[object, ...]]]) -> tuple[Sickness, ...]:
    return tuple(Sickness(slot=SlotId(row.slot), since=row.since) for row in rows)


def _protections(rows: Iterable[Row[tuple[object, ...]]]) -> tuple[Protection, ...]:
    return tuple(Protection(slot=SlotId(row.slot), since=row.since, until=row.until, reason=row.reason) for row in rows)


def _replacements(rows: Iterable[Row[tuple[object, ...]]]) -> tuple[Replacement, ...]:
    return tuple(Replacement(slot=SlotId(row.slot), since=row.since, reason=row.reason) for row in rows)


def _disruptions(rows: Iterable[Row[tuple[object, ...]]]) -> tuple[Disruption, ...]:
    return tuple(
        Disruption(slot=SlotId(row.slot), zone=ZoneName(row.zone), drawer=Drawer(row.drawer), at=row.at) for row in rows
    )


def read_proofs(connection: Connection, fleet: FleetKey) -> tuple[Proof, ...]:
    """All of a fleet's, oldest first."""
    return _proofs(connection.execute(_PARTS[proofs], {"fleet": fleet}))


def _proofs(rows: Iterable[Row[tuple[object, ...]]]) -> tuple[Proof, ...]:
    return tuple(
        Proof(
            revision=RevisionId(row.revision),
            release=ReleaseNumber(row.release),
            at=row.at,
            bootable=row.bootable,
        )
        for row in rows
    )


def _zones_out(rows: Iterable[Row[tuple[object, ...]]]) -> tuple[ZoneOut, ...]:
    return tuple(ZoneOut(zone=ZoneName(row.zone), since=row.since, until=row.until, reason=row.reason) for row in rows)
