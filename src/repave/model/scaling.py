"""Scaling: how the size of a fleet follows what is measured of it, and the clock."""

from dataclasses import dataclass
from datetime import datetime, tzinfo

from repave.model.amount import Amount


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
class Scale:
    """What moves the size of a fleet, wherever it has a range."""

    targets: tuple[MetricTarget, ...] = ()
    schedule: tuple[ScheduledSize, ...] = ()
    """Where there are no targets, the fleet is kept at the scheduled size; where there are, never below it."""

    tolerance: float = 0.1
    """A metric so near its target changes nothing: below it, noise would move the size."""

    out_after_seconds: float = 0.0
    """More must have been demanded for so long: none, for who waits is a user."""

    in_after_seconds: float = 300.0
    """Less must have been demanded for so long: load that is gone for a moment comes back."""

    in_per_hour: Amount = Amount(value=50, percent=True)
    """So many fewer than an hour ago because metrics ask for it, at least 1. Load that goes for the night is followed
    in an hour or two; a metric that is wrong takes half of a fleet, not all of it, before somebody has looked."""

    cool_down_seconds: float = 60.0
    """After a change of the size metrics change nothing for so long: the window of the metrics, so that what is
    measured is wholly of the new size."""

    window_seconds: float = 60.0
    """Metrics are those of so long a time."""


@dataclass(frozen=True, kw_only=True)
class ScalePolicy(Scale):
    """The same for one fleet in one environment: between which sizes it is moved."""

    lowest: int
    """At least 1: a fleet of nobody measures nothing, and would never grow."""

    highest: int

    def __post_init__(self) -> None:
        """A range has its lower end first."""
        if not 1 <= self.lowest <= self.highest:
            raise ValueError(f"{self.lowest}..{self.highest} is no range of sizes")


@dataclass(frozen=True, kw_only=True)
class Leaning:
    """Metrics have asked for another size, always on the same side of the present one."""

    since: datetime
    size: int
    """Of all the sizes asked for since then, the one nearest to the present size."""


@dataclass(frozen=True, kw_only=True)
class SizeHistory:
    """What must be remembered to move a size steadily."""

    resized_at: datetime | None = None
    """When metrics or the clock last changed the size; None for never."""

    reason: str = ""
    """Why they did."""

    leaning: Leaning | None = None


@dataclass(frozen=True, kw_only=True)
class Gauge:
    """One metric beside its target, as a plan read it."""

    metric: str
    wanted: float
    """Of each instance."""

    measured: float | None
    """Of each instance, on average; None when there is no data."""

    needs: int | None
    """How many instances would bring it to its target; None when there is no data."""


@dataclass(frozen=True, kw_only=True)
class Sizing:
    """How a size was judged."""

    lowest: int
    highest: int
    """Between these it may be just now; the clock may have raised the lower one."""

    gauges: tuple[Gauge, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Resize:
    """The wanted size becomes another."""

    size: int
    reason: str
