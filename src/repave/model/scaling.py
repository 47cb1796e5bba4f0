"""Scaling: how the size of a fleet follows what is measured of it, and the clock."""

from dataclasses import dataclass
from datetime import tzinfo


@dataclass(frozen=True, kw_only=True)
class MetricTarget:
    """A metric, and what each instance should have of it: more instances make it smaller."""

    metric: str
    """``cpu``, ``memory``, ``requests_per_instance``, or the name of another metric that a source measures."""

    value: float
    """Above 0. Shares are 1.0 for the whole; requests are a second's."""


@dataclass(frozen=True, kw_only=True)
class ScheduledSize:
    """From each time of the schedule on, until the next time of any: at least so many."""

    cron: str
    """Five fields: minute, hour, day of month, month, day of week."""

    time_zone: tzinfo
    size: int


@dataclass(frozen=True, kw_only=True)
class ScalePolicy:
    """Between which sizes a fleet is kept, and what moves it there."""

    lowest: int
    highest: int
    targets: tuple[MetricTarget, ...] = ()
    schedule: tuple[ScheduledSize, ...] = ()
    """Where there are no targets, the fleet is kept at the scheduled size; where there are, never below it."""

    tolerance: float = 0.1
    """A metric so near its target changes nothing: below it, noise would move the size."""

    out_after_seconds: float = 0.0
    """More must have been demanded for so long: none, for who waits is a user."""

    in_after_seconds: float = 300.0
    """Less must have been demanded for so long: load that is gone for a moment comes back."""

    cool_down_seconds: float = 60.0
    """After a change of the size metrics change nothing for so long: the window of the metrics, so that what is
    measured is wholly of the new size."""

    window_seconds: float = 60.0
    """Metrics are those of so long a time."""
