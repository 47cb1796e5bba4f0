"""The catalogue port: immutable things by their names."""

import json
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime
from functools import cache, partial
from operator import itemgetter

from sqlalchemy import ColumnElement, Connection, Row, RowMapping, Table, insert, or_, select

from repave.model.artifact import Artifact
from repave.model.lock import Ecosystem, Lock, LockedImage, LockedPackage
from repave.model.names import Digest, FleetKey, ImageName, ReleaseNumber, RevisionId
from repave.model.record import released
from repave.model.release import Bake, Release, Revision
from repave.ports.errors import Gone
from repave.store.chain import append, recording
from repave.store.counters import draw, hold
from repave.store.database import Database
from repave.store.documents import decode, encode
from repave.store.schema import artifacts, bakes, contents, locks, releases, revisions

FILE = "file"
"""In place of an ecosystem, of what is the application's own."""


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
            connection.execute(insert(locks), {**row, "images": encode(lock.images)})
            if rows := contents_of(digest, lock):
                connection.execute(insert(contents), rows)

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
        query = select(locks.c.digest).join(contents, contents.c.lock == locks.c.digest).where(_named(package))
        if version is not None:
            query = query.where(contents.c.version == version)
        with self._database.reading() as connection:
            found = connection.scalars(query.distinct().add_columns(locks.c.position).order_by(locks.c.position))
            return tuple(Digest(digest) for digest in found)

    def files_held(self, sha256: str) -> Mapping[Digest, tuple[str, ...]]:
        """By the index."""
        return self._held(contents.c.sha256 == sha256)

    def locks_with(self, ecosystems: Collection[Ecosystem]) -> frozenset[Digest]:
        """By the index."""
        query = select(contents.c.lock).where(contents.c.ecosystem.in_(ecosystems)).distinct()
        with self._database.reading() as connection:
            return frozenset(map(Digest, connection.scalars(query)))

    def parts(self, names: Collection[str]) -> Mapping[Digest, Lock]:
        """By the index: each package is read once, however many locks hold it."""
        query = (
            select(locks.c.digest, locks.c.images, contents.c.document)
            .join(contents, contents.c.lock == locks.c.digest)
            .where(contents.c.ecosystem != FILE)
            .where(or_(contents.c.name.in_(names), contents.c.source.in_(names)))
            .order_by(locks.c.position, contents.c.ecosystem, contents.c.name, contents.c.version)
        )
        package, images = cache(partial(decode, LockedPackage)), cache(partial(decode, tuple[LockedImage, ...]))
        found: dict[Digest, Lock] = {}
        with self._database.reading() as connection:
            for digest, made_for, document in connection.execute(query):
                known = found.get(Digest(digest), Lock(images=images(made_for)))
                found[Digest(digest)] = replace(known, packages=(*known.packages, package(document)))
        return found

    def _held(self, wanted: ColumnElement[bool]) -> Mapping[Digest, tuple[str, ...]]:
        held: dict[Digest, set[str]] = {}
        with self._database.reading() as connection:
            rows = connection.execute(select(contents.c.lock, contents.c.name, contents.c.version).where(wanted))
            for lock, name, version in rows:
                held.setdefault(Digest(lock), set()).add(f"{name} {version}".rstrip())
        return {lock: tuple(sorted(what)) for lock, what in held.items()}

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

    def bakes(self, release: ReleaseNumber | None = None) -> tuple[Bake, ...]:
        """Of one release or all, oldest first."""
        query = select(bakes).order_by(bakes.c.began_at, bakes.c.release)
        if release is not None:
            query = query.where(bakes.c.release == release)
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


def contents_of(digest: Digest, lock: Lock) -> list[dict[str, str]]:
    """The rows by which what a lock holds is found; a file of the application is named by its target."""
    rows = [
        {
            "lock": digest,
            "ecosystem": package.ecosystem.value,
            "name": package.name,
            "version": package.version,
            "source": package.source,
            "source_version": package.source_version,
            "sha256": package.sha256,
            "document": encode(package),
        }
        for package in lock.packages
    ]
    nothing = {"ecosystem": FILE, "version": "", "source": "", "source_version": "", "document": ""}
    rows += [{"lock": digest, "name": file.target, "sha256": file.sha256, **nothing} for file in lock.files]
    key = itemgetter(*(column.name for column in contents.primary_key))
    return list({key(row): row for row in rows}.values())


def _named(name: str) -> ColumnElement[bool]:
    return (contents.c.ecosystem != FILE) & or_(contents.c.name == name, contents.c.source == name)


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
