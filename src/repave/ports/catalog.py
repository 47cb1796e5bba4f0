"""What was locked, baked and released, and may be asked about later."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Protocol

from repave.model.artifact import Artifact
from repave.model.lock import Ecosystem, Lock
from repave.model.names import Digest, FleetKey, ImageName, ReleaseNumber, RevisionId
from repave.model.release import Bake, Release, Revision


class Catalog(Protocol):
    """Immutable things by their names. Every ``add`` of the same again answers the same."""

    def add_lock(self, digest: Digest, lock: Lock, at: datetime) -> None:
        """Keep a lock under the digest of its text."""
        ...

    def lock(self, digest: Digest) -> Lock:
        """Raises Gone."""
        ...

    def locks_holding(self, package: str, version: str | None = None) -> tuple[Digest, ...]:
        """The locks that pin the package, named as itself or by its source package; in the order they were kept."""
        ...

    def parts(self, names: Collection[str]) -> Mapping[Digest, Lock]:
        """By lock, what it holds of the packages of these names or sources, as a lock of that alone."""
        ...

    def files_held(self, sha256: str) -> Mapping[Digest, tuple[str, ...]]:
        """By lock, what is locked with these bytes: packages as ``name version``, the application's by their target."""
        ...

    def locks_with(self, ecosystems: Collection[Ecosystem]) -> frozenset[Digest]:
        """The locks that hold a package of one of these."""
        ...

    def add_artifact(self, artifact: Artifact, lock: Digest, at: datetime) -> None:
        """Keep an artifact, and which lock it was made from."""
        ...

    def artifact(self, digest: Digest) -> Artifact:
        """Raises Gone."""
        ...

    def add_release(self, artifacts: Mapping[ImageName, Digest], lock: Digest, source: str, at: datetime) -> Release:
        """A new number; or the newest release, when it holds the same artifacts and lock."""
        ...

    def release(self, number: ReleaseNumber) -> Release:
        """Raises Gone."""
        ...

    def releases(self) -> tuple[Release, ...]:
        """Oldest first."""
        ...

    def add_bake(self, bake: Bake) -> None:
        """Keep that a release was baked; the same lock baked again is another bake of the same release."""
        ...

    def bakes(self, release: ReleaseNumber | None = None) -> tuple[Bake, ...]:
        """Of one release or all, oldest first; none of releases that were baked before bakes were kept."""
        ...

    def add_revision(self, fleet: FleetKey, revision: Revision) -> RevisionId:
        """Keep what a fleet was once asked to run."""
        ...

    def revision(self, fleet: FleetKey, revision: RevisionId) -> Revision:
        """Raises Gone."""
        ...

    def revisions(self, fleet: FleetKey) -> tuple[Revision, ...]:
        """In the order they were added."""
        ...
