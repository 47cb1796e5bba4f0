"""The revocations port: what must not be started, and the revisions that are concerned."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, Row, Select, bindparam, insert, select, update

from repave.model.names import Digest, FleetKey, RevisionId
from repave.model.revocation import Revocation, Revoked, RevokedKind
from repave.ports.errors import Gone
from repave.store.counters import draw, hold
from repave.store.database import Database
from repave.store.schema import revisions, revocations, revoked_artifacts, targets


class SqlRevocations:
    """The revocations over one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def revoke(self, revocation: Revocation) -> Revocation:
        """Keep it, or what it covers besides, and give every fleet concerned a new generation."""
        with self._database.writing() as connection:
            hold(connection, "revocation")
            number = _standing(connection, revocation) or _add(connection, revocation)
            known = set(connection.scalars(_artifacts_of(number)))
            new = [artifact for artifact in revocation.artifacts if artifact not in known]
            if new:
                rows = [{"revocation": number, "artifact": artifact} for artifact in new]
                connection.execute(insert(revoked_artifacts), rows)
                move_on(connection, new)
            return _read(connection, number)

    def undo_revocation(self, number: int, *, reason: str, at: datetime) -> Revocation:
        """Raises Gone."""
        with self._database.writing() as connection:
            found = _read(connection, number)
            if found.stands:
                one = revocations.c.number == number
                connection.execute(update(revocations).where(one).values(undone_at=at, undone_reason=reason))
                move_on(connection, found.artifacts)
            return _read(connection, number)

    def revocations(self) -> tuple[Revocation, ...]:
        """All, oldest first."""
        with self._database.reading() as connection:
            rows = connection.execute(select(revocations).order_by(revocations.c.number)).all()
            return tuple(_revocation(connection, row) for row in rows)

    def revoked(self, fleet: FleetKey, revision: RevisionId) -> Revoked | None:
        """None when it is not."""
        with self._database.reading() as connection:
            found = revoked_revisions(connection, fleet)
        return next((one for one in found if one.revision == revision), None)


_OF_FLEET = (
    select(revisions.c.id, revocations)
    .join(revoked_artifacts, revoked_artifacts.c.artifact == revisions.c.artifact)
    .join(revocations, revocations.c.number == revoked_artifacts.c.revocation)
    .where(revisions.c.fleet == bindparam("fleet"), revocations.c.undone_at.is_(None))
    .order_by(revisions.c.id, revocations.c.number)
)

ANY_REVOKED = _OF_FLEET.order_by(None).exists()
"""Whether one of the fleet's revisions is."""


def revoked_revisions(connection: Connection, fleet: FleetKey) -> tuple[Revoked, ...]:
    """Those of the fleet, sorted, each by the oldest revocation that stands."""
    found: dict[RevisionId, Revoked] = {}
    for row in connection.execute(_OF_FLEET, {"fleet": fleet}):
        because = _of_row(row).because
        found.setdefault(RevisionId(row.id), Revoked(revision=RevisionId(row.id), reason=because, since=row.at))
    return tuple(found.values())


def _standing(connection: Connection, revocation: Revocation) -> int | None:
    query = select(revocations.c.number).where(
        revocations.c.kind == revocation.kind.value,
        revocations.c.subject == revocation.subject,
        revocations.c.undone_at.is_(None),
    )
    return connection.scalar(query)


def _add(connection: Connection, revocation: Revocation) -> int:
    number = draw(connection, "revocation")
    row = {
        "number": number,
        "kind": revocation.kind.value,
        "subject": revocation.subject,
        "key": revocation.key,
        "reason": revocation.reason,
        "at": revocation.at,
        "undone_reason": "",
    }
    connection.execute(insert(revocations), row)
    return number


def move_on(connection: Connection, artifacts: Sequence[Digest]) -> None:
    """A generation more for every fleet that was asked to run one of them: its target has changed."""
    concerned = select(revisions.c.fleet).where(revisions.c.artifact.in_(artifacts))
    which = targets.c.fleet.in_(concerned) & targets.c.forgotten.is_(False)
    connection.execute(update(targets).where(which).values(generation=targets.c.generation + 1))


def _read(connection: Connection, number: int) -> Revocation:
    row = connection.execute(select(revocations).where(revocations.c.number == number)).one_or_none()
    if row is None:
        raise Gone(f"there is no revocation {number}", hint="`repave revoke --list` shows them")
    return _revocation(connection, row)


def _artifacts_of(number: int) -> Select[str]:
    covered = select(revoked_artifacts.c.artifact).where(revoked_artifacts.c.revocation == number)
    return covered.order_by(revoked_artifacts.c.artifact)


def _revocation(connection: Connection, row: Row[tuple[object, ...]]) -> Revocation:
    return _of_row(row, tuple(Digest(artifact) for artifact in connection.scalars(_artifacts_of(row.number))))


def _of_row(row: Row[tuple[object, ...]], artifacts: tuple[Digest, ...] = ()) -> Revocation:
    return Revocation(
        kind=RevokedKind(row.kind),
        subject=row.subject,
        reason=row.reason,
        at=row.at,
        artifacts=artifacts,
        key=row.key,
        number=row.number,
        undone_at=row.undone_at,
        undone_reason=row.undone_reason,
    )
