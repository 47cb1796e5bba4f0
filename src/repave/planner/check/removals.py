"""What is taken away: seen, drained, spared by the budget."""

from collections.abc import Iterator

from repave.model.names import InstanceId
from repave.model.observation import TrafficState
from repave.model.plan import Detach, Drain, StandBy, Terminate
from repave.planner.check.view import View


def in_sight(view: View) -> Iterator[str]:
    """Nothing is taken away unseen, in the dark, or while paused."""
    removed = [*view.withdrawals, *view.detaches, *view.ends]
    if view.partial and removed:
        yield f"{len(removed)} steps take something away, and not everything could be seen"
    if view.target.paused and removed:
        yield "something is taken away, and the fleet is paused"
    leaving: list[Drain | StandBy | Terminate] = [*view.withdrawals, *view.ends]
    for step in leaving:
        seen = view.instances.get(step.instance)
        if seen is None or seen.slot != step.slot:
            yield f"{step.instance} would be taken away as {step.slot}, and was not seen there"
    for detach in view.detaches:
        if detach.instance not in view.traffic:
            yield f"{detach.instance} would be detached, and is not attached"


def endings(view: View) -> Iterator[str]:
    """Drained first, then detached, then ended."""
    endings: list[Detach | Terminate] = [*view.detaches, *view.ends]
    for step in endings:
        if step.instance in view.serving:
            yield f"{step.instance} serves requests, and would be cut off without a drain"
        elif view.stands_by(step.instance):
            yield f"{step.instance} stands by, and would be cut off without a drain"
        elif step.instance in view.instances and not view.dead(step.instance) and view.has_open_requests(step.instance):
            yield f"{step.instance} has open requests, and time left to end them"
    detached: set[InstanceId] = set()
    for each in view.plan.steps:
        if isinstance(each, Detach):
            detached.add(each.instance)
        elif isinstance(each, Terminate) and each.instance in view.traffic and each.instance not in detached:
            yield f"{each.instance} would be ended while the balancer still knows it"
    ended = {ending.instance for ending in view.ends}
    for detach in view.detaches:
        if detach.instance in view.instances and detach.instance not in ended:
            yield f"{detach.instance} would be detached and left running"


def capacity(view: View) -> Iterator[str]:
    """The disruption budget: never fewer serving than allowed, by our own doing."""
    size = view.target.size
    taken = {step.instance for step in view.withdrawals} & view.serving
    least = min(len(view.serving), size - view.policy.rollout.unavailable.of(size))
    if len(view.serving) - len(taken) < least:
        yield f"{len(view.serving) - len(taken)} would serve, and {least} must"
    granted = {draw.slot for draw in view.plan.draws if draw.granted}
    for instance in sorted(taken):
        if view.instances[instance].slot not in granted:
            yield f"{instance} serves, and would be taken out without a draw on the budget"
    if taken and (view.target.stopped or view.plan.stop or view.plan.retarget):
        yield "something that serves would be taken out, and the wanted revision is stopped"


def sick(view: View) -> Iterator[str]:
    """Those that served and look sick may come back: they are not thrown away while too few are left that may serve."""
    ended = {ending.instance for ending in view.ends}
    sick = {i for i in ended & set(view.instances) if view.state(i) is TrafficState.FAILING and not view.dead(i)}
    if not sick:
        return
    leaving = (TrafficState.DRAINING, TrafficState.DRAINED)
    left = [i for i in view.instances if i not in ended and not view.dead(i) and view.state(i) not in leaving]
    if len(left) < view.target.size:
        yield f"{len(sick)} that look sick would be ended, and {len(left)} be left of {view.target.size}"
