"""All releases against all advisories, and what is told of them afterwards without asking a source."""

from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest
from bases_below import SaidBases
from invented import InventedAdvisories
from said_bundles import SaidBundles
from simulated_shop import QUIET, Shop

from repave.model.names import ImageName
from repave.operations.errors import Refused
from repave.operations.instances import Trace, Tracing
from repave.operations.matching import match_flaw, match_released
from repave.operations.where import Search, Whereabouts
from repave.ports.progress import Progress

CVE, NEW = "CVE-2026-0001", "CVE-2026-0002"


@dataclass
class Searched(InventedAdvisories):
    """Names the packages that it knows of."""

    about: dict[str, frozenset[str] | None] = field(default_factory=dict)
    asked: int = 0

    def packages_of(self, flaw: str, *, progress: Progress) -> frozenset[str] | None:
        """As it was told."""
        del progress
        return self.about.get(flaw, frozenset())


@pytest.fixture
def released(shop: Shop) -> Shop:
    """Two releases, of which the second holds a newer openssl, and both the same zlib."""
    shop.lock()
    shop.bake()
    shop.deploy("test")
    shop.advisories.repairs["openssl"] = ("3.0.22", (CVE,))
    shop.pinner.archive["openssl"] = "3.0.22"
    cure = shop.patching.cure(shop.patching.diagnose(QUIET), QUIET)
    shop.locking.write(cure.proposal, QUIET)
    shop.bake()
    shop.deploy("test")
    return shop


def kept(shop: Shop, flaw: str) -> Whereabouts:
    """As `repave where --kept` asks: no source is there."""
    search = Search(
        store=shop.store, present=None, advisories=(), bases=SaidBases(), bundles=SaidBundles(), progress=QUIET
    )
    return search.find(flaw, kept=True)


def traced(shop: Shop, slot: str) -> Trace:
    """The same of an instance."""
    trace = Tracing(store=shop.store, advisories=(), progress=QUIET).trace(slot, kept=True)
    assert trace is not None
    return trace


def holding(found: Whereabouts) -> dict[str, tuple[tuple[str, ...], int, int]]:
    """By release: what it holds, how many live and how many are gone."""
    return {
        one.release: (one.what, len(one.living), sum(gone.instances for gone in one.past)) for one in found.holdings
    }


def test_what_was_found_of_releases_is_told_without_asking(released: Shop) -> None:
    """From the flaw to who ran it, and from an instance to its flaws; by the same sources as they were then."""
    matching = match_released(released.store, (released.advisories,), released.clock, QUIET)
    assert [(one.release, len(one.findings)) for one in matching.releases] == [("r1", 1), ("r2", 0)]
    released.advisories.problem = "no route to host"
    found = kept(released, CVE)
    assert holding(found) == {"r1": (("openssl 3.0.20",), 0, 3)}
    assert [finding.cves for finding in found.findings] == [(CVE,)]
    assert [(source.name, source.problem) for source in found.sources] == [("invented", "")]
    first, last = released.store.lifetimes()[0], released.store.lifetimes()[-1]
    assert [finding.cves for finding in traced(released, first.slot).instances[0].findings] == [(CVE,)]
    assert traced(released, last.slot).instances[0].findings == ()


def test_what_was_never_examined_is_not_called_clean(shop: Shop) -> None:
    """Neither by the flaw nor by the instance; and what to do is said."""
    shop.lock()
    shop.bake()
    shop.deploy("test")
    assert kept(shop, CVE).unjudged == ("r1 was never examined: `repave scan --released` does",)
    trace = traced(shop, shop.store.lifetimes()[0].slot)
    assert trace.unjudged == ("r1 was never examined: `repave scan --released` does",)


def test_a_source_that_fails_takes_nothing_back(released: Shop) -> None:
    """What it said before still stands, and that it fails now is told."""
    match_released(released.store, (released.advisories,), released.clock, QUIET)
    released.advisories.problem = "no route to host"
    matching = match_released(released.store, (released.advisories,), released.clock, QUIET)
    assert [source.problem for source in matching.unknown] == ["no route to host"]
    found = kept(released, CVE)
    assert holding(found) == {"r1": (("openssl 3.0.20",), 0, 3)}
    assert [source.problem for source in found.unknown] == ["no route to host"]


def test_one_new_flaw_is_added_to_what_is_kept(released: Shop) -> None:
    """Only the packages that it is about are looked at; planners learn of it, too; again changes nothing."""
    match_released(released.store, (released.advisories,), released.clock, QUIET)
    source = Searched(repairs={"zlib": ("1.3", (NEW,))}, about={NEW: frozenset({"zlib"})})
    for _ in range(2):
        matching = match_flaw(NEW, released.store, source, released.clock, QUIET)
        assert [one.release for one in matching.releases] == ["r1", "r2"]
    assert {release: held[0] for release, held in holding(kept(released, NEW)).items()} == {
        "r1": ("zlib 1.2",),
        "r2": ("zlib 1.2",),
    }
    assert holding(kept(released, CVE)) == {"r1": (("openssl 3.0.20",), 0, 3)}
    artifact = released.store.release(released.store.releases()[0].number).artifacts[ImageName("web")]
    assert {flaw.advisory for flaw in released.store.flaws(artifact)} == {CVE, NEW}
    learned = [one.event for one in released.store.recorded(kinds=("flaws",)) if NEW in str(one.event.details)]
    assert [event.details["found"] for event in learned] == [[NEW], [NEW]]
    nothing = replace(source, about={CVE: frozenset({"curl"})})
    assert match_flaw(CVE, released.store, nothing, released.clock, QUIET).releases == ()


def test_a_flaw_that_cannot_be_searched_for_is_refused(released: Shop) -> None:
    """With the way that always works; nobody is called clean of what no record names."""
    with pytest.raises(Refused, match=f"no record that is here has the name {NEW}") as unknown:
        match_flaw(NEW.lower(), released.store, Searched(), released.clock, QUIET)
    assert "repave scan --released" in unknown.value.hint
    with pytest.raises(Refused, match="cannot be told beforehand") as refused:
        match_flaw(NEW, released.store, Searched(about={NEW: None}), released.clock, QUIET)
    assert "repave scan --released" in refused.value.hint


def test_the_source_that_says_least_speaks_for_all(released: Shop) -> None:
    """Of two examinations the older one's word is told."""
    match_released(released.store, (released.advisories,), released.clock, QUIET)
    early, late = (release.artifacts[ImageName("web")] for release in released.store.releases())
    examinations = released.store.examinations()
    for artifact, days in ((early, 1), (late, 2)):
        at = released.clock.now() + timedelta(days=days)
        (source,) = examinations[artifact].sources
        said = replace(examinations[artifact], sources=(replace(source, as_of=at),))
        released.store.keep_findings(artifact, said, released.store.findings(artifact))
    (told,) = kept(released, CVE).sources
    assert told.as_of == released.clock.now() + timedelta(days=1)
