"""From what a source says of a flaw's severity to a rating: CVSS vectors of every version, or a word."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from repave.model.finding import Rating, Severity

if TYPE_CHECKING:
    from cvss.cvss2 import CVSS2
    from cvss.cvss3 import CVSS3
    from cvss.cvss4 import CVSS4

NEWEST_FIRST = (4, 3, 2)
"""The versions of CVSS, in the order in which they are believed; 3.1 goes before 3.0."""

SCALE = ((9.0, Severity.CRITICAL), (7.0, Severity.HIGH), (4.0, Severity.MEDIUM), (0.1, Severity.LOW))
"""The lowest score of each word (CVSS v3.1, section 5; v4.0, section 6)."""

SCALE_OF_VERSION_2 = ((7.0, Severity.HIGH), (4.0, Severity.MEDIUM), (0.0, Severity.LOW))
"""Version 2 has no words of its own: these are the ones of the NVD, which gave most of its vectors."""

WORDS = {
    "critical": Severity.CRITICAL,
    "high": Severity.HIGH,
    "important": Severity.HIGH,
    "medium": Severity.MEDIUM,
    "moderate": Severity.MEDIUM,
    "low": Severity.LOW,
    "negligible": Severity.LOW,
    "minimal": Severity.LOW,
    "unimportant": Severity.NONE,
    "none": Severity.NONE,
}
"""GitHub's words, Debian's and Ubuntu's urgencies; Debian calls unimportant what its packages are not open to."""

NO_WORDS = frozenset({"", "not yet assigned", "not-yet-assigned", "end-of-life", "untriaged", "unknown"})
"""Said where nobody has judged yet."""

TEMPORAL = frozenset({"E", "RL", "RC"})
NOT_DEFINED = frozenset({"X", "ND"})
VERSION = re.compile(r"CVSS:(\d+)\.(\d+)/")

SHOWN_CHARACTERS = 120
"""Of a vector that cannot be read: the longest correct one of version 4 has more, a message need not."""


@dataclass(frozen=True, kw_only=True)
class Rated:
    """What came of judging one flaw."""

    rating: Rating | None
    """None: unrated, which is not the same as harmless."""

    problem: str = ""
    """What of the source's words could not be read; a rating may still have come of the rest."""


def rate(vectors: Iterable[str], word: str = "") -> Rated:
    """The rating that a source's CVSS vectors give, or else its word.

    Of several vectors that of the newest version of CVSS counts, of several of one version the highest score. A vector
    with temporal, threat or environmental metrics counts with them. What cannot be read is told, and never taken for
    "none". Scores: FIRST, CVSS v2.0 guide, v3.0, v3.1 and v4.0 specifications.
    """
    rated: list[tuple[tuple[int, int], Rating]] = []
    problems: list[str] = []
    for text in vectors:
        vector = text.strip()
        if rating := _of_vector(vector):
            rated.append((_version(vector), rating))
        else:
            problems.append(f"`{vector[:SHOWN_CHARACTERS]}` is no CVSS vector")
    from_word, problem = _of_word(word)
    if problem:
        problems.append(problem)
    best = max(rated, key=lambda one: (one[0], one[1].score or 0.0))[1] if rated else from_word
    return Rated(rating=best, problem="; ".join(problems))


def severity_of(score: float) -> Severity:
    """The word for a score of CVSS v3 or v4."""
    return next((severity for lowest, severity in SCALE if score >= lowest), Severity.NONE)


def _of_word(word: str) -> tuple[Rating | None, str]:
    # Older Debian data marks an urgency with asterisks for who has judged it.
    plain = word.strip().strip("*").lower()
    if plain in NO_WORDS:
        return None, ""
    if plain in WORDS:
        return Rating(severity=WORDS[plain]), ""
    return None, f"`{word[:SHOWN_CHARACTERS]}` is no severity that is known here"


def _version(vector: str) -> tuple[int, int]:
    match = VERSION.match(vector)
    return (int(match[1]), int(match[2])) if match else (2, 0)


@lru_cache(4096)
def _of_vector(vector: str) -> Rating | None:
    """None where it cannot be read."""
    from cvss.cvss2 import CVSS2  # noqa: PLC0415 - some 20 ms that only who meets a vector pays
    from cvss.cvss3 import CVSS3  # noqa: PLC0415 - the same
    from cvss.cvss4 import CVSS4  # noqa: PLC0415 - the same
    from cvss.exceptions import CVSSError  # noqa: PLC0415 - the same

    try:
        match _version(vector)[0]:
            case 4:
                score = _score_of_version_4(CVSS4(vector))
                severity = severity_of(score)
            case 3:
                score = _most_specific(CVSS3(vector), vector)
                severity = severity_of(score)
            case _:
                bare = vector.removeprefix("(").removesuffix(")")  # as the NVD wrote them
                score = _most_specific(CVSS2(bare), bare)
                severity = next(word for lowest, word in SCALE_OF_VERSION_2 if score >= lowest)
    except CVSSError:
        return None
    return Rating(severity=severity, score=score, vector=vector)


def _score_of_version_4(vector: "CVSS4") -> float:
    return float(vector.base_score)


def _most_specific(judged: "CVSS2 | CVSS3", vector: str) -> float:
    """The score of the last group of metrics that the vector defines: a group that is left out changes nothing."""
    base, temporal, environmental = judged.scores()
    pairs = (part.partition(":") for part in vector.split("/"))
    defined = {name for name, _, value in pairs if value not in NOT_DEFINED} - {"CVSS"}
    further = defined - {"AV", "AC", "Au", "PR", "UI", "S", "C", "I", "A"}
    if further - TEMPORAL and environmental is not None:
        return float(environmental)
    if further and temporal is not None:
        return float(temporal)
    return float(base)
