"""Scheduled sizes: which one is in force, and when the next one comes."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cronsim import CronSim

from repave.model.scaling import ScheduledSize


@dataclass(frozen=True, kw_only=True)
class InForce:
    """A scheduled size since its time came."""

    scheduled: ScheduledSize
    since: datetime

    def __str__(self) -> str:
        """As a reason."""
        return f"scheduled by {self.scheduled.cron}, {self.scheduled.time_zone}"


def in_force(schedule: Iterable[ScheduledSize], now: datetime) -> InForce | None:
    """The one whose time came last, the larger of two at one time; None when none has ever come."""
    found = (
        InForce(scheduled=scheduled, since=time)
        for scheduled in schedule
        # One second later, for the time of the schedule itself belongs to it.
        for time in _times(scheduled, now.replace(microsecond=0) + timedelta(seconds=1), reverse=True)
    )
    return max(found, key=lambda one: (one.since, one.scheduled.size, one.scheduled.cron), default=None)


def next_time(schedule: Iterable[ScheduledSize], now: datetime) -> datetime | None:
    """When the next one comes."""
    return min((time for scheduled in schedule for time in _times(scheduled, now, reverse=False)), default=None)


def _times(scheduled: ScheduledSize, beside: datetime, *, reverse: bool) -> Iterator[datetime]:
    """The nearest one after or before, if there is one."""
    # In UTC, since times of one zone are compared by their clocks, which may strike an hour twice.
    for time in CronSim(scheduled.cron, beside.astimezone(scheduled.time_zone), reverse=reverse):
        yield time.astimezone(UTC)
        return
