"""Age: instances are replaced before they grow old, spread so that no herd meets, and in time for the hard limit."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain
from math import ceil
from zlib import crc32

from repave.model.disruption import HOUR, Drawer
from repave.model.plan import Ages, Rule
from repave.planner.draft import Draft
from repave.planner.sets import Member, Standing, slot_number

SPREAD = 1 / 3
"""Part of the soft limit over which renewals are spread, before it ends: what was started in one hour must not be
renewed in one."""

GOLDEN = (5**0.5 - 1) / 2
"""Multiples of it, each less its whole part, lie evenly between 0 and 1 however many there are: so do the renewals of
instances with consecutive numbers (Weyl's equidistribution; it is the worst number to approximate by fractions)."""


def renew(draft: Draft) -> None:
    """Replace those whose time has come, as far as the hour admits; hurry for those that near the hard limit."""
    members = draft.remaining(Standing.SERVING)
    limits = draft.policy.age
    if not members or not (limits.soft_seconds or limits.hard_seconds):
        return
    next_renewal, due = _due(draft, [member for member in members if member.current])
    deadline, start_by, pressing = _pressing(draft, members)
    if _is_settled(draft):
        _admit(draft, dict.fromkeys(chain(pressing, due)))
    draft.ages = Ages(
        oldest=min(member.instance.started_at for member in members),
        next_renewal=next_renewal,
        deadline=deadline,
        start_by=start_by,
    )


def renewal_of(draft: Draft, member: Member) -> datetime:
    """When a member is to be replaced for its age: by its number alone, so that every plan says the same."""
    soft = draft.policy.age.soft_seconds or 0.0
    offset = crc32(str(draft.target.fleet).encode()) / 2**32  # fleets that were born together part as well
    place = (offset + slot_number(member.slot)[0] * GOLDEN) % 1
    return member.instance.started_at + timedelta(seconds=soft * (1 - SPREAD * place))


def _due(draft: Draft, members: Sequence[Member]) -> tuple[datetime | None, list[Member]]:
    """When the next reaches the age of its renewal, and who has, the longest due first."""
    if not draft.policy.age.soft_seconds:
        return None, []
    due: list[tuple[datetime, Member]] = []
    later: datetime | None = None
    for member in members:
        at = renewal_of(draft, member)
        if at <= draft.now:
            due.append((at, member))
        elif later is None or at < later:
            later = at
    draft.wake(later)
    due.sort(key=lambda one: (one[0], slot_number(one[1].slot)))
    return due[0][0] if due else later, [member for _, member in due]


def _is_settled(draft: Draft) -> bool:
    """Whether nothing else moves: what is being rolled out is young, and what is stopped launches nothing."""
    moving = draft.judging or draft.halted or draft.barred or draft.target.paused
    return not moving and all(member.current for member in draft.sets.members)


def _admit(draft: Draft, due: Collection[Member]) -> None:
    """As many as may be taken out within the hour; the others wait for it."""
    room = draft.budget.room(Drawer.AGE)
    hurried = sum(outgoing.drawer is Drawer.DEADLINE for outgoing in draft.outgoing.values())
    waiting = [member for member in due if member.slot not in draft.outgoing]
    admitted = waiting if room is None else waiting[: max(0, room - hurried)]
    for member in admitted:
        draft.replace(member, Drawer.AGE, _reason(draft, member))
    if len(admitted) < len(waiting):
        words = f"{len(waiting) - len(admitted)} more are old enough to be replaced, which waits for the next hour"
        until = draft.budget.grows_at(Drawer.AGE)
        draft.rest("fleet", Rule.HOURLY, words, since=draft.now, until=until)


def _reason(draft: Draft, member: Member) -> str:
    soft, hard = draft.policy.age.soft_seconds, draft.policy.age.hard_seconds
    limit = f"{lasting(soft)} is the most" if soft else f"{lasting(hard or 0.0)} is the hard limit"
    return f"it is {_lasting(draft.now - member.instance.started_at)} old, and {limit}"


@dataclass(frozen=True, kw_only=True)
class _Haste:
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


def _haste(draft: Draft, members: Sequence[Member]) -> _Haste:
    grace = draft.policy.health.grace_seconds
    waits = ((m.backend.since - m.instance.started_at).total_seconds() for m in members if m.backend is not None)
    # A balancer that lost its memory began to count anew: no start takes longer than its grace.
    slowest = max((seconds for seconds in waits if seconds <= grace), default=grace)
    limits, size = draft.policy.budget, draft.target.size
    hourly = [limit.of(size) for limit in (limits.gentle_per_hour, limits.per_hour) if limit is not None]
    return _Haste(
        batch=max(1, draft.surge + size - draft.floor),
        cycle=timedelta(seconds=max(1.0, slowest + draft.policy.drain_timeout_seconds)),
        per_hour=max(1, min(hourly)),
    )


def _pressing(draft: Draft, members: Sequence[Member]) -> tuple[datetime | None, datetime | None, Sequence[Member]]:
    """The first hard deadline, when replacing must begin at the latest, and who must go now, within the budget."""
    if not draft.policy.age.hard_seconds:
        return None, None, ()
    limit = timedelta(seconds=draft.policy.age.hard_seconds)
    haste = _haste(draft, members)
    first = min(member.instance.started_at for member in members) + limit
    start_by = first - haste.cycle - haste.gently(len(members))
    if draft.now < start_by:
        draft.wake(start_by)
        return first, start_by, ()
    queue = sorted(members, key=lambda member: (member.instance.started_at, slot_number(member.slot)))
    pressing = _hurry(draft, queue, limit, haste)
    _warn(draft, queue, limit, haste)
    return first, min(careful for careful, _ in _starts(queue, limit, haste)), pressing


def _starts(queue: Sequence[Member], limit: timedelta, haste: _Haste) -> Iterator[tuple[datetime, datetime]]:
    """For each of the queue, when it and those before it must begin: within the budget, and as fast as can be.

    One cycle is kept in reserve: the first replacement may fail.
    """
    for count, member in enumerate(queue, 1):
        deadline = member.instance.started_at + limit - haste.cycle
        yield deadline - haste.gently(count), deadline - haste.least(count)


def _hurry(draft: Draft, queue: Sequence[Member], limit: timedelta, haste: _Haste) -> Sequence[Member]:
    """Take out those that can no longer wait for the hour; who must begin now, and still can, is the answer."""
    pressing = hurried = 0
    for count, (careful, last) in enumerate(_starts(queue, limit, haste), 1):
        pressing = count if careful <= draft.now else pressing
        hurried = count if last <= draft.now else hurried
        draft.wake(careful)
        draft.wake(last)
    if not (draft.halted or draft.barred or draft.target.paused):
        for member in queue[:hurried]:
            age = _lasting(draft.now - member.instance.started_at)
            words = f"it is {age} old, and {lasting(limit.total_seconds())} is the hard limit"
            draft.replace(member, Drawer.DEADLINE, words)
    return [member for member in queue[:pressing] if member.current]


def _warn(draft: Draft, queue: Sequence[Member], limit: timedelta, haste: _Haste) -> None:
    """Say ahead of time which deadline cannot be kept, with both numbers; capacity is not broken for it."""
    stuck = draft.halted or bool(draft.barred) or draft.target.paused
    coming = 0 if stuck else len(draft.remaining(Standing.COMING, current=True)) + len(draft.sets.orders)
    ready = coming + max(0, draft.serving - draft.target.size)
    for count, member in enumerate(queue, 1):
        left = member.instance.started_at + limit - draft.now
        takes = haste.least(count if stuck else max(0, count - ready))
        draft.wake(draft.now + left - takes)
        if left > takes:
            continue
        words = f"{member.slot} reaches the hard limit of {lasting(limit.total_seconds())} in {_lasting(left)}"
        if left <= timedelta(0):
            words = (
                f"{member.slot} has been past the hard limit of {lasting(limit.total_seconds())} for {_lasting(-left)}"
            )
        others = f"it and {count - 1} before it" if count > 1 else "it"
        why = ", and nothing may be started now" if stuck else ""
        words = f"{words}; replacing {others} takes {_lasting(haste.least(count))}{why}"
        draft.hold("fleet", Rule.DEADLINE, words, since=draft.now, until=None)
        return


def _lasting(time: timedelta) -> str:
    return lasting(time.total_seconds())


def lasting(seconds: float) -> str:
    """``90 d``, ``5 h``, ``12 min``, ``30 s``: in the largest unit of which there are two, or that fits exactly."""
    for unit, name in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * unit or seconds == unit:
            return f"{seconds / unit:.0f} {name}"
    return f"{max(0.0, seconds):.0f} s"
