"""Freshness: what is kept fresh without being asked, and limits that others declare than the project's policy."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Freshness:
    """Its own limits, in seconds; None: nothing of its own."""

    soft_seconds: float | None = None
    hard_seconds: float | None = None
    critical_seconds: float | None = None
    high_seconds: float | None = None


@dataclass(frozen=True, kw_only=True)
class DeclaredLimit:
    """A limit that holds for a fleet instead of the project's."""

    key: str
    """As the file names it: ``max_age``, ``fix_within.critical``."""

    seconds: float
    by: str
    """The section of the file that says so: ``fleets.web.policy``."""


DEFAULT_EVERY_SECONDS = 3600.0
"""Distributions publish repairs several times a day: an hour is little beside the days that a pipeline may take."""


@dataclass(frozen=True, kw_only=True)
class FreshnessPolicy:
    """What `repave watch` does by itself."""

    every_seconds: float = DEFAULT_EVERY_SECONDS
    """How often it learns what is new."""

    updates: bool = True
    """Whether it also takes, once per fleet and week, what repairs nothing."""

    time_zone: str = "UTC"
    """Whose weeks: a name of the IANA database. They begin on Monday at midnight."""
