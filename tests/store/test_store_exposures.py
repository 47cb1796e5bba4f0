"""What every store keeps of flaws, whatever it is made of."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from repave.model.exposure import Exposure, Flaw
from repave.model.finding import Severity
from repave.model.names import Digest, EnvironmentName, FleetKey, FleetName, ImageName, ProjectName, ReleaseNumber
from repave.model.release import Revision
from repave.model.target import Target
from repave.ports.intent import Aim
from repave.ports.store import Store

NOW = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)
FLEET = FleetKey(project=ProjectName("shop"), environment=EnvironmentName("test"), fleet=FleetName("web"))
ARTIFACT = Digest("sha256:" + "1" * 64)
REVISION = Revision(release=ReleaseNumber(1), image=ImageName("web"), artifact=ARTIFACT, port=8080)


def flaw(name: str, days: int, severity: Severity = Severity.HIGH) -> Flaw:
    """Published so many days ago."""
    return Flaw(advisory=name, severity=severity, published_at=NOW - timedelta(days=days))


@pytest.fixture
def store(store: Store) -> Store:
    """One store of each kind, with a fleet."""
    store.add_revision(FLEET, REVISION)
    store.aim(FLEET, Aim(revision=REVISION.id, release=REVISION.release, size=2, reason="deploy"), NOW)
    return store


def target(store: Store) -> Target:
    """Of the fleet."""
    found = store.target(FLEET)
    assert found is not None
    return found


def test_a_target_bears_the_oldest_flaw_of_each_severity(store: Store) -> None:
    """However many there are; what changes nothing changes no generation."""
    found = [flaw("CVE-1", 2), flaw("CVE-2", 9), flaw("CVE-3", 1, Severity.CRITICAL)]
    before = target(store).generation
    store.expose(ARTIFACT, found, whole=True)
    assert store.flaws(ARTIFACT) == (found[1], found[0], found[2])
    seen = target(store)
    assert seen.exposures == tuple(Exposure(revision=REVISION.id, flaw=each) for each in (found[2], found[1]))
    store.expose(ARTIFACT, found, whole=True)
    assert target(store).generation == seen.generation == before + 1


def test_the_earliest_moment_that_was_said_of_a_flaw_stays(store: Store) -> None:
    """A later scan, by a source that gives no date, does not move the deadline."""
    store.expose(ARTIFACT, [flaw("CVE-1", 5)], whole=True)
    store.expose(ARTIFACT, [flaw("CVE-1", 0)], whole=True)
    assert store.flaws(ARTIFACT) == (flaw("CVE-1", 5),)
    store.expose(ARTIFACT, [flaw("CVE-1", 7, Severity.CRITICAL)], whole=True)
    assert store.flaws(ARTIFACT) == (flaw("CVE-1", 7, Severity.CRITICAL),)


def test_what_is_no_longer_found_goes_when_every_source_was_read(store: Store) -> None:
    """And not before."""
    store.expose(ARTIFACT, [flaw("CVE-1", 5)], whole=True)
    store.expose(ARTIFACT, [flaw("CVE-2", 3)], whole=False)
    assert len(store.flaws(ARTIFACT)) == 2
    store.expose(ARTIFACT, [], whole=True)
    assert (store.flaws(ARTIFACT), target(store).exposures) == ((), ())


def test_since_when_it_can_be_repaired_is_kept_from_the_first_word_of_it(store: Store) -> None:
    """What was not said before may be said later, and is not taken back."""
    store.expose(ARTIFACT, [flaw("CVE-1", 2)], whole=True)
    for days in (0, 1, None):
        fixable = None if days is None else NOW + timedelta(days=days)
        store.expose(ARTIFACT, [replace(flaw("CVE-1", 2), fixable_at=fixable)], whole=True)
    assert [each.fixable_at for each in store.flaws(ARTIFACT)] == [NOW]


def test_when_an_artifact_was_examined_whole_is_kept(store: Store) -> None:
    """The last time; never is said, too."""
    assert store.examined(ARTIFACT) is None
    for days in (0, 1):
        store.note_examined(ARTIFACT, NOW + timedelta(days=days))
    assert store.examined(ARTIFACT) == NOW + timedelta(days=1)
