"""Age: nobody is replaced for it without a limit or long before it, and who is past the hard limit is never silent."""

from collections.abc import Iterator
from datetime import timedelta

from repave.model.disruption import Drawer
from repave.model.plan import Phase
from repave.planner.check.view import View

EARLIEST = 2 / 3
"""Of the soft limit: renewals are spread over its last third."""


def renewals(view: View) -> Iterator[str]:
    """A draw for age is one of an instance that is old enough, or has a hard limit to keep."""
    soft, hard = view.policy.age.soft_seconds, view.policy.age.hard_seconds
    for draw in view.plan.draws:
        if draw.drawer is not Drawer.AGE or hard is not None:
            continue
        if soft is None:
            yield f"{draw.slot} would be replaced for its age, and no age is limited"
        elif view.now - view.in_slot[draw.slot].started_at < timedelta(seconds=soft * EARLIEST):
            yield f"{draw.slot} would be replaced for its age, and is young"


def hurried(view: View) -> Iterator[str]:
    """A draw for a deadline is one of an instance that has a hard limit, or an old one with a flaw to be repaired."""
    limits = view.policy.fix_within
    dated = {one.revision for one in view.target.exposures if limits.due(one.flaw)} - {view.target.revision}
    draws = [draw for draw in view.plan.draws if draw.drawer is Drawer.DEADLINE]
    for draw in draws if view.policy.age.hard_seconds is None else ():
        if view.in_slot[draw.slot].revision not in dated:
            yield f"{draw.slot} would be hurried, and no deadline is known for it"


def overdue(view: View) -> Iterator[str]:
    """What serves beyond the hard limit is on its way out, or the plan says why it cannot be."""
    hard = view.policy.age.hard_seconds
    if hard is None:
        return
    born_by = view.now - timedelta(seconds=hard)
    late = sorted(i for i in view.serving if view.instances[i].started_at <= born_by)
    if late and view.plan.phase is Phase.CONVERGED:
        yield f"it says that the fleet is as wanted, and {late[0]} is past the hard limit of its age"
    if late and not (view.plan.holds or view.plan.steps):
        yield f"{late[0]} is past the hard limit of its age, and nothing says what becomes of it"
