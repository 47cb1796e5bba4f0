"""The sizes of a day: schedules of whole hours, and which of them a fleet must have by now."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta

from repave.model.scaling import ScheduledSize
from repave.simulation.stage import Stage

REACHED_WITHIN = timedelta(hours=2)
"""Of the hour of a schedule. While instances are being replaced, a fleet does not become smaller."""


def daily(sizes: Mapping[int, int]) -> tuple[ScheduledSize, ...]:
    """Each day from that hour on so many, by the clock of UTC."""
    return tuple(ScheduledSize(cron=f"0 {hour} * * *", time_zone=UTC, size=size) for hour, size in sizes.items())


def due(schedule: tuple[ScheduledSize, ...], now: datetime) -> frozenset[int]:
    """The sizes that are right at that time, by the hours alone: the last, and for a while the one before it."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    times = sorted(
        (midnight + timedelta(days=day, hours=int(one.cron.split()[1])), one.size)
        for day in (-1, 0)
        for one in schedule
    )
    *_, before, (last_at, last) = [(at, size) for at, size in times if at <= now]
    return frozenset({last, before[1]} if now - last_at < REACHED_WITHIN else {last})


def timetable(stage: Stage) -> Iterator[str]:
    """A size that follows the clock alone is the scheduled one soon after its hour."""
    scale = stage.policy.scale
    if scale is None or scale.targets or not scale.schedule:
        return
    right = due(scale.schedule, stage.world.clock.now())
    if stage.target.size not in right:
        yield f"{stage.target.size} are wanted, and scheduled are {' or '.join(map(str, sorted(right)))}"
