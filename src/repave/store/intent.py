"""The intent port: targets, changed by compare-and-set on their generation, and leases."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from sqlalchemy import Connection, Row, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from repave.model.disruption import HOUR, Disruption
from repave.model.names import FleetKey, ReleaseNumber, RevisionId
from repave.model.outcome import Outcome, Result
from repave.model.plan import Launch, Plan
from repave.model.record import planned
from repave.model.release import Revision
from repave.model.succession import KEPT, after_all, came_to_nothing, generation_at, not_before
from repave.model.target import Failure, Target
from repave.ports.errors import Conflict, Gone
from repave.ports.intent import Aim, Lease
from repave.store.chain import append, recording
from repave.store.database import Database
from repave.store.documents import decode, encode
from repave.store.schema import (
    disruptions,
    failures,
    heals,
    leases,
    orders,
    proofs,
    protections,
    replacements,
    revisions,
    sicknesses,
    targets,
    zones_out,
)
from repave.store.targets import change_target, existing_target, read_proofs, read_target
from repave.store.wishes import commit_wishes

FAILED = frozenset({Result.REFUSED, Result.NO_CAPACITY})
"""Outcomes of a launch that end its order; DONE leaves it open until the instance is seen."""

NOT_PAUSED: Mapping[str, object] = {"paused": False, "paused_since": None, "paused_until": None, "paused_reason": ""}

FORGOTTEN = (orders, failures, heals, sicknesses, disruptions, protections, replacements, proofs, zones_out)
"""What goes with a fleet that is destroyed."""


class SqlIntent:
    """The intent over one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def fleets(self) -> tuple[FleetKey, ...]:
        """Every fleet that has a target, sorted."""
        with self._database.reading() as connection:
            found = connection.scalars(select(targets.c.fleet).where(targets.c.forgotten.is_(False)))
            return tuple(sorted(found))

    def target(self, fleet: FleetKey) -> Target | None:
        """With its open orders, failures of the last day, heals and proofs."""
        with self._database.reading() as connection:
            return read_target(connection, fleet)

    def aim(self, fleet: FleetKey, aim: Aim, at: datetime) -> Target:
        """Want this from now on."""
        with self._database.writing() as connection:
            row = _row(connection, fleet)
            if row is None:
                _begin(connection, fleet, aim, at)
            elif row.forgotten or row.stopped or (row.revision, row.release, row.size) != _wanted(aim):
                same = row.revision == aim.revision and not row.forgotten
                change_target(
                    connection,
                    fleet,
                    generation_at(at),
                    revision=aim.revision,
                    release=aim.release,
                    size=aim.size,
                    since=row.since if same else after_all(at, read_proofs(connection, fleet)),
                    switched=row.switched if same else None,
                    canary=row.canary if same else "",
                    reason=aim.reason,
                    stopped="",
                    forgotten=False,
                )
                newly = (failures.c.fleet == fleet) & (failures.c.revision == aim.revision)
                connection.execute(delete(failures).where(newly))
            return existing_target(connection, fleet)

    def commit(self, plan: Plan) -> int:
        """Make the plan the target's next generation. Raises Conflict when the target has moved on."""
        generation = plan.parent + 1
        with recording(self._database) as connection:
            current = (targets.c.fleet == plan.fleet) & targets.c.forgotten.is_(False)
            moved = connection.execute(
                update(targets).where(current, targets.c.generation == plan.parent).values(generation=generation)
            )
            if moved.rowcount != 1:
                raise Conflict(
                    f"the plan for {plan.fleet} was made from generation {plan.parent}, which is no longer the newest",
                    hint="another repave, or a person, was faster: look again and plan again",
                )
            _commit_orders(connection, plan)
            _commit_lessons(connection, plan)
            _commit_target(connection, plan)
            commit_wishes(connection, plan)
            append(connection, [planned(plan)], by=self._database.by)
        return generation

    def settle(self, fleet: FleetKey, outcomes: Iterable[Outcome]) -> None:
        """Close the orders that came to nothing: refused and without capacity with a failure, spent slots without."""
        ended = [
            (outcome, outcome.step)
            for outcome in outcomes
            if outcome.result in {*FAILED, Result.SPENT} and isinstance(outcome.step, Launch)
        ]
        if not ended:
            return
        with self._database.writing() as connection:
            row = _row(connection, fleet)
            if row is None:
                return
            for outcome, launch in ended:
                open_order = (orders.c.fleet == fleet) & (orders.c.slot == launch.slot)
                if not connection.execute(delete(orders).where(open_order)).rowcount:
                    continue
                if outcome.result in FAILED:
                    failure = came_to_nothing(existing_target(connection, fleet), launch, outcome)
                    connection.execute(insert(failures), _failure_row(fleet, failure))
                change_target(connection, fleet)

    def unbootable(self, fleet: FleetKey, revisions: Iterable[RevisionId]) -> None:
        """These proven revisions can no longer be started; the others can."""
        lost = frozenset(revisions)
        with self._database.writing() as connection:
            if _row(connection, fleet) is None:
                return
            changed = 0
            for proof in connection.execute(select(proofs).where(proofs.c.fleet == fleet)).all():
                bootable = proof.revision not in lost
                if proof.bootable is not bootable:
                    one = (proofs.c.fleet == fleet) & (proofs.c.revision == proof.revision)
                    connection.execute(update(proofs).where(one).values(bootable=bootable))
                    changed += 1
            if changed:
                change_target(connection, fleet)

    def forget(self, fleet: FleetKey) -> None:
        """The fleet is destroyed; its generations and slot numbers are never given again."""
        with self._database.writing() as connection:
            row = _row(connection, fleet)
            if row is None or row.forgotten:
                return
            for table in FORGOTTEN:
                connection.execute(delete(table).where(table.c.fleet == fleet))
            nothing = {
                **NOT_PAUSED,
                "stopped": "",
                "healing_stopped": None,
                "healing_allowed": None,
                "size_history": "",
                "canary": "",
            }
            change_target(connection, fleet, forgotten=True, **nothing)

    def acquire(self, name: str, holder: str, *, at: datetime, seconds: float) -> Lease | None:
        """Take or renew the lease; None while another holds it."""
        lease = Lease(name=name, holder=holder, expires_at=at + timedelta(seconds=seconds))
        ours = (leases.c.holder == holder) | (leases.c.expires_at <= at)
        with self._database.writing() as connection:
            taken = connection.execute(
                update(leases).where(leases.c.name == name, ours).values(holder=holder, expires_at=lease.expires_at)
            )
            if taken.rowcount:
                return lease
            try:
                with connection.begin_nested():
                    row = {"name": name, "holder": holder, "expires_at": lease.expires_at}
                    connection.execute(insert(leases), row)
            except IntegrityError:
                return None
            return lease

    def lease(self, name: str, at: datetime) -> Lease | None:
        """Who holds it now."""
        query = select(leases).where(leases.c.name == name, leases.c.expires_at > at)
        with self._database.reading() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else Lease(name=row.name, holder=row.holder, expires_at=row.expires_at)

    def release_lease(self, name: str, holder: str) -> None:
        """Give it back; not held is no error."""
        with self._database.writing() as connection:
            connection.execute(delete(leases).where(leases.c.name == name, leases.c.holder == holder))


