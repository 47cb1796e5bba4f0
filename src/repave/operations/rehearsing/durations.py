"""How long instances take to start and to leave: by those that were measured, else by what the policy allows them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from statistics import median

from repave.model.policy import FleetPolicy
from repave.ports.history import Lifetime

NEWEST = 100
"""So many of the newest instances are judged by: older ones ran other releases, on other machines."""


@dataclass(frozen=True, kw_only=True)
class Took:
    """How long one thing takes."""

    seconds: float
    measured: int
    """Of how many instances it is the median; 0: none was measured, and it is the longest that the policy allows."""


@dataclass(frozen=True, kw_only=True)
class Durations:
    """Of one fleet's instances."""

    start: Took
    """From the launch until the balancer finds it well."""

    leave: Took
    """From its last new request until it is gone."""


def durations(lifetimes: Iterable[Lifetime], policy: FleetPolicy) -> Durations:
    """By the medians of a fleet's lifetimes, given oldest first; what was never measured by the policy's limits."""
    newest = tuple(lifetimes)[-NEWEST:]
    return Durations(
        start=_took(((one.launched_at, one.healthy_from) for one in newest), policy.health.grace_seconds),
        leave=_took(((one.leaving_from, one.gone_at) for one in newest), policy.drain_timeout_seconds),
    )


def _took(spans: Iterable[tuple[datetime | None, datetime | None]], limit: float) -> Took:
    seconds = [(end - begin).total_seconds() for begin, end in spans if begin and end and end >= begin]
    return Took(seconds=median(seconds) if seconds else limit, measured=len(seconds))
