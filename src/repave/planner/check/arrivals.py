"""What is started and attached: once for each slot, only what is wanted, never too many at once."""

from collections import Counter
from collections.abc import Iterator

from repave.model.observation import TrafficState
from repave.planner.check.turns import kept_meanwhile
from repave.planner.check.view import View


def launches(view: View) -> Iterator[str]:
    """A slot is filled once, with the same arguments whenever it is launched again."""
    name = view.target.fleet.fleet
    own = {f"{name}-{number}" for number in range(view.target.next_slot, view.plan.next_slot)}
    failed = {failure.slot for failure in view.target.failures}
    out = {each.zone for each in view.target.zones_out if each.until is None or each.until > view.now}
    wanted = (view.target.revision, kept_meanwhile(view))
    for slot, times in Counter(launch.slot for launch in view.launches).items():
        if times > 1:
            yield f"{slot} is launched twice"
    for launch in view.launches:
        order = view.ordered.get(launch.slot)
        if launch.revision not in wanted and launch.slot not in view.beside:
            yield f"{launch.slot} would run {launch.revision}, and {view.target.revision} is wanted"
        if launch.slot in view.slots:
            yield f"{launch.slot} is taken by an instance"
        if order is not None and (order.zone, order.revision) != (launch.zone, launch.revision):
            yield f"{launch.slot} was ordered in another zone: a slot is launched with the same arguments"
        if order is None and launch.slot not in own:
            yield f"{launch.slot} is not one of the plan's own new slots"
        if order is None and launch.zone not in view.policy.zones:
            yield f"{launch.slot} would go to zone {launch.zone}, which is not declared"
        if order is None and launch.zone in out:
            yield f"{launch.slot} would go to zone {launch.zone}, which a person took out"
        if order is None and launch.slot in failed:
            yield f"{launch.slot} was given out before, and failed"


def permission(view: View) -> Iterator[str]:
    """Stopped means no launch; so do paused, revoked and unbootable."""
    useless = {proof.revision for proof in view.target.proven if not proof.bootable}
    revoked = {each.revision for each in view.target.revoked}
    spoilt = [launch for launch in view.launches if launch.revision in useless]
    banned = [launch for launch in view.launches if launch.revision in revoked]
    forbidden = [
        (view.target.stopped or view.plan.stop, view.launches, "the wanted revision is stopped"),
        (view.plan.retarget, view.launches, "the target goes back to another revision"),
        (view.target.paused, view.launches, "the fleet is paused"),
        (useless, spoilt, "what they would run cannot be started"),
        (revoked, banned, "what they would run is revoked"),
        (view.partial, view.fresh, "not everything could be seen"),
    ]
    for holds, launches, words in forbidden:
        if holds and launches:
            yield f"{len(launches)} would be launched, and {words}"


def additions(view: View) -> Iterator[str]:
    """Only what runs is attached, at the address it was seen at."""
    for attach in view.attaches:
        seen = view.instances.get(attach.instance)
        if view.partial:
            yield f"{attach.instance} would be attached, and not everything could be seen"
        elif seen is None or view.dead(attach.instance):
            yield f"{attach.instance} would be attached, and does not run"
        elif (seen.slot, seen.address, seen.port) != (attach.slot, attach.address, attach.port):
            yield f"{attach.instance} would be attached at an address that is not its own"
        elif attach.instance in view.traffic:
            yield f"{attach.instance} is attached already"


def crowd(view: View) -> Iterator[str]:
    """The surge: never more alive than the wanted size and so many above it, but for those of no use or slow to go."""
    if view.partial or not view.launches:
        return  # on a partial view orders are only given again
    size = view.target.size
    ending = {ending.instance for ending in view.ends}
    staying = [i for i in view.instances if i not in ending and not view.dead(i) and not view.unwell(i)]
    waiting = set(view.ordered) - view.slots - set(view.plan.closed)
    surge = max(1, view.policy.rollout.surge.of(size))
    leaving = sum(view.state(i) in (TrafficState.DRAINING, TrafficState.DRAINED) for i in staying)
    slow = max(0, leaving - view.policy.rollout.surge.of(size))  # they take places of the surge alone
    if view.policy.rollout.strategy == "blue-green":
        slow = 0
        old = [i for i in view.instances if view.instances[i].revision != view.target.revision]
        surge = max(surge, size, sum(i in view.serving for i in old)) if old else surge
    total = len(staying) - slow + len(waiting) + len(view.fresh)
    if total > size + surge:
        yield f"{total} would be alive, and {size} are wanted with {surge} above them"
