"""Which instances, living and past, run what a lock pins."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from repave.model.lock import Lock
from repave.model.names import Digest, ReleaseNumber
from repave.model.release import Release
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


def bearers(lifetimes: Iterable[Lifetime], releases: Collection[ReleaseNumber]) -> tuple[Bearer, ...]:
    """Those of the lifetimes that run one of the releases, oldest first."""
    return tuple(bearer_of(lifetime) for lifetime in lifetimes if lifetime.release in releases)


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
