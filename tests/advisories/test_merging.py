"""One flaw is one finding, however many sources tell of it."""

from dataclasses import replace

import pytest

from repave.advisories.merging import merged
from repave.model.finding import Finding, Rating, Severity
from repave.model.lock import Ecosystem
from repave.model.names import ImageName

WEB, API = ImageName("web"), ImageName("api")
LOW, HIGH = Rating(severity=Severity.LOW), Rating(severity=Severity.HIGH)

SUITE = Finding(
    ecosystem=Ecosystem.DEB,
    package="libssl3",
    source="openssl",
    version="3.0.20",
    fixed_version="3.0.22",
    fixed_in="bookworm-security",
    cves=("CVE-1", "CVE-2"),
    images=(WEB,),
)


def flaw(cve: str, **more: object) -> Finding:
    """As the tracker tells it."""
    told = {"advisory": cve, "cves": (cve,), "fixed_version": "", "fixed_in": "", **more}
    return replace(SUITE, **told)  # type: ignore[arg-type] # typed where they are written


def test_what_a_suite_repairs_is_told_once_with_that_repair() -> None:
    """By the flaw, which has a rating; a flaw that nobody repairs stays one without."""
    one, two, three = flaw("CVE-1", fixed_version="3.0.21", rating=HIGH), flaw("CVE-2"), flaw("CVE-3", rating=LOW)
    repaired = {"fixed_version": "3.0.22", "fixed_in": "bookworm-security"}
    assert merged((SUITE, one, two, three)) == (
        replace(one, fixed_version="3.0.22", fixed_in="bookworm-security"),
        flaw("CVE-2", **repaired),
        three,
    )


def test_what_only_the_suite_tells_of_stays_its_own() -> None:
    """As does a repair that names no flaw, and one of an image that the flaw is not told of."""
    assert merged((SUITE, flaw("CVE-1")))[0] == replace(SUITE, cves=("CVE-2",))
    silent = replace(SUITE, cves=())
    assert merged((silent, flaw("CVE-1"))) == (silent, flaw("CVE-1"))
    both = replace(SUITE, images=(API, WEB))
    assert both in merged((both, flaw("CVE-1"), flaw("CVE-2")))


@pytest.mark.parametrize("change", [{"package": "openssl"}, {"version": "3.0.19"}, {"images": (API,)}])
def test_other_packages_versions_and_images_are_not_mixed(change: dict[str, object]) -> None:
    """The same CVE there is another finding."""
    other = replace(flaw("CVE-1"), **change)  # type: ignore[arg-type] # typed where they are written
    assert merged((SUITE, other)) == (SUITE, other)
    assert merged((flaw("CVE-1"), other)) == (flaw("CVE-1"), other)


def test_sources_that_tell_of_one_flaw_are_one_finding() -> None:
    """The rated one speaks; what it does not know, the others say; names link through each other."""
    ours = flaw("CVE-1", summary="told")
    theirs = flaw("GHSA-1", cves=("CVE-1",), rating=HIGH, fixed_version="3.0.21")
    third = flaw("CVE-9", cves=("CVE-9",))
    link = flaw("DSA-1", cves=("CVE-1", "CVE-9"))
    assert merged((ours, theirs)) == (replace(theirs, summary="told"),)
    (one,) = merged((ours, third, link))
    assert one.cves == ("CVE-1", "CVE-9")


def test_one_source_is_told_as_it_tells() -> None:
    """Nothing to merge."""
    told = (flaw("CVE-1"), flaw("CVE-2"))
    assert merged(told) == told
    assert merged((SUITE,)) == (SUITE,)
    assert merged(()) == ()