def _row(connection: Connection, fleet: FleetKey) -> Row[tuple[object, ...]] | None:
    """The target's row, locked until our transaction ends."""
    return connection.execute(select(targets).where(targets.c.fleet == fleet).with_for_update()).one_or_none()


def _wanted(aim: Aim) -> tuple[RevisionId, ReleaseNumber, int]:
    return aim.revision, aim.release, aim.size


def _begin(connection: Connection, fleet: FleetKey, aim: Aim, at: datetime) -> None:
    row = {
        "fleet": fleet,
        "generation": generation_at(at),
        "revision": aim.revision,
        "release": aim.release,
        "size": aim.size,
        "since": at,
        "reason": aim.reason,
        "next_slot": 1,
        "paused": False,
        "stopped": "",
        "forgotten": False,
        "size_history": "",
    }
    connection.execute(insert(targets), row)


def _commit_orders(connection: Connection, plan: Plan) -> None:
    """A launch given again keeps the moment it was first ordered."""
    known = set(connection.scalars(select(orders.c.slot).where(orders.c.fleet == plan.fleet)))
    launches = {step.slot: step for step in plan.steps if isinstance(step, Launch) and step.slot not in known}
    rows = [
        {
            "fleet": plan.fleet,
            "slot": launch.slot,
            "revision": launch.revision,
            "zone": launch.zone,
            "ordered_at": plan.at,
        }
        for launch in launches.values()
    ]
    if rows:
        connection.execute(insert(orders), rows)
    if plan.closed:
        closed = (orders.c.fleet == plan.fleet) & orders.c.slot.in_(plan.closed)
        connection.execute(delete(orders).where(closed))


