"""Which findings hurry: one order for all that shows them, and from where on a scan fails."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Protocol, TypeVar

from repave.model.finding import Rating, Severity

WORST_FIRST = tuple(reversed(Severity))


class Threshold(StrEnum):
    """From where on a finding makes a scan fail."""

    ANY = "any"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


class Judged(Protocol):
    """What an order needs to know of a finding."""

    @property
    def package(self) -> str:
        """Its name."""
        ...

    @property
    def version(self) -> str:
        """As locked."""
        ...

    @property
    def advisory(self) -> str:
        """Its own identifier."""
        ...

    @property
    def cves(self) -> tuple[str, ...]:
        """Sorted."""
        ...

    @property
    def rating(self) -> Rating | None:
        """None: nobody rates it."""
        ...

    @property
    def exploited(self) -> bool:
        """Known to be."""
        ...

    @property
    def exploitation(self) -> float | None:
        """How likely; None where it is not known."""
        ...


Finding = TypeVar("Finding", bound=Judged)


def severity_of(finding: Judged) -> Severity:
    """As its rating has it."""
    return finding.rating.severity if finding.rating else Severity.UNRATED


def by_urgency(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Known exploited first, then the worst, the likeliest to be exploited, by name."""
    return tuple(sorted(findings, key=_urgency))


def _urgency(finding: Judged) -> tuple[object, ...]:
    rating = finding.rating
    return (
        not finding.exploited,
        WORST_FIRST.index(severity_of(finding)),
        _most_first(rating.score if rating else None),
        _most_first(finding.exploitation),
        finding.package,
        finding.version,
        finding.cves,
        finding.advisory,
    )


def _most_first(number: float | None) -> float:
    """What is not known stands after all that is."""
    return 1.0 if number is None else -number


def reaches(finding: Judged, threshold: Threshold) -> bool:
    """Whether a finding is as bad as the threshold; what is not rated is taken to be."""
    if threshold is Threshold.ANY or finding.rating is None:
        return True
    return WORST_FIRST.index(finding.rating.severity) <= WORST_FIRST.index(Severity(threshold.value))


def names_of(finding: Judged) -> tuple[str, ...]:
    """What it is about: its CVEs, else its advisory, else the package that a suite repairs without saying why."""
    return finding.cves or (finding.advisory or f"{finding.package} {finding.version}",)
