"""Deadlines of repair: what is exposed to a known flaw leaves in time, where something repaired is wanted."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from repave.model.disruption import Drawer
from repave.model.exposure import Exposure
from repave.model.names import RevisionId
from repave.model.plan import Rule
from repave.planner import onsets
from repave.planner.draft import Draft
from repave.planner.haste import Due, begun, haste_of, in_order, is_stuck, lasting, missed, told
from repave.planner.sets import Member, Standing


def repair(draft: Draft) -> None:
    """Hurry old instances whose flaw is due, and say which flaws nothing repaired is wanted for."""
    due = first_due(draft)
    if not due:
        return
    if draft.target.revision in due:
        _tell_what_is_wanted(draft, *due[draft.target.revision])
    old = draft.remaining(Standing.SERVING, current=False)
    queue = in_order(
        Due(member=member, by=due[member.instance.revision][0]) for member in old if member.instance.revision in due
    )
    if not queue:
        return
    haste = haste_of(draft, old)
    _, hurried = begun(draft, queue, haste)
    if not is_stuck(draft):
        for one in queue[:hurried]:
            draft.replace(one.member, Drawer.DEADLINE, f"it holds {_flaw(due[one.member.instance.revision][1])}")
    if miss := missed(draft, queue, haste):
        flaw = _flaw(due[miss.due.member.instance.revision][1])
        when = f"in {lasting(miss.left)}" if miss.left > timedelta(0) else f"since {lasting(-miss.left)}"
        words = f"{miss.due.member.slot} holds {flaw}, which is due {when}; {told(miss)}"
        draft.hold("fleet", Rule.DEADLINE, words, since=onsets.too_late(draft, miss))


def first_due(draft: Draft) -> Mapping[RevisionId, tuple[datetime, Exposure]]:
    """By revision, the flaw that is due first and when."""
    due: dict[RevisionId, tuple[datetime, Exposure]] = {}
    for exposure in draft.target.exposures:
        at = draft.policy.fix_within.due(exposure.flaw)
        if at is not None and (exposure.revision not in due or at < due[exposure.revision][0]):
            due[exposure.revision] = (at, exposure)
    return due


def most_exposed_first(draft: Draft, members: Sequence[Member]) -> Sequence[Member]:
    """Those whose flaw is due first, else in the order they are given."""
    due = first_due(draft)
    if not due:
        return members
    without = max(at for at, _ in due.values()) + timedelta(days=1)
    return sorted(
        members, key=lambda member: due[member.instance.revision][0] if member.instance.revision in due else without
    )


def _tell_what_is_wanted(draft: Draft, due: datetime, exposure: Exposure) -> None:
    overdue = due <= draft.now
    when = f"{'was' if overdue else 'is'} due on {due:%Y-%m-%d %H:%M}"
    draft.rest(
        "fleet",
        Rule.DEADLINE,
        f"r{draft.target.release} holds {_flaw(exposure)}, which {when}, and nothing repaired is wanted",
        since=exposure.flaw.published_at,
        until=None if overdue else due,
    )


def _flaw(exposure: Exposure) -> str:
    return f"{exposure.flaw.advisory} ({exposure.flaw.severity})"
