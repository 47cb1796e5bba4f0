"""How bad a flaw is: every version of CVSS as FIRST scores it, words, and what cannot be read."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repave.advisories.rating import rate, severity_of
from repave.model.finding import Severity

V2 = "AV:N/AC:L/Au:N/C:C/I:C/A:C"
V30 = "CVSS:3.0/AV:N/AC:L/PR:N/UI:N/S:U/C:L/I:N/A:N"
V31 = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"
V40 = "CVSS:4.0/AV:L/AC:L/AT:N/PR:N/UI:A/VC:L/VI:N/VA:N/SC:N/SI:N/SA:N"


def published() -> list[tuple[float, str]]:
    """FIRST's own vectors with their scores."""
    text = Path(__file__).with_name("first_examples.txt").read_text(encoding="utf-8")
    rows = [line.split() for line in text.splitlines() if line and not line.startswith("#")]
    return [(float(score), vector) for score, vector in rows]


@pytest.mark.parametrize(("score", "vector"), published(), ids=lambda value: str(value)[:80])
def test_every_published_example_has_its_published_score(score: float, vector: str) -> None:
    """The v2.0 guide, the v3.1 and the v4.0 examples of FIRST."""
    rated = rate([vector])
    assert rated.rating is not None
    assert (rated.rating.score, rated.rating.vector, rated.problem) == (score, vector, "")


def test_versions_3_0_and_3_1_are_each_scored_by_their_own_equations() -> None:
    """The modified impact of a changed scope differs between them (v3.0, section 8.3; v3.1, section 7.3)."""
    metrics = "AV:P/AC:H/PR:L/UI:R/S:C/C:L/I:H/A:H/MC:H"
    scores = [
        (rated.rating.score if rated.rating else None)
        for rated in (rate([f"CVSS:3.0/{metrics}"]), rate([f"CVSS:3.1/{metrics}"]))
    ]
    assert scores == [6.9, 7.0]


def test_the_newest_version_of_cvss_wins() -> None:
    """Whatever the order, and although an older one gives a higher score."""
    order = (V2, V30, V31, V40)
    for newest in range(len(order)):
        vectors = order[: newest + 1]
        for given_as in (vectors, tuple(reversed(vectors))):
            rating = rate(given_as, "low").rating
            assert rating is not None
            assert rating.vector == vectors[-1]


def test_of_two_vectors_of_one_version_the_worse_counts() -> None:
    """Two authorities disagree: nobody is told the milder."""
    milder = V31.replace("C:H/I:H/A:H", "C:L/I:N/A:N")
    for vectors in ((V31, milder), (milder, V31)):
        rating = rate(vectors).rating
        assert rating is not None
        assert rating.score == 9.8


def test_words_of_version_2_are_those_of_the_nvd() -> None:
    """Version 2 has no "critical"."""
    rating = rate([f"({V2})"]).rating
    assert rating is not None
    assert (rating.score, rating.severity) == (10.0, Severity.HIGH)


@pytest.mark.parametrize(
    ("word", "severity"),
    [
        ("CRITICAL", Severity.CRITICAL),
        ("MODERATE", Severity.MEDIUM),
        ("low**", Severity.LOW),
        ("negligible", Severity.LOW),
        ("unimportant", Severity.NONE),
    ],
)
def test_a_word_alone_gives_a_rating_without_a_score(word: str, severity: Severity) -> None:
    """GitHub's words, Debian's and Ubuntu's urgencies."""
    rated = rate([], word)
    assert rated.rating is not None
    assert (rated.rating.severity, rated.rating.score, rated.rating.vector) == (severity, None, "")


@pytest.mark.parametrize("word", ["", "not yet assigned", "untriaged"])
def test_what_nobody_has_judged_is_unrated(word: str) -> None:
    """And no complaint is made of it."""
    assert rate([], word) == rate([])
    assert rate([]).rating is None
    assert not rate([]).problem


@pytest.mark.parametrize(
    "broken",
    [
        "CVSS:3.1/AV:N/AC:L",
        "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:Q",
        "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H/A:H",
        "CVSS:9.9/AV:N",
        "CVSS:4.0/AV:N",
        "7.5",
        "",
    ],
)
def test_a_broken_vector_is_told_and_never_taken_for_none(broken: str) -> None:
    """Alone it leaves the flaw unrated; a word beside it still counts."""
    alone = rate([broken])
    assert alone.rating is None
    assert broken in alone.problem
    beside = rate([broken], "high")
    assert beside.rating is not None
    assert beside.rating.severity is Severity.HIGH
    assert beside.problem == alone.problem


def test_an_unknown_word_is_told() -> None:
    """It may be a new one that means "worse than all"."""
    assert rate([], "apocalyptic").rating is None
    assert "apocalyptic" in rate([], "apocalyptic").problem


@given(st.lists(st.text(max_size=60), max_size=4), st.text(max_size=20))
def test_nothing_a_source_may_say_ends_in_an_error(vectors: list[str], word: str) -> None:
    """It is a rating, or a problem, or nothing was said."""
    rated = rate(vectors, word)
    assert rated.problem or rated.rating or not vectors


@given(st.integers(min_value=0, max_value=100))
def test_every_score_has_its_word(tenths: int) -> None:
    """The boundaries of the qualitative scale, to the tenth."""
    lowest = {"none": 0, "low": 1, "medium": 40, "high": 70, "critical": 90}
    expected = [word for word, first in lowest.items() if tenths >= first][-1]
    assert severity_of(tenths / 10) == expected
