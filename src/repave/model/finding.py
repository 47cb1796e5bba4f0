"""Findings: advisories that match a package in a lock, and how far the answer can be trusted."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from repave.model.lock import Ecosystem
from repave.model.names import ImageName


class Severity(StrEnum):
    """How bad it is, by the words of CVSS (FIRST, qualitative severity rating scale)."""

    NONE = "none"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    UNRATED = "unrated"
    """By nobody, so that it could be anything: it stands before what is known to be less than critical."""

    CRITICAL = "critical"

    @property
    def counted(self) -> "Severity":
        """For deadlines and sums, where each is one of CVSS's words.

        As critical, every plain repair of a distribution would be one.
        """
        return Severity.HIGH if self is Severity.UNRATED else self


@dataclass(frozen=True, kw_only=True)
class Rating:
    """One judgement of how bad a flaw is."""

    severity: Severity
    score: float | None = None
    """CVSS, 0.0 to 10.0; None where the source gives a word only."""

    vector: str = ""
    """The CVSS vector the score was computed from; empty where there is none."""


class Grounds(StrEnum):
    """Why a flaw does not apply, in one word."""

    NOT_AFFECTED = "not_affected"
    FIXED = "fixed"
    FALSE_POSITIVE = "false_positive"


@dataclass(frozen=True, kw_only=True)
class Dismissal:
    """Someone's word that a flaw does not apply here: the finding stays, and says whose word it is."""

    grounds: Grounds
    author: str
    reason: str
    source: str
    """The VEX document that says so."""

    at: datetime | None = None


@dataclass(frozen=True, order=True, kw_only=True)
class Carrier:
    """A locked package whose bytes bring others along: an image of a registry, an npm package with bundles."""

    ecosystem: Ecosystem
    name: str
    version: str


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One locked package that an advisory is about."""

    ecosystem: Ecosystem
    package: str
    source: str
    """deb: the source package; else the package itself."""

    version: str
    """As locked."""

    fixed_version: str
    """Empty while there is no repair."""

    fixed_in: str
    """Where the repairing version is found: a suite, an index."""

    cves: tuple[str, ...]
    """Identifiers the repair names, sorted; may be empty where it names none."""

    images: tuple[ImageName, ...]
    advisory: str = ""
    """Its own identifier (``GHSA-...``, ``PYSEC-...``); empty where a repair speaks for itself."""

    aliases: tuple[str, ...] = ()
    """What other databases call it, sorted; CVEs stand under ``cves``."""

    summary: str = ""
    published: datetime | None = None
    rating: Rating | None = None
    """None: no source rates it, which is not the same as harmless."""

    rating_problem: str = ""
    """What a source says of its severity and could not be read; a rating may have come of the rest."""

    exploited: bool = False
    """Listed among the known exploited vulnerabilities (KEV)."""

    exploitation: float | None = None
    """Probability of exploitation within 30 days, 0.0 to 1.0 (EPSS); None where no source was given."""

    dismissed: Dismissal | None = None
    within: tuple[Carrier, ...] = ()
    """What brings the package along, sorted; empty where it is only locked by itself."""

    @property
    def names(self) -> frozenset[str]:
        """Everything the flaw is called."""
        return frozenset(name for name in (self.advisory, *self.cves, *self.aliases) if name)


@dataclass(frozen=True, kw_only=True)
class SourceStatus:
    """One source of advisories: of when its data is, and whether it could be read."""

    name: str
    as_of: datetime | None
    problem: str = ""
    """Why its answer is unknown; empty when it was read whole."""

    covers: tuple[Ecosystem, ...] = ()
    """Whose packages in the lock it could judge, sorted; the packages of an ecosystem that no source covers are
    neither clean nor vulnerable."""

    remarks: tuple[str, ...] = ()
    """What a person should know of it: it changes no verdict."""


@dataclass(frozen=True, kw_only=True)
class FindingReport:
    """What all sources said of one lock."""

    findings: tuple[Finding, ...]
    sources: tuple[SourceStatus, ...]

    @property
    def standing(self) -> tuple[Finding, ...]:
        """Those that nobody's word says do not apply here."""
        return tuple(finding for finding in self.findings if finding.dismissed is None)

    @property
    def unknown(self) -> tuple[SourceStatus, ...]:
        """The sources that could not be read: while there is one, nothing is called clean."""
        return tuple(source for source in self.sources if source.problem)
