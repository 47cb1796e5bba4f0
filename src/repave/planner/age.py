"""Age: instances are replaced before they grow old, spread so that no herd meets, and in time for the hard limit."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import chain
from zlib import crc32

from repave.model.disruption import Drawer
from repave.model.plan import Ages, Rule
from repave.planner import onsets
from repave.planner.draft import Draft
from repave.planner.haste import Due, begun, haste_of, in_order, is_stuck, lasting, missed, told
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
        _admit(draft, {member.slot: member for member in chain(pressing, due)}.values())
    draft.ages = Ages(
        oldest=min(member.instance.started_at for member in members),
        next_renewal=next_renewal,
        deadline=deadline,
        start_by=start_by,
        limits=tuple(f"{one.key} is {_days(one.seconds)} by {one.by}" for one in draft.policy.declared),
    )


def renewals(draft: Draft, members: Iterable[Member]) -> Iterator[tuple[datetime, Member]]:
    """When each is to be replaced for its age: by its number alone, so that every plan says the same."""
    soft = draft.policy.age.soft_seconds or 0.0
    offset = crc32(str(draft.target.fleet).encode()) / 2**32  # fleets that were born together part as well
    for member in members:
        place = (offset + slot_number(member.slot) * GOLDEN) % 1
        yield member.instance.started_at + timedelta(seconds=soft * (1 - SPREAD * place)), member


def _due(draft: Draft, members: Sequence[Member]) -> tuple[datetime | None, list[Member]]:
    """When the next reaches the age of its renewal, and who has, the longest due first."""
    if not draft.policy.age.soft_seconds:
        return None, []
    due: list[tuple[datetime, Member]] = []
    later: datetime | None = None
    for at, member in renewals(draft, members):
        if at <= draft.now:
            due.append((at, member))
        elif later is None or at < later:
            later = at
    draft.wake(later)
    due.sort(key=lambda one: (one[0], one[1].place))
    return due[0][0] if due else later, [member for _, member in due]


def _is_settled(draft: Draft) -> bool:
    """Whether nothing else moves: what is being rolled out is young, and what is stopped launches nothing."""
    moving = draft.judging or is_stuck(draft)
    return not moving and all(member.current for member in draft.sets.members)


def _admit(draft: Draft, due: Iterable[Member]) -> None:
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
    limit = f"{_days(soft)} is the most" if soft else f"{_days(hard or 0.0)} is the hard limit"
    return f"it is {lasting(draft.now - member.instance.started_at)} old, and {limit}"


def _pressing(draft: Draft, members: Sequence[Member]) -> tuple[datetime | None, datetime | None, Sequence[Member]]:
    """The first hard deadline, when replacing must begin at the latest, and who must go now, within the budget."""
    if not draft.policy.age.hard_seconds:
        return None, None, ()
    limit = timedelta(seconds=draft.policy.age.hard_seconds)
    haste = haste_of(draft, members)
    first = min(member.instance.started_at for member in members) + limit
    start_by = first - haste.cycle - haste.gently(len(members))
    if draft.now < start_by:
        draft.wake(start_by)
        return first, start_by, ()
    queue = in_order(Due(member=member, by=member.instance.started_at + limit) for member in members)
    pressing, hurried = begun(draft, queue, haste)
    if not is_stuck(draft):
        for due in queue[:hurried]:
            words = f"it is {lasting(draft.now - due.member.instance.started_at)} old"
            draft.replace(due.member, Drawer.DEADLINE, f"{words}, and {lasting(limit)} is the hard limit")
    if miss := missed(draft, queue, haste):
        reaches = f"reaches the hard limit of {lasting(limit)} in {lasting(miss.left)}"
        if miss.left <= timedelta(0):
            reaches = f"has been past the hard limit of {lasting(limit)} for {lasting(-miss.left)}"
        draft.hold(
            "fleet",
            Rule.DEADLINE,
            f"{miss.due.member.slot} {reaches}; {told(miss)}",
            since=onsets.too_late(draft, miss),
        )
    must_go = [due.member for due in queue[:pressing] if due.member.current]
    return first, min(careful for careful, _ in haste.starts(queue)), must_go


def _days(seconds: float) -> str:
    return lasting(timedelta(seconds=seconds))
