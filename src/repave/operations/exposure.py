"""Which instances, living and past, run what a lock pins."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from repave.model.lock import Lock
from repave.model.names import Digest, FleetKey, ImageName, ReleaseNumber, RevisionId
from repave.model.release import Release, Revision
from repave.operations.releases import title
from repave.ports.errors import Gone
from repave.ports.history import Lifetime, Presence
from repave.ports.store import Store


@dataclass(frozen=True, kw_only=True)
class Bearer:
    """One instance that runs, or ran, a release in question."""

    environment: str
    fleet: str
    instance: str
    slot: str
    release: str
    zone: str
    first_seen: datetime
    last_seen: datetime
    gone_at: datetime | None
    """None while it lives."""


class Runners:
    """Who runs some images of a release: each instance runs one, by its fleet's revision as the store has it."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: dict[FleetKey, Mapping[RevisionId, Revision]] = {}

    def runs(self, fleet: FleetKey, revision: RevisionId, release: Release, images: Collection[ImageName]) -> bool:
        """Whether an instance of this revision runs one of them; of a revision that nobody knows it is not denied."""
        if release.artifacts.keys() <= set(images):
            return True
        known = self._revisions(fleet).get(revision)
        return known is None or known.artifact in _artifacts(release, images)

    def ran(self, fleet: FleetKey, release: Release, images: Collection[ImageName]) -> bool:
        """Whether the fleet was ever asked to run one of them; where it is not known what it ran it is not denied."""
        if release.artifacts.keys() <= set(images):
            return True
        known = {one.artifact for one in self._revisions(fleet).values() if one.release == release.number}
        return not known or not known.isdisjoint(_artifacts(release, images))

    def _revisions(self, fleet: FleetKey) -> Mapping[RevisionId, Revision]:
        if fleet not in self._known:
            self._known[fleet] = {revision.id: revision for revision in self._store.revisions(fleet)}
        return self._known[fleet]


def _artifacts(release: Release, images: Collection[ImageName]) -> frozenset[Digest]:
    """By what they are, not by what they are called: two images may be the same bytes."""
    return frozenset(artifact for image, artifact in release.artifacts.items() if image in images)


Images = Mapping[str, frozenset[ImageName]]
"""What is held, in words, and the images that hold it."""


def by_images(held: Iterable[tuple[str, Iterable[ImageName]]]) -> Images:
    """Each thing once, in the order given, with all its images."""
    found: dict[str, set[ImageName]] = defaultdict(set)
    for what, images in held:
        found[what].update(images)
    return {what: frozenset(images) for what, images in found.items()}


def bearer_of(lifetime: Lifetime | Presence) -> Bearer:
    """As people are told of it."""
    return Bearer(
        environment=lifetime.fleet.environment,
        fleet=lifetime.fleet.fleet,
        instance=lifetime.instance,
        slot=lifetime.slot,
        release=title(lifetime.release),
        zone=lifetime.zone,
        first_seen=lifetime.first_seen,
        last_seen=lifetime.last_seen,
        gone_at=lifetime.gone_at,
    )


def running_images(store: Store, lifetimes: Iterable[Lifetime]) -> frozenset[tuple[ReleaseNumber, str]]:
    """Which image of which release the lifetimes are of."""
    found = set()
    for fleet, revision in {(lifetime.fleet, lifetime.revision) for lifetime in lifetimes}:
        try:
            known = store.revision(fleet, revision)
        except Gone:
            continue
        found.add((known.release, known.image))
    return frozenset(found)


def releases_of_locks(store: Store, locks: Collection[Digest]) -> tuple[Release, ...]:
    """The releases made from these locks, oldest first."""
    return tuple(release for release in store.releases() if release.lock in locks)


def locks_of_releases(store: Store, numbers: Collection[ReleaseNumber]) -> dict[Digest, Lock]:
    """The locks behind the releases, each once."""
    digests = {release.lock for release in store.releases() if release.number in numbers}
    return {digest: store.lock(digest) for digest in sorted(digests)}
