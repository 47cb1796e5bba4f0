"""What every store keeps of revocations, whatever it is made of."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from repave.model.names import Digest, EnvironmentName, FleetKey, FleetName, ImageName, ProjectName, ReleaseNumber
from repave.model.plan import Phase, Plan
from repave.model.release import Revision
from repave.model.revocation import Revocation, RevokedKind
from repave.ports.errors import Conflict, Gone
from repave.ports.intent import Aim
from repave.ports.store import Store

NOW = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)
FLEET = FleetKey(project=ProjectName("shop"), environment=EnvironmentName("test"), fleet=FleetName("web"))
OTHER = replace(FLEET, environment=EnvironmentName("prod"))


def revision(release: int) -> Revision:
    """What a fleet is asked to run, told apart by the release."""
    artifact = Digest(f"sha256:{release:064d}")
    return Revision(release=ReleaseNumber(release), image=ImageName("web"), artifact=artifact, port=8080)


OLD, NEW = revision(1), revision(2)


def aim(wanted: Revision = OLD) -> Aim:
    """What a person wants."""
    return Aim(revision=wanted.id, release=wanted.release, size=2, reason="deploy")


def revoked(subject: str, *releases: int) -> Revocation:
    """Of the artifacts of these releases."""
    artifacts = tuple(revision(release).artifact for release in releases)
    return Revocation(
        kind=RevokedKind.PACKAGE, subject=subject, reason="CVE-2026-1", at=NOW, artifacts=artifacts, key="ünïcode"
    )


def test_a_revocation_is_kept_and_seen_by_the_targets_it_concerns(store: Store) -> None:
    """At once, and no plan made before is committed after; others are left as they are."""
    for fleet, wanted in ((FLEET, OLD), (OTHER, NEW)):
        store.add_revision(fleet, wanted)
        before = store.aim(fleet, aim(wanted), NOW).generation
    kept = store.revoke(revoked("openssl=1", 1))
    assert kept == replace(revoked("openssl=1", 1), number=1)
    target, other = store.target(FLEET), store.target(OTHER)
    assert target is not None
    assert other is not None
    assert (target.generation, other.generation) == (before + 1, before)
    (seen,) = target.revoked
    assert (seen.revision, seen.reason, seen.since) == (OLD.id, "CVE-2026-1 (package openssl=1)", NOW)
    assert store.revoked(FLEET, OLD.id) == seen
    assert (other.revoked, store.revoked(OTHER, NEW.id)) == ((), None)
    with pytest.raises(Conflict):
        store.commit(Plan(fleet=FLEET, parent=1, at=NOW, phase=Phase.ROLLING, summary="rolling"))


def test_a_revocation_holds_for_what_is_asked_for_afterwards(store: Store) -> None:
    """A deployment that raced it is not missed."""
    store.revoke(revoked("openssl=1", 1))
    store.add_revision(FLEET, OLD)
    assert [one.revision for one in store.aim(FLEET, aim(), NOW).revoked] == [OLD.id]


def test_a_revocation_grows_and_is_undone(store: Store) -> None:
    """The same again covers more, a second one of the same artifact outlasts the first; all stay in the list."""
    store.add_revision(FLEET, OLD)
    store.aim(FLEET, aim(), NOW)
    store.revoke(revoked("openssl=1", 2))
    assert store.revoke(replace(revoked("openssl=1", 1), reason="other words")).artifacts == (
        OLD.artifact,
        NEW.artifact,
    )
    store.revoke(revoked("zlib=2", 1))
    undone = store.undo_revocation(1, reason="a false alarm", at=NOW + timedelta(seconds=60))
    assert (undone.undone_at, undone.undone_reason, undone.stands) == (
        NOW + timedelta(seconds=60),
        "a false alarm",
        False,
    )
    assert store.undo_revocation(1, reason="again", at=NOW + timedelta(seconds=90)) == undone
    target = store.target(FLEET)
    assert target is not None
    assert [one.reason for one in target.revoked] == ["CVE-2026-1 (package zlib=2)"]
    assert [one.number for one in store.revocations()] == [1, 2]
    assert store.revoke(revoked("openssl=1", 1)).number == 3, "what was undone does not stand"
    with pytest.raises(Gone):
        store.undo_revocation(9, reason="", at=NOW)
