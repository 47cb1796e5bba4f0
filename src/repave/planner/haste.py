"""Haste: what is due by a moment begins early enough, within the budget of the hour first, and at last without it."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil

from repave.model.disruption import HOUR
from repave.planner.draft import Draft
from repave.planner.sets import Member, Standing


@dataclass(frozen=True, kw_only=True)
class Due:
    """One that is to be replaced by a moment."""

    member: Member
    by: datetime


@dataclass(frozen=True, kw_only=True)
class Missed:
    """The first of a queue that cannot be replaced in time."""

    due: Due
    before: int
    """How many come before it."""

    takes: timedelta
    """For it and all before it."""

    left: timedelta
    """Until it is due; below zero when that has passed."""

    stuck: bool
    """Whether nothing may be started at all."""


@dataclass(frozen=True, kw_only=True)
class Haste:
    """How long replacing takes, at most."""

    batch: int
    """At the same time."""

    cycle: timedelta
    """Of one batch, from the launch to the drained end of what it replaces."""

    per_hour: int
    """As the budget has it for what nothing hurries."""

    def least(self, count: int) -> timedelta:
        """As fast as the floor allows."""
        return ceil(count / self.batch) * self.cycle

    def gently(self, count: int) -> timedelta:
        """Within the budget of every hour, one hour of them in reserve.

        An hour's budget is back an hour after its instances began to leave; that takes a cycle, to be seen another.
        """
        return max(self.least(count), ceil(count / self.per_hour) * (HOUR + 2 * self.cycle))

    def starts(self, queue: Iterable[Due]) -> Iterator[tuple[datetime, datetime]]:
        """For each of the queue, when it and those before it must begin: within the budget, and as fast as can be.

        One cycle is kept in reserve: the first replacement may fail.
        """
        for count, due in enumerate(queue, 1):
            latest = due.by - self.cycle
            yield latest - self.gently(count), latest - self.least(count)


def haste_of(draft: Draft, members: Sequence[Member]) -> Haste:
    """By the slowest start that is seen, the surge, and the budget of the hour."""
    grace = draft.policy.health.grace_seconds
    waits = ((m.backend.since - m.instance.started_at).total_seconds() for m in members if m.backend is not None)
    # A balancer that lost its memory began to count anew: no start takes longer than its grace.
    slowest = max((seconds for seconds in waits if seconds <= grace), default=grace)
    limits, size = draft.policy.budget, draft.target.size
    hourly = [limit.of(size) for limit in (limits.gentle_per_hour, limits.per_hour) if limit is not None]
    return Haste(
        batch=max(1, draft.surge + size - draft.floor),
        cycle=timedelta(seconds=max(1.0, slowest + draft.policy.drain_timeout_seconds)),
        per_hour=max(1, min(hourly)),
    )


def in_order(dues: Iterable[Due]) -> list[Due]:
    """The first due first."""
    return sorted(dues, key=lambda due: (due.by, due.member.instance.started_at, due.member.place))


def is_stuck(draft: Draft) -> bool:
    """Whether nothing may be started."""
    return draft.halted or bool(draft.barred) or draft.target.paused


def begun(draft: Draft, queue: Sequence[Due], haste: Haste) -> tuple[int, int]:
    """How many of the queue must begin now, within the budget; and how many can no longer wait for the hour."""
    pressing = hurried = 0
    coming: list[datetime] = []
    for count, (careful, last) in enumerate(haste.starts(queue), 1):
        pressing = count if careful <= draft.now else pressing
        hurried = count if last <= draft.now else hurried
        coming += [at for at in (careful, last) if at > draft.now]
    draft.wake(min(coming, default=None))
    return pressing, hurried


def missed(draft: Draft, queue: Sequence[Due], haste: Haste) -> Missed | None:
    """The first that cannot be kept, told before it is missed; None while all can be."""
    stuck = is_stuck(draft)
    coming = 0 if stuck else len(draft.remaining(Standing.COMING, current=True)) + len(draft.sets.orders)
    ready = coming + max(0, draft.serving - draft.target.size)
    for before, due in enumerate(queue):
        left = due.by - draft.now
        takes = haste.least(before + 1 if stuck else max(0, before + 1 - ready))
        draft.wake(due.by - takes)
        if left <= takes:
            return Missed(due=due, before=before, takes=haste.least(before + 1), left=left, stuck=stuck)
    return None


def told(miss: Missed) -> str:
    """``replacing it and 2 before it takes 2 min``."""
    others = f"it and {miss.before} before it" if miss.before else "it"
    return f"replacing {others} takes {lasting(miss.takes)}{', and nothing may be started now' if miss.stuck else ''}"


def lasting(time: timedelta) -> str:
    """``90 d``, ``5 h``, ``12 min``, ``30 s``: in the largest unit of which there are two, or that fits exactly."""
    seconds = time.total_seconds()
    for unit, name in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * unit or seconds == unit:
            return f"{seconds / unit:.0f} {name}"
    return f"{max(0.0, seconds):.0f} s"
