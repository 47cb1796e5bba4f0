"""What a person asked for holds: who is protected stays, a pause ends when it is over, a wish is done when it is."""

from collections.abc import Iterator

from repave.model.disruption import Drawer
from repave.model.names import InstanceId
from repave.model.observation import Instance, TrafficState
from repave.model.plan import Drain
from repave.planner.check.view import View

CAN_WAIT = (Drawer.ROLLOUT, Drawer.SCALE_IN, Drawer.AGE, Drawer.REBALANCE)


def protection(view: View) -> Iterator[str]:
    """Nothing that can wait takes a protected one out, nor ends one that is still coming."""
    protected = {known.slot for known in view.target.protections if known.until > view.now}
    for draw in view.plan.draws:
        if draw.granted and draw.slot in protected and draw.drawer in CAN_WAIT:
            yield f"{draw.slot} is protected, and would be taken out for {draw.drawer}"
    asked = {wish.slot for wish in view.target.replacements}
    for ending in view.ends:
        if ending.slot in protected - asked and _comes_as_wanted(view, ending.instance):
            yield f"{ending.slot} is protected, and would be ended before it serves"
    switched = {draw.slot for draw in view.plan.draws if draw.granted and draw.drawer is Drawer.SWITCH}
    for drain in view.drains:
        if drain.slot in protected & switched or (drain.slot in protected - asked and _stays_ready(view, drain)):
            yield f"{drain.slot} is protected, and would leave where it can stand by"


def _stays_ready(view: View, drain: Drain) -> bool:
    """Whether it stands by, alone in its slot, and may go on doing so."""
    if not view.stands_by(drain.instance):
        return False
    alone = sum(other.slot == drain.slot for other in view.instances.values()) == 1
    return alone and _may_stay(view, view.instances[drain.instance])


def _comes_as_wanted(view: View, instance: InstanceId) -> bool:
    seen = view.instances.get(instance)
    if seen is None or view.dead(instance) or view.unwell(instance):
        return False
    coming = view.state(instance) in (None, TrafficState.CHECKING)
    return coming and seen.revision == view.target.revision and _may_stay(view, seen)


def _may_stay(view: View, seen: Instance) -> bool:
    """Whether nothing is said against what it runs, nor was its zone taken out."""
    revoked = {one.revision for one in view.target.revoked}
    out = {each.zone for each in view.target.zones_out if each.until is None or each.until > view.now}
    return seen.revision not in revoked and seen.zone not in out


def fulfilment(view: View) -> Iterator[str]:
    """A wish is forgotten only when its instance is gone, a pause only when its time is over."""
    asked = {wish.slot for wish in view.target.replacements}
    for slot in view.plan.replaced:
        if slot not in asked or slot in view.slots or view.partial:
            yield f"{slot} would be called replaced, and is not gone, or nobody asked"
    until = view.target.paused_until
    if view.plan.resumes and (until is None or until > view.now):
        yield "the pause would end, and its time is not over"
