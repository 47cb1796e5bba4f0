"""Since when things wait, as far as a plan can know. Where it cannot, they wait since it was first told: now."""

from datetime import datetime

from repave.planner.draft import Draft
from repave.planner.haste import Missed
from repave.planner.sets import Member


def to_leave(draft: Draft, member: Member) -> datetime:
    """An old one is to leave since another revision is wanted; of another reason the beginning is not kept."""
    return draft.now if member.current else max(member.since, draft.target.since)


def stopped(draft: Draft) -> datetime:
    """Since the last failure of the wanted revision: it stopped that revision, or it came after."""
    if not draft.target.stopped:
        return draft.now
    failed = (failure.at for failure in draft.target.failures if failure.revision == draft.target.revision)
    return max(failed, default=draft.target.since)


def too_late(draft: Draft, miss: Missed) -> datetime:
    """When replacing had to begin at the latest; where nothing may be started, since that was first told."""
    return min(draft.now, miss.due.by - miss.takes)
