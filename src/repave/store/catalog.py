"""The catalogue port: immutable things by their names."""

import json
from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, Row, RowMapping, Table, insert, or_, select

from repave.model.artifact import Artifact
from repave.model.lock import Lock
from repave.model.names import Digest, FleetKey, ImageName, ReleaseNumber, RevisionId
from repave.model.record import released
from repave.model.release import Bake, Release, Revision
from repave.ports.errors import Gone
from repave.store.chain import append, recording
from repave.store.counters import draw, hold
from repave.store.database import Database
from repave.store.documents import decode, encode
from repave.store.schema import artifacts, bakes, locks, packages, releases, revisions


class SqlCatalog:
    """The catalogue over one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add_lock(self, digest: Digest, lock: Lock, at: datetime) -> None:
        """Keep a lock, and an index of its packages."""
        with self._database.writing() as connection:
            hold(connection, "lock")
            if _one(connection, locks, locks.c.digest == digest) is not None:
                return
            position = draw(connection, "lock")
            row = {"digest": digest, "position": position, "at": at, "document": encode(lock)}
            connection.execute(insert(locks), row)
            index = {
                (package.ecosystem, package.name, package.version): {
                    "lock": digest,
                    "ecosystem": package.ecosystem.value,
                    "name": package.name,
                    "version": package.version,
                    "source": package.source,
                }
                for package in lock.packages
            }
            if index:
                connection.execute(insert(packages), list(index.values()))

    def lock(self, digest: Digest) -> Lock:
        """Raises Gone."""
        with self._database.reading() as connection:
            row = _one(connection, locks, locks.c.digest == digest)
        if row is None:
            raise Gone(
                f"no lock {digest} is known", hint="it was locked in another folder, or never released from here"
            )
        return decode(Lock, row["document"])

    def locks_holding(self, package: str, version: str | None = None) -> tuple[Digest, ...]:
        """By the index."""
        wanted = or_(packages.c.name == package, packages.c.source == package)
        query = select(locks.c.digest).join(packages, packages.c.lock == locks.c.digest).where(wanted)
        if version is not None:
            query = query.where(packages.c.version == version)
        with self._database.reading() as connection:
            found = connection.scalars(query.distinct().add_columns(locks.c.position).order_by(locks.c.position))
            return tuple(Digest(digest) for digest in found)

    def add_artifact(self, artifact: Artifact, lock: Digest, at: datetime) -> None:
        """Keep an artifact, and which lock it was made from."""
        with self._database.writing() as connection:
            if _one(connection, artifacts, artifacts.c.digest == artifact.digest) is None:
                row = {"digest": artifact.digest, "lock": lock, "at": at, "document": encode(artifact)}
                connection.execute(insert(artifacts), row)

    def artifact(self, digest: Digest) -> Artifact:
        """Raises Gone."""
        with self._database.reading() as connection:
            row = _one(connection, artifacts, artifacts.c.digest == digest)
        if row is None:
            raise Gone(f"no artifact {digest} is known", hint="`repave bake` makes it from its lock")
        return decode(Artifact, row["document"])

    def add_release(self, artifacts: Mapping[ImageName, Digest], lock: Digest, source: str, at: datetime) -> Release:
        """A new number; or the newest release, when it holds the same artifacts and lock."""
        with recording(self._database) as connection:
            hold(connection, "release")
            newest = connection.execute(select(releases).order_by(releases.c.number.desc()).limit(1)).one_or_none()
            if newest is not None:
                release = _release(newest)
                if release.lock == lock and dict(release.artifacts) == dict(artifacts):
                    return release
            number = ReleaseNumber(draw(connection, "release"))
            content = json.dumps(dict(sorted(artifacts.items())))
            row = {"number": number, "lock": lock, "source": source, "artifacts": content, "at": at}
            connection.execute(insert(releases), row)
            release = _release(connection.execute(select(releases).where(releases.c.number == number)).one())
            append(connection, [released(release)], by=self._database.by)
            return release

    def release(self, number: ReleaseNumber) -> Release:
        """Raises Gone."""
        with self._database.reading() as connection:
            row = connection.execute(select(releases).where(releases.c.number == number)).one_or_none()
        if row is None:
            raise Gone(f"there is no release r{number}", hint="`repave status` lists the releases")
        return _release(row)

    def releases(self) -> tuple[Release, ...]:
        """Oldest first."""
        with self._database.reading() as connection:
            rows = connection.execute(select(releases).order_by(releases.c.number)).all()
        return tuple(_release(row) for row in rows)

    def add_bake(self, bake: Bake) -> None:
        """A row for each beginning."""
        with self._database.writing() as connection:
            hold(connection, "release")
            same = (bakes.c.release == bake.release) & (bakes.c.began_at == bake.began_at)
            if _one(connection, bakes, same) is None:
                connection.execute(insert(bakes), vars(bake))

    def bakes(self, release: ReleaseNumber) -> tuple[Bake, ...]:
        """Oldest first."""
        query = select(bakes).where(bakes.c.release == release).order_by(bakes.c.began_at)
        with self._database.reading() as connection:
            return tuple(Bake(**row) for row in connection.execute(query).mappings())

    def add_revision(self, fleet: FleetKey, revision: Revision) -> RevisionId:
        """Keep what a fleet was once asked to run."""
        with self._database.writing() as connection:
            hold(connection, "revision")
            if _one(connection, revisions, _is(fleet, revision.id)) is None:
                row = {
                    "fleet": fleet,
                    "id": revision.id,
                    "position": draw(connection, "revision"),
                    "artifact": revision.artifact,
                    "document": encode(revision),
                }
                connection.execute(insert(revisions), row)
        return revision.id

    def revision(self, fleet: FleetKey, revision: RevisionId) -> Revision:
        """Raises Gone."""
        with self._database.reading() as connection:
            row = _one(connection, revisions, _is(fleet, revision))
        if row is None:
            raise Gone(f"{fleet} was never asked to run {revision}", hint="`repave status` shows what it runs")
        return decode(Revision, row["document"])

    def revisions(self, fleet: FleetKey) -> tuple[Revision, ...]:
        """In the order they were added."""
        query = select(revisions.c.document).where(revisions.c.fleet == fleet).order_by(revisions.c.position)
        with self._database.reading() as connection:
            return tuple(decode(Revision, document) for document in connection.scalars(query))


def _one(connection: Connection, table: Table, condition: ColumnElement[bool]) -> RowMapping | None:
    return connection.execute(select(table).where(condition)).mappings().one_or_none()


def _is(fleet: FleetKey, revision: RevisionId) -> ColumnElement[bool]:
    return (revisions.c.fleet == fleet) & (revisions.c.id == revision)


def _release(row: Row[tuple[object, ...]]) -> Release:
    content: dict[str, str] = json.loads(row.artifacts)
    return Release(
        number=ReleaseNumber(row.number),
        artifacts={ImageName(image): Digest(digest) for image, digest in content.items()},
        lock=Digest(row.lock),
        source=row.source,
        created_at=row.at,
    )
