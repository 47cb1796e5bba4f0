"""Exposures: flaws in what runs, from when on they are known, and by when they are to be gone."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from repave.model.finding import Severity, SourceStatus
from repave.model.names import RevisionId


@dataclass(frozen=True, kw_only=True)
class Flaw:
    """One flaw of an artifact, as a scan found it."""

    advisory: str
    """A CVE where it has one, else its own name."""

    severity: Severity
    published_at: datetime
    """When it was published; when it was first found here, where its source does not say."""

    fixable_at: datetime | None = None
    """When it was first found here that it can be repaired; None: not yet, or from before this was kept."""

    def known_since(self, before: "Flaw | None") -> "Flaw":
        """With the earliest moments that were said of it, now or ``before``."""
        if before is None:
            return self
        fixable = min(filter(None, (self.fixable_at, before.fixable_at)), default=None)
        return replace(self, published_at=min(self.published_at, before.published_at), fixable_at=fixable)


@dataclass(frozen=True, kw_only=True)
class Examination:
    """The last examination of an artifact: when it was, and how far its answer can be trusted."""

    at: datetime
    sources: tuple[SourceStatus, ...]
    unjudged: tuple[str, ...] = ()
    """What no source covered and one could, in words."""


@dataclass(frozen=True, kw_only=True)
class Exposure:
    """Of one revision of a fleet and one severity, the flaw that has been known for the longest."""

    revision: RevisionId
    flaw: Flaw


@dataclass(frozen=True, kw_only=True)
class FixWithin:
    """From a flaw's publication to the last instance without it; None: no deadline."""

    critical_seconds: float | None = None
    high_seconds: float | None = None

    def due(self, flaw: Flaw) -> datetime | None:
        """When it is to be gone; None for what has no deadline."""
        limits = {Severity.CRITICAL: self.critical_seconds, Severity.HIGH: self.high_seconds}
        seconds = limits.get(flaw.severity.counted)
        return None if seconds is None else flaw.published_at + timedelta(seconds=seconds)
