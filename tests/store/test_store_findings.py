"""What every store keeps of what examinations said, whatever it is made of."""

from dataclasses import replace

from store_scene import FLEET, NEW, NOW, OLD, aim, later

from repave.model.exposure import Examination, Flaw
from repave.model.finding import Carrier, Dismissal, Finding, Grounds, Rating, Severity, SourceStatus
from repave.model.lock import Ecosystem
from repave.model.names import Digest, ImageName
from repave.ports.store import Store

FIRST, SECOND = Digest("sha256:1"), Digest("sha256:2")
FINDING = Finding(
    ecosystem=Ecosystem.DEB,
    package="libssl3",
    source="openssl",
    version="3.0.20",
    fixed_version="3.0.22",
    fixed_in="bookworm-security",
    cves=("CVE-2026-1", "CVE-2026-2"),
    images=(ImageName("web"),),
    advisory="DSA-1",
    aliases=("GHSA-1",),
    published=NOW,
    rating=Rating(severity=Severity.HIGH, score=7.5),
    exploitation=0.25,
    dismissed=Dismissal(grounds=Grounds.FIXED, author="Ada", reason="patched", source="vex.json", at=NOW),
    within=(Carrier(ecosystem=Ecosystem.OCI, name="base", version="1"),),
)
OTHER = replace(FINDING, package="zlib1g", cves=("CVE-2026-3",), advisory="", aliases=(), dismissed=None)
SAID = Examination(
    at=NOW, sources=(SourceStatus(name="OSV", as_of=later(-60), covers=(Ecosystem.DEB,)),), unjudged=("1 wheel",)
)


def test_findings_come_back_whole_and_are_found_by_every_name(store: Store) -> None:
    """What several artifacts have is found of each."""
    store.keep_findings(FIRST, SAID, [FINDING, OTHER, FINDING])
    store.keep_findings(SECOND, replace(SAID, at=later(1)), [FINDING])
    assert store.findings(FIRST) == (FINDING, OTHER)
    assert store.findings(Digest("sha256:3")) == ()
    assert store.examinations() == {FIRST: SAID, SECOND: replace(SAID, at=later(1))}
    for name in ("CVE-2026-1", "CVE-2026-2", "DSA-1", "GHSA-1"):
        assert store.found(name) == {FIRST: (FINDING,), SECOND: (FINDING,)}
    assert store.found("CVE-2026-3") == {FIRST: (OTHER,)}
    assert store.found("") == {}


def test_the_next_examination_takes_the_place_of_the_last(store: Store) -> None:
    """What no artifact has any more is found no more; what another still has, of that one alone."""
    store.keep_findings(FIRST, SAID, [FINDING, OTHER])
    store.keep_findings(SECOND, SAID, [FINDING])
    store.keep_findings(FIRST, replace(SAID, at=later(5)), [])
    assert store.findings(FIRST) == ()
    assert store.examinations()[FIRST].at == later(5)
    assert store.found("CVE-2026-3") == {}
    assert store.found("CVE-2026-1") == {SECOND: (FINDING,)}
    store.keep_findings(FIRST, SAID, [OTHER])
    assert store.found("CVE-2026-3") == {FIRST: (OTHER,)}


def test_what_is_newly_published_is_added_once_where_it_was_examined(store: Store) -> None:
    """An artifact that never was would seem clean of all else."""
    store.keep_findings(FIRST, SAID, [FINDING])
    for _ in range(2):
        store.add_findings((FIRST, SECOND), [OTHER])
    assert store.findings(FIRST) == (FINDING, OTHER)
    assert store.findings(SECOND) == ()
    assert store.found("CVE-2026-3") == {FIRST: (OTHER,)}
    assert SECOND not in store.examinations()


def test_newly_known_flaws_move_those_on_who_run_them(store: Store) -> None:
    """Each artifact learns what it did not know; the earliest moments stand; the same again changes nothing."""
    store.add_revision(FLEET, OLD)
    store.aim(FLEET, aim(), NOW)
    before = store.target(FLEET)
    known = Flaw(advisory="CVE-2026-1", severity=Severity.HIGH, published_at=NOW)
    store.expose(NEW.artifact, [known], whole=True)
    again = replace(known, published_at=later(9), fixable_at=later(9))
    other = Flaw(advisory="CVE-2026-2", severity=Severity.LOW, published_at=later(9))
    learned = store.learn((OLD.artifact, NEW.artifact), [again, other])
    assert learned == {OLD.artifact: ("CVE-2026-1", "CVE-2026-2"), NEW.artifact: ("CVE-2026-2",)}
    assert store.flaws(OLD.artifact) == (again, other)
    assert store.flaws(NEW.artifact) == (replace(known, fixable_at=later(9)), other)
    moved = store.target(FLEET)
    assert before is not None
    assert moved is not None
    assert moved.generation == before.generation + 1
    assert store.learn((OLD.artifact, NEW.artifact), [again, other]) == {}
    assert store.target(FLEET) == moved
