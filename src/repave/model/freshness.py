"""Freshness: limits of age and of flaws that a fleet or an environment declares instead of the project's policy."""

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
