"""The order in which findings are shown, and from where on they count."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repave.model.finding import Finding, Rating, Severity
from repave.model.lock import Ecosystem
from repave.operations.urgency import Threshold, by_urgency, reaches

PLAIN = Finding(
    ecosystem=Ecosystem.PYPI,
    package="flask",
    source="flask",
    version="2.2.0",
    fixed_version="",
    fixed_in="",
    cves=("CVE-2026-0001",),
    images=(),
)
RATED = [severity for severity in Severity if severity is not Severity.UNRATED]
RATINGS = st.none() | st.builds(
    Rating, severity=st.sampled_from(RATED), score=st.none() | st.floats(0, 10, allow_nan=False)
)
FINDINGS = st.builds(
    lambda rating, exploited, likely, package: replace(
        PLAIN, rating=rating, exploited=exploited, exploitation=likely, package=package
    ),
    RATINGS,
    st.booleans(),
    st.none() | st.floats(0, 1, allow_nan=False),
    st.sampled_from(["a", "b", "c"]),
)
ORDER = ["critical", "unrated", "high", "medium", "low", "none"]


def word(finding: Finding) -> str:
    """Of its rating."""
    return finding.rating.severity.value if finding.rating else "unrated"


@given(st.lists(FINDINGS, max_size=8), st.randoms())
def test_what_hurries_stands_first_however_it_came(findings: list[Finding], random: object) -> None:
    """Known exploited, then the worst, the likeliest, the name: one order for the same findings."""
    ordered = by_urgency(findings)
    shuffled = list(findings)
    random.shuffle(shuffled)  # type: ignore[attr-defined] # hypothesis's own
    assert by_urgency(shuffled) == ordered
    assert sorted(ordered, key=repr) == sorted(findings, key=repr)
    for one, other in pairwise(ordered):
        if one.exploited != other.exploited:
            assert one.exploited
        elif word(one) != word(other):
            assert ORDER.index(word(one)) < ORDER.index(word(other))
        elif one.rating == other.rating and one.exploitation != other.exploitation:
            assert (one.exploitation or 0) >= (other.exploitation or 0)


@pytest.mark.parametrize("threshold", Threshold)
@given(RATINGS)
def test_what_is_as_bad_as_the_threshold_counts(threshold: Threshold, rating: Rating | None) -> None:
    """What nobody rated always does: it could be anything."""
    worse = {"any": 6, "low": 5, "medium": 4, "high": 3, "critical": 1}[threshold.value]
    finding = replace(PLAIN, rating=rating)
    assert reaches(finding, threshold) == (rating is None or word(finding) in ORDER[:worse])
