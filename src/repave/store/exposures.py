"""The exposures port: flaws of artifacts, and the revisions that are exposed by them."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

from sqlalchemy import Connection, Row, bindparam, delete, insert, select, update

from repave.model.exposure import Exposure, Flaw
from repave.model.finding import Severity
from repave.model.names import Digest, FleetKey, RevisionId
from repave.store.database import Database
from repave.store.revocations import move_on
from repave.store.schema import examinations, revisions
from repave.store.schema import flaws as table


class SqlExposures:
    """The exposures over one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def expose(self, artifact: Digest, flaws: Iterable[Flaw], *, whole: bool) -> None:
        """Keep them, and give every fleet concerned a new generation when anything has changed."""
        with self._database.writing() as connection:
            before = {flaw.advisory: flaw for flaw in _flaws(connection, artifact)}
            after = dict({} if whole else before)
            for flaw in flaws:
                after[flaw.advisory] = flaw.known_since(before.get(flaw.advisory))
            if after != before:
                _forget(connection, artifact, [name for name, flaw in before.items() if after.get(name) != flaw])
                _keep(connection, artifact, [flaw for name, flaw in after.items() if before.get(name) != flaw])
                move_on(connection, (artifact,))

    def learn(self, artifacts: Collection[Digest], flaws: Iterable[Flaw]) -> Mapping[Digest, tuple[str, ...]]:
        """Keep them of each, and answer what is new."""
        new = {flaw.advisory: flaw for flaw in flaws}
        about = table.c.artifact.in_(artifacts) & table.c.advisory.in_(new)
        with self._database.writing() as connection:
            before = {
                (row.artifact, row.advisory): _flaw(row) for row in connection.execute(select(table).where(about))
            }
            after = {
                (artifact, name): flaw.known_since(before.get((artifact, name)))
                for artifact in artifacts
                for name, flaw in new.items()
            }
            if changed := {key: flaw for key, flaw in after.items() if before.get(key) != flaw}:
                concerned = sorted({artifact for artifact, _ in changed})
                if before:
                    connection.execute(delete(table).where(table.c.artifact.in_(concerned), table.c.advisory.in_(new)))
                rows = [_row(artifact, flaw) for (artifact, _), flaw in after.items() if artifact in concerned]
                connection.execute(insert(table), rows)
                move_on(connection, concerned)
        learned = {
            artifact: tuple(sorted(name for name in new if (artifact, name) not in before)) for artifact in artifacts
        }
        return {artifact: names for artifact, names in learned.items() if names}

    def note_examined(self, artifact: Digest, at: datetime) -> None:
        """But for its flaws, it is clean."""
        with self._database.writing() as connection:
            known = connection.execute(update(examinations).where(examinations.c.artifact == artifact).values(at=at))
            if not known.rowcount:
                connection.execute(insert(examinations), {"artifact": artifact, "at": at})

    def examined(self, artifact: Digest) -> datetime | None:
        """When that was last so."""
        with self._database.reading() as connection:
            return connection.scalar(select(examinations.c.at).where(examinations.c.artifact == artifact))

    def flaws(self, artifact: Digest) -> tuple[Flaw, ...]:
        """Oldest first."""
        with self._database.reading() as connection:
            return _flaws(connection, artifact)


_OF_FLEET = (
    select(revisions.c.id, table)
    .join(table, table.c.artifact == revisions.c.artifact)
    .where(revisions.c.fleet == bindparam("fleet"))
    .order_by(revisions.c.id, table.c.severity, table.c.published_at, table.c.advisory)
)

ANY_EXPOSURE = _OF_FLEET.order_by(None).exists()
"""Whether one of the fleet's revisions is exposed."""


def exposures(connection: Connection, fleet: FleetKey) -> tuple[Exposure, ...]:
    """Of the fleet's revisions, the oldest flaw of each severity."""
    found: dict[tuple[str, str], Exposure] = {}
    for row in connection.execute(_OF_FLEET, {"fleet": fleet}):
        found.setdefault((row.id, row.severity), Exposure(revision=RevisionId(row.id), flaw=_flaw(row)))
    return tuple(found.values())


def _flaws(connection: Connection, artifact: Digest) -> tuple[Flaw, ...]:
    query = select(table).where(table.c.artifact == artifact).order_by(table.c.published_at, table.c.advisory)
    return tuple(_flaw(row) for row in connection.execute(query))


def _flaw(row: Row[tuple[object, ...]]) -> Flaw:
    return Flaw(
        advisory=row.advisory,
        severity=Severity(row.severity),
        published_at=row.published_at,
        fixable_at=row.fixable_at,
    )


def _forget(connection: Connection, artifact: Digest, names: Collection[str]) -> None:
    if names:
        connection.execute(delete(table).where(table.c.artifact == artifact, table.c.advisory.in_(names)))


def _keep(connection: Connection, artifact: Digest, found: Iterable[Flaw]) -> None:
    if rows := [_row(artifact, flaw) for flaw in found]:
        connection.execute(insert(table), rows)


def _row(artifact: Digest, flaw: Flaw) -> dict[str, object]:
    return {
        "artifact": artifact,
        "advisory": flaw.advisory,
        "severity": flaw.severity.value,
        "published_at": flaw.published_at,
        "fixable_at": flaw.fixable_at,
    }
