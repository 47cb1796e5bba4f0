"""Standing by: no request reaches a new group before the whole of it is ready, nor loses the old one too early."""

from collections import Counter
from collections.abc import Iterator

from repave.model.names import InstanceId, RevisionId
from repave.model.observation import Instance, TrafficState
from repave.planner.check.turns import kept_meanwhile
from repave.planner.check.view import View


def switches(view: View) -> Iterator[str]:
    """All requests go over only to what is wanted, seen, whole, and not stopped."""
    if not view.plan.switch:
        return
    wanted = [i for i, seen in view.instances.items() if seen.revision == view.target.revision]
    well = [i for i in wanted if i in view.serving or view.stands_by(i)]
    if len(well) < view.target.size:
        yield f"all requests would go over, and {len(well)} of {view.target.size} are ready"
    if view.partial or view.target.paused:
        yield "all requests would go over, and the fleet is paused or not everything could be seen"
    if view.target.stopped or view.plan.stop or view.plan.retarget:
        yield "all requests would go over to what is stopped"


def admissions(view: View) -> Iterator[str]:
    """Who is let in stands by, is wanted, and is let in with all the others, but for those that are needed now."""
    if not (view.admits or view.launches or view.attaches):
        return
    new, may_have_traffic = _new(view), _may_have_traffic(view)
    for admit in view.admits:
        if not view.stands_by(admit.instance) or view.instances[admit.instance].slot != admit.slot:
            yield f"{admit.instance} would be let in, and does not stand by"
        elif admit.instance not in new:
            yield f"{admit.instance} would be let in, and runs an old revision"
    if view.admits and (view.partial or view.target.paused):
        yield "something would be let in, and the fleet is paused or not everything could be seen"
    lacking = view.target.size - view.policy.rollout.unavailable.of(view.target.size) - len(view.serving)
    if not may_have_traffic and len(view.admits) > max(0, lacking):
        yield f"{len(view.admits)} would be let in before all are, and {max(0, lacking)} are lacking"
    for launch in view.launches:
        if not launch.standby and not may_have_traffic:
            yield f"{launch.slot} would get requests before its whole group is ready"
    for attach in view.attaches:
        if attach.instance in new and not attach.standby and not may_have_traffic:
            yield f"{attach.instance} would get requests before its whole group is ready"


def rests(view: View) -> Iterator[str]:
    """Only old ones that serve are withdrawn to stand by, and only once as many new ones as wanted serve."""
    if not view.stand_bys:
        return
    new = _new(view)
    old = view.serving - new
    serving = new & view.serving
    for step in view.stand_bys:
        if step.instance not in old:
            yield f"{step.instance} would stand by, and is not an old one that serves"
    over = view.target.switched is not None or kept_meanwhile(view) is not None
    if len(serving) < view.target.size or not over:
        yield f"old ones would stand by, and {len(serving)} of {view.target.size} new ones serve"


def singly(view: View) -> Iterator[str]:
    """Before a switch one old revision has the requests: where it is certain which, no other gets any again."""
    carries = _carries(view)
    if carries is None:
        return
    for attach in view.attaches:
        seen = view.instances.get(attach.instance)
        if seen and not attach.standby and seen.revision not in (view.target.revision, carries):
            yield f"{attach.instance} would get requests, and until the switch {carries} has them"


def _carries(view: View) -> RevisionId | None:
    """The old revision that has the requests, when so many of it are surely there as of no other; else None."""
    switched = view.target.switched is not None or kept_meanwhile(view) is not None
    if view.policy.rollout.strategy != "blue-green" or switched:
        return None
    old = [i for i in view.instances.values() if i.revision != view.target.revision and not view.dead(i.id)]
    others = Counter(instance.revision for instance in old)
    serving = {instance.revision for instance in old if instance.id in view.serving}
    if len(serving) > 1:
        return None
    carries = min(serving, default=None) or _carried_last(view, set(others))
    if carries is None:
        return None
    del others[carries]
    there = {instance.slot for instance in old if instance.revision == carries and _is_there(view, instance)}
    return carries if len(there) >= max(others.values(), default=1) else None


def _carried_last(view: View, old: set[RevisionId]) -> RevisionId | None:
    """Which of these was proven last; None where that is revoked, or could not be started again."""
    proven = [proof for proof in view.target.proven if proof.revision in old]
    last = max(proven, key=lambda proof: (proof.at, proof.revision), default=None)
    spoilt = {revoked.revision for revoked in view.target.revoked}
    return last.revision if last and last.bootable and last.revision not in spoilt else None


def _is_there(view: View, instance: Instance) -> bool:
    """Whether it has requests, or may have them as soon as the balancer knows it."""
    if view.state(instance.id) is None:
        return instance.address is not None and instance.slot not in view.judged
    return view.state(instance.id) in (TrafficState.SERVING, TrafficState.READY)


def _may_have_traffic(view: View) -> bool:
    """Whether nothing keeps the new from requests: another strategy, nobody old, the switch, or that it had them."""
    if view.policy.rollout.strategy != "blue-green" or kept_meanwhile(view) is not None:
        return True
    stopped = view.target.stopped or view.plan.stop or view.plan.retarget
    if view.target.switched is not None or (view.plan.switch and not stopped):
        return True
    ending = {step.instance for step in view.ends}
    old = view.instances.keys() - _new(view) - ending
    return not any(i in view.serving or view.stands_by(i) for i in old)


def _new(view: View) -> set[InstanceId]:
    wanted = (view.target.revision, kept_meanwhile(view))
    return {i for i, instance in view.instances.items() if instance.revision in wanted}
