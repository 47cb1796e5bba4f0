"""The catalogue in memory: immutable things by their names."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from threading import RLock

from repave.model.artifact import Artifact
from repave.model.event import Event
from repave.model.lock import Ecosystem, Lock, LockedPackage
from repave.model.names import Digest, FleetKey, ImageName, ReleaseNumber, RevisionId
from repave.model.record import released
from repave.model.release import Bake, Release, Revision
from repave.ports.errors import Gone


class MemoryCatalog:
    """What was locked, baked and released."""

    def __init__(self, record: Callable[[Iterable[Event]], None]) -> None:
        self._record_release = record
        self._catalog_guard = RLock()
        self._locks: dict[Digest, Lock] = {}
        self._artifacts: dict[Digest, Artifact] = {}
        self._releases: list[Release] = []
        self._bakes: list[Bake] = []
        self._revisions: dict[FleetKey, dict[RevisionId, Revision]] = {}

    def add_lock(self, digest: Digest, lock: Lock, at: datetime) -> None:
        """Keep it, once."""
        del at
        self._locks.setdefault(digest, lock)

    def lock(self, digest: Digest) -> Lock:
        """Raises Gone."""
        if digest not in self._locks:
            raise Gone(f"no lock {digest} is known")
        return self._locks[digest]

    def locks_holding(self, package: str, version: str | None = None) -> tuple[Digest, ...]:
        """In the order they were kept."""
        return tuple(
            digest
            for digest, lock in self._locks.items()
            if any(package in (p.name, p.source) and version in (None, p.version) for p in lock.packages)
        )

    def files_held(self, sha256: str) -> Mapping[Digest, tuple[str, ...]]:
        """By lock, sorted: packages, and files of the application."""
        held = dict(self._held(lambda one: one.sha256 == sha256))
        for digest, lock in self._locks.items():
            if targets := {file.target for file in lock.files if file.sha256 == sha256}:
                held[digest] = tuple(sorted({*held.get(digest, ()), *targets}))
        return held

    def locks_with(self, ecosystems: Collection[Ecosystem]) -> frozenset[Digest]:
        """Those that hold a package of one of them."""
        return frozenset(self._held(lambda one: one.ecosystem in ecosystems))

    def parts(self, names: Collection[str]) -> Mapping[Digest, Lock]:
        """By lock, what it holds of them."""
        found = {
            digest: replace(
                lock, files=(), packages=tuple(one for one in lock.packages if {one.name, one.source} & {*names})
            )
            for digest, lock in self._locks.items()
        }
        return {digest: part for digest, part in found.items() if part.packages}

    def _held(self, wanted: Callable[[LockedPackage], bool]) -> Mapping[Digest, tuple[str, ...]]:
        told = {
            digest: tuple(sorted({f"{one.name} {one.version}" for one in lock.packages if wanted(one)}))
            for digest, lock in self._locks.items()
        }
        return {digest: what for digest, what in told.items() if what}

    def add_artifact(self, artifact: Artifact, lock: Digest, at: datetime) -> None:
        """Keep it, once."""
        del lock, at
        self._artifacts.setdefault(artifact.digest, artifact)

    def artifact(self, digest: Digest) -> Artifact:
        """Raises Gone."""
        if digest not in self._artifacts:
            raise Gone(f"no artifact {digest} is known")
        return self._artifacts[digest]

    def add_release(self, artifacts: Mapping[ImageName, Digest], lock: Digest, source: str, at: datetime) -> Release:
        """A new number, unless nothing differs from the newest."""
        with self._catalog_guard:
            newest = self._releases[-1] if self._releases else None
            if newest is not None and newest.lock == lock and dict(newest.artifacts) == dict(artifacts):
                return newest
            number = ReleaseNumber(len(self._releases) + 1)
            release = Release(number=number, artifacts=dict(artifacts), lock=lock, source=source, created_at=at)
            self._releases.append(release)
            self._record_release([released(release)])
            return release

    def release(self, number: ReleaseNumber) -> Release:
        """Raises Gone."""
        if not 1 <= number <= len(self._releases):
            raise Gone(f"there is no release r{number}")
        return self._releases[number - 1]

    def releases(self) -> tuple[Release, ...]:
        """Oldest first."""
        return tuple(self._releases)

    def add_bake(self, bake: Bake) -> None:
        """Keep it, once."""
        if bake not in self._bakes:
            self._bakes.append(bake)

    def bakes(self, release: ReleaseNumber | None = None) -> tuple[Bake, ...]:
        """Of one release or all, oldest first."""
        found = (bake for bake in self._bakes if release in (None, bake.release))
        return tuple(sorted(found, key=lambda bake: (bake.began_at, bake.release)))

    def add_revision(self, fleet: FleetKey, revision: Revision) -> RevisionId:
        """Keep it, once."""
        self._revisions.setdefault(fleet, {}).setdefault(revision.id, revision)
        return revision.id

    def revision(self, fleet: FleetKey, revision: RevisionId) -> Revision:
        """Raises Gone."""
        known = self._revisions.get(fleet, {})
        if revision not in known:
            raise Gone(f"{fleet} was never asked to run {revision}")
        return known[revision]

    def artifact_of(self, fleet: FleetKey, revision: RevisionId) -> Digest | None:
        """What a revision is made of; None when the fleet was never asked to run it."""
        known = self._revisions.get(fleet, {}).get(revision)
        return None if known is None else known.artifact

    def revisions(self, fleet: FleetKey) -> tuple[Revision, ...]:
        """In the order they were added."""
        return tuple(self._revisions.get(fleet, {}).values())
