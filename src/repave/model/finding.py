"""Findings: advisories that match a package in a lock, and how far the answer can be trusted."""

from dataclasses import dataclass
from datetime import datetime

from repave.model.lock import Ecosystem
from repave.model.names import ImageName


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One locked package that a newer version repairs."""

    ecosystem: Ecosystem
    package: str
    source: str
    """deb: the source package; else the package itself."""

    version: str
    """As locked."""

    fixed_version: str
    fixed_in: str
    """Where the repairing version is found: a suite, an index."""

    cves: tuple[str, ...]
    """Identifiers the repair names, sorted; may be empty where it names none."""

    images: tuple[ImageName, ...]


@dataclass(frozen=True, kw_only=True)
class SourceStatus:
    """One source of advisories: of when its data is, and whether it could be read."""

    name: str
    as_of: datetime | None
    problem: str = ""
    """Why its answer is unknown; empty when it was read whole."""


@dataclass(frozen=True, kw_only=True)
class FindingReport:
    """What all sources said of one lock."""

    findings: tuple[Finding, ...]
    sources: tuple[SourceStatus, ...]

    @property
    def unknown(self) -> tuple[SourceStatus, ...]:
        """The sources that could not be read: while there is one, nothing is called clean."""
        return tuple(source for source in self.sources if source.problem)
