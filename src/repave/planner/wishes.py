"""Wishes of a person: a pause that ends, instances that are to be replaced, and those that are to stay."""

from dataclasses import replace
from datetime import datetime

from repave.model.disruption import Drawer
from repave.model.target import Target
from repave.planner.budget import Refusal
from repave.planner.draft import ALIVE, Draft
from repave.planner.sets import Member


def without_old_pause(target: Target, now: datetime) -> Target:
    """The target, no longer paused when its pause was to end by now."""
    over = target.paused and target.paused_until is not None and target.paused_until <= now
    return replace(target, paused=False) if over else target


def replace_as_asked(draft: Draft) -> None:
    """Those that a person named are replaced, launch first; the wish is done when its instance is gone."""
    if not draft.target.replacements:
        return
    members = {member.slot: member for member in draft.sets.members}
    for wish in draft.target.replacements:
        member = members.get(wish.slot)
        if member is None:
            draft.notes.replaced.append(wish.slot)
        elif member.standing in ALIVE:
            reason = f"a person asked for it{f' ({wish.reason})' if wish.reason else ''}"
            draft.replace(member, Drawer.OPERATOR, reason)


def protection_of(draft: Draft, member: Member) -> Refusal | None:
    """What keeps an old one here; None when nobody protects it, or what it is replaced for cannot wait."""
    return None if member.slot in draft.outgoing else draft.budget.protected(member, Drawer.ROLLOUT)
