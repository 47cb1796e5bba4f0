"""Withdrawal: a wanted revision that is revoked gives way to the last good one; without one, what runs stays."""

from repave.model.disruption import Drawer
from repave.planner import failures
from repave.planner.draft import ALIVE, Draft


def withdraw(draft: Draft) -> None:
    """Old instances of what is revoked leave before all others; a wanted revision goes back where one may run."""
    if not draft.revoked:
        return
    for member in draft.remaining(*ALIVE, current=False):
        if member.instance.revision in draft.revoked:
            draft.replace(member, Drawer.REVOKED, "it runs what is revoked")
    if draft.target.revision not in draft.revoked:
        return
    back = failures.rollback(draft.policy, draft.target, draft.all_failures, draft.barred)
    if back is not None:
        draft.halt(draft.barred, back)