def _commit_lessons(connection: Connection, plan: Plan) -> None:
    """Failures, heals, the ledger and the proof; what is older than a day, in the ledger an hour, no longer counts."""
    fleet = plan.fleet
    connection.execute(delete(disruptions).where(disruptions.c.fleet == fleet, disruptions.c.at < plan.at - HOUR))
    outdated = (sicknesses.c.fleet == fleet) & (sicknesses.c.since < plan.at - KEPT)
    connection.execute(delete(sicknesses).where(outdated))
    if plan.sicknesses:
        noticed = [{"fleet": fleet, "slot": entry.slot, "since": entry.since} for entry in plan.sicknesses]
        connection.execute(insert(sicknesses), noticed)
    if plan.disruptions:
        connection.execute(insert(disruptions), [_disruption_row(fleet, entry) for entry in plan.disruptions])
    for table in (failures, heals):
        connection.execute(delete(table).where(table.c.fleet == fleet, table.c.at < plan.at - KEPT))
    if plan.failures:
        connection.execute(insert(failures), [_failure_row(fleet, failure) for failure in plan.failures])
    if plan.heals:
        rows = [{"fleet": fleet, "slot": heal.slot, "at": heal.at} for heal in plan.heals]
        connection.execute(insert(heals), rows)
    if plan.proven is None:
        return
    one = (proofs.c.fleet == fleet) & (proofs.c.revision == plan.proven)
    at = not_before(plan.at, existing_target(connection, fleet).since)
    again = connection.execute(update(proofs).where(one).values(at=at, bootable=True))
    if not again.rowcount:
        row = {
            "fleet": fleet,
            "revision": plan.proven,
            "release": _release_of(connection, fleet, plan.proven),
            "at": at,
            "bootable": True,
        }
        connection.execute(insert(proofs), row)


def _commit_target(connection: Connection, plan: Plan) -> None:
    """Slots given, the size, the stop, and the way back, which leaves no stop behind."""
    fleet = targets.c.fleet == plan.fleet
    further = targets.c.next_slot < plan.next_slot
    connection.execute(update(targets).where(fleet, further).values(next_slot=plan.next_slot))
    if plan.retarget is not None:
        back = plan.retarget
        values = {"revision": back.revision, "release": back.release, "reason": back.reason, "stopped": ""}
        since = after_all(plan.at, read_proofs(connection, plan.fleet))
        connection.execute(update(targets).where(fleet).values(since=since, switched=None, canary="", **values))
    if plan.resumes:
        connection.execute(update(targets).where(fleet).values(**NOT_PAUSED))
    if plan.healing:
        stopped = plan.at if plan.healing == "stops" else None
        connection.execute(update(targets).where(fleet).values(healing_stopped=stopped))
    if plan.canary is not None:
        connection.execute(update(targets).where(fleet).values(canary=encode(plan.canary)))
    if plan.switch:
        connection.execute(update(targets).where(fleet).values(switched=plan.at))
    if plan.stop and plan.retarget is None:
        connection.execute(update(targets).where(fleet).values(stopped=plan.stop))
    if plan.resize is not None:
        connection.execute(update(targets).where(fleet).values(size=plan.resize.size))
    if plan.size_history is not None:
        connection.execute(update(targets).where(fleet).values(size_history=encode(plan.size_history)))


def _release_of(connection: Connection, fleet: FleetKey, revision: RevisionId) -> int:
    """A proven revision is the wanted one, or one that was added when it was wanted."""
    row = _row(connection, fleet)
    if row is not None and row.revision == revision:
        return int(row.release)
    which = (revisions.c.fleet == fleet) & (revisions.c.id == revision)
    document = connection.scalar(select(revisions.c.document).where(which))
    if document is None:
        raise Gone(f"{fleet} was never asked to run {revision}", hint="`repave status` shows what it runs")
    return decode(Revision, document).release


def _disruption_row(fleet: FleetKey, entry: Disruption) -> dict[str, object]:
    return {"fleet": fleet, "slot": entry.slot, "zone": entry.zone, "drawer": entry.drawer.value, "at": entry.at}


def _failure_row(fleet: FleetKey, failure: Failure) -> dict[str, object]:
    return {
        "fleet": fleet,
        "slot": failure.slot,
        "revision": failure.revision,
        "zone": failure.zone,
        "kind": failure.kind.value,
        "at": failure.at,
        "detail": failure.detail,
    }
