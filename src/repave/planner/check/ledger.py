"""The disruption budget: who draws, in which order, within which limits, and what the ledger remembers of it."""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

from repave.model.amount import Amount
from repave.model.disruption import Drawer
from repave.model.names import SlotId, ZoneName
from repave.model.observation import TrafficState
from repave.model.plan import Draw, Rule
from repave.planner.check.view import View

GENTLE = (Drawer.AGE, Drawer.REBALANCE)
PACED = (Drawer.ROLLOUT, Drawer.SCALE_IN, Drawer.AGE, Drawer.REBALANCE)
LEAVING = (TrafficState.DRAINING, TrafficState.DRAINED)


def answers(view: View) -> Iterator[str]:
    """Each instance draws once; what is refused has its rule and stays, what is granted leaves or is healed."""
    drained = {step.slot for step in view.withdrawals}
    for slot, times in Counter(draw.slot for draw in view.plan.draws).items():
        if times > 1:
            yield f"{slot} draws {times} times"
    for draw in view.plan.draws:
        if draw.granted is (draw.rule is not None):
            yield f"the draw on {draw.slot} is {'granted by a rule' if draw.granted else 'refused by no rule'}"
        if not draw.granted and draw.slot in drained:
            yield f"{draw.slot} was refused, and would be taken out"
        if draw.granted and draw.drawer is not Drawer.HEAL and draw.slot not in drained:
            yield f"{draw.slot} was granted, and would not be taken out"


def urgency(view: View) -> Iterator[str]:
    """What is gentle never takes what something more urgent needs."""
    order = list(Drawer)
    refused = (order.index(draw.drawer) for draw in view.plan.draws if draw.rule is Rule.BUDGET)
    starved = min(refused, default=len(order))
    for draw in _taken(view):
        if order.index(draw.drawer) > starved:
            yield f"{draw.slot} would be taken out for {draw.drawer}, and something more urgent waits"


def pace(view: View) -> Iterator[str]:
    """The limits per hour hold for all that is not urgent; a way back, and the end of a fleet, are not slowed."""
    if not _is_paced(view):
        return
    limits = view.policy.budget
    # The instance of a rebalanced fleet that leaves asked before its replacement was started.
    asking = [draw for draw in _fresh(view) if draw.drawer in PACED and draw.drawer is not Drawer.REBALANCE]
    if limits.per_hour is not None and asking:
        yield from _beyond(view, limits.per_hour, tuple(Drawer))
    if any(draw.drawer in GENTLE for draw in asking):
        yield from _beyond(view, limits.gentle_per_hour, GENTLE)


def zones(view: View) -> Iterator[str]:
    """No zone gives up more at the same time than allowed, but for what is urgent."""
    limit = view.policy.budget.per_zone
    if limit is None or not _is_paced(view):
        return
    leaving = Counter(view.in_slot[draw.slot].zone for draw in _taken(view))
    leaving.update(i.zone for i in view.instances.values() if view.state(i.id) in LEAVING and not view.dead(i.id))
    most = max(1, limit.of(view.target.size))
    for zone in sorted({view.in_slot[draw.slot].zone for draw in _taken(view) if draw.drawer in PACED}):
        if leaving[zone] > most:
            yield f"{leaving[zone]} would leave zone {zone} at the same time, and {most} may"


def memory(view: View) -> Iterator[str]:
    """The ledger gets every granted draw that it does not hold, and nothing else."""
    granted = [(draw.slot, draw.drawer, _zone_of(view, draw.slot), view.plan.at) for draw in _fresh(view)]
    kept = [(entry.slot, entry.drawer, entry.zone, entry.at) for entry in view.plan.disruptions]
    if sorted(granted) != sorted(kept):
        yield f"the ledger would be given {len(kept)} draws that are not the {len(granted)} new ones granted"


def _taken(view: View) -> list[Draw]:
    """Granted draws on what serves; of the sick that are healed, nobody is drained."""
    drained = {step.slot for step in view.withdrawals}
    return [draw for draw in view.plan.draws if draw.granted and draw.slot in drained]


def _fresh(view: View) -> list[Draw]:
    known = {entry.slot for entry in view.target.disruptions}
    return [draw for draw in view.plan.draws if draw.granted and draw.slot not in known]


def _beyond(view: View, limit: Amount, counted: tuple[Drawer, ...]) -> Iterator[str]:
    most = max(1, limit.of(view.target.size))
    drawn = (entry.at for entry in view.target.disruptions if entry.drawer in counted)
    recent = [at for at in drawn if timedelta(0) <= view.now - at < timedelta(hours=1)]
    fresh = [draw for draw in _fresh(view) if draw.drawer in counted and draw.drawer is not Drawer.REBALANCE]
    if len(recent) + len(fresh) > most:
        yield f"{len(recent) + len(fresh)} would be taken out within an hour, and {most} may"


def _is_paced(view: View) -> bool:
    proofs = [proof.at for proof in view.target.proven if proof.revision == view.target.revision]
    goes_back = bool(proofs) and max(proofs) < view.target.since
    return view.target.size > 0 and not goes_back


def _zone_of(view: View, slot: SlotId) -> ZoneName | None:
    seen = view.in_slot.get(slot)
    return None if seen is None else seen.zone
