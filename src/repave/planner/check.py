"""The plan checker: every plan is held against the promises before it is committed, in tests and in production.

It reasons from the arguments alone and shares no code with the planner: an error made there is not made here again.
"""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import ClassVar

from repave.model.errors import RepaveError
from repave.model.names import InstanceId
from repave.model.observation import Instance, MachineState, Observation, TrafficState
from repave.model.plan import Attach, Detach, Drain, Launch, Plan, Terminate
from repave.model.policy import FleetPolicy
from repave.model.target import Target


class UnsafePlan(RepaveError):
    """A plan that would break a promise: a defect of ours, stopped before it does harm."""

    code: ClassVar[str] = "unsafe-plan"


def check(plan: Plan, policy: FleetPolicy, target: Target, observation: Observation, now: datetime) -> None:
    """Raise UnsafePlan, naming every promise that the plan would break."""
    view = View(plan, policy, target, observation, now)
    broken = [
        *_identity(view),
        *_launches(view),
        *_removals(view),
        *_capacity(view),
        *_going_back(view),
        *_healing(view),
    ]
    if broken:
        raise UnsafePlan(
            f"the plan for {plan.fleet} would break a promise: {'; '.join(broken)}",
            hint="nothing was done; please report this with the output of `repave explain --json`",
        )


class View:
    """The arguments, looked up once."""

    def __init__(
        self, plan: Plan, policy: FleetPolicy, target: Target, observation: Observation, now: datetime
    ) -> None:
        self.plan = plan
        self.policy = policy
        self.target = target
        self.now = now
        self.instances: dict[InstanceId, Instance] = {i.id: i for i in observation.machines.instances}
        self.traffic = {backend.instance: backend for backend in observation.traffic.backends}
        self.partial = bool(observation.machines.incomplete or observation.traffic.incomplete)
        self.launches = [step for step in plan.steps if isinstance(step, Launch)]
        self.drains = [step for step in plan.steps if isinstance(step, Drain)]
        self.detaches = [step for step in plan.steps if isinstance(step, Detach)]
        self.ends = [step for step in plan.steps if isinstance(step, Terminate)]
        self.attaches = [step for step in plan.steps if isinstance(step, Attach)]

    def serving(self, instance: InstanceId) -> bool:
        """Whether it gets requests now."""
        backend = self.traffic.get(instance)
        running = instance in self.instances and self.instances[instance].state is not MachineState.STOPPED
        return running and backend is not None and backend.state is TrafficState.SERVING

    def overdue(self, instance: InstanceId) -> bool:
        """Whether its drain has ended, by idleness or by time."""
        backend = self.traffic.get(instance)
        if backend is None or backend.state is TrafficState.DRAINED:
            return True
        if backend.state is not TrafficState.DRAINING:
            return True
        return self.now - backend.since >= timedelta(seconds=self.policy.drain_timeout_seconds)


def _identity(view: View) -> Iterator[str]:
    if view.plan.fleet != view.target.fleet:
        yield f"it is for {view.target.fleet}, and was made for {view.plan.fleet}"
    if view.plan.parent != view.target.generation:
        yield f"it was made from generation {view.plan.parent}, the target has {view.target.generation}"
    if view.plan.next_slot < view.target.next_slot:
        yield "slot numbers would be given twice"


def _launches(view: View) -> Iterator[str]:
    ordered = {order.slot: order for order in view.target.orders}
    taken = {instance.slot for instance in view.instances.values()}
    name = view.target.fleet.fleet
    own = {f"{name}-{number}" for number in range(view.target.next_slot, view.plan.next_slot)}
    fresh = 0
    for slot, times in Counter(launch.slot for launch in view.launches).items():
        if times > 1:
            yield f"{slot} is launched twice"
    for launch in view.launches:
        if launch.revision != view.target.revision:
            yield f"{launch.slot} would run {launch.revision}, and {view.target.revision} is wanted"
        if launch.slot in taken:
            yield f"{launch.slot} is taken by an instance"
        if launch.slot in ordered:
            if ordered[launch.slot].zone != launch.zone:
                yield f"{launch.slot} was ordered in another zone: a slot is launched with the same arguments"
            continue
        fresh += 1
        if launch.slot not in own:
            yield f"{launch.slot} is not one of the plan's own new slots"
        if launch.zone not in view.policy.zones:
            yield f"{launch.slot} would go to zone {launch.zone}, which is not declared"
    forbidden = [
        (view.target.stopped or view.plan.stop, "the wanted revision is stopped"),
        (view.plan.retarget, "the target goes back to another revision"),
        (view.target.paused, "the fleet is paused"),
        (view.partial and fresh, "not everything could be seen"),
    ]
    for holds, words in forbidden:
        if holds and view.launches and (fresh or not view.partial):
            yield f"{len(view.launches)} would be launched, and {words}"


def _removals(view: View) -> Iterator[str]:
    removed = [*view.drains, *view.detaches, *view.ends]
    if view.partial and removed:
        yield f"{len(removed)} steps take something away, and not everything could be seen"
    if view.target.paused and removed:
        yield "something is taken away, and the fleet is paused"
    for ending in view.ends:
        if ending.instance not in view.instances:
            yield f"{ending.instance} would be ended, and was not seen"
    endings: list[Detach | Terminate] = [*view.detaches, *view.ends]
    for step in endings:
        if view.serving(step.instance):
            yield f"{step.instance} serves requests, and would be cut off without a drain"
        elif step.instance in view.instances and not _dead(view, step.instance) and not view.overdue(step.instance):
            yield f"{step.instance} has open requests, and time left to end them"
    for drain in view.drains:
        if drain.instance not in view.instances:
            yield f"{drain.instance} would be drained, and was not seen"


def _capacity(view: View) -> Iterator[str]:
    size = view.target.size
    serving = {instance for instance in view.instances if view.serving(instance)}
    taken = {drain.instance for drain in view.drains} & serving
    least = min(len(serving), size - view.policy.rollout.unavailable.of(size))
    if len(serving) - len(taken) < least:
        yield f"{len(serving) - len(taken)} would serve, and {least} must"
    ending = {ending.instance for ending in view.ends}
    staying = [i for i in view.instances.values() if i.id not in ending and not _holds_nothing(view, i)]
    ordered = {order.slot for order in view.target.orders} - {instance.slot for instance in view.instances.values()}
    fresh = [launch for launch in view.launches if launch.slot not in ordered]
    waiting = ordered - set(view.plan.closed)
    surge = max(1, view.policy.rollout.surge.of(size))
    total = len(staying) + len(waiting) + len(fresh)
    if fresh and total > size + surge:
        yield f"{total} would be alive, and {size} are wanted with {surge} above them"


def _going_back(view: View) -> Iterator[str]:
    back = view.plan.retarget
    if back is None:
        return
    if back.revision == view.target.revision:
        yield "it rolls back to the very revision that failed"
    proofs = [proof for proof in view.target.proven if proof.revision == back.revision]
    if not proofs:
        yield f"it rolls back to {back.revision}, which never carried this fleet"
    if any(proof.revoked or not proof.bootable for proof in proofs):
        yield f"it rolls back to {back.revision}, which is revoked or cannot be started"


def _healing(view: View) -> Iterator[str]:
    if not view.plan.heals:
        return
    window = timedelta(seconds=view.policy.healing.window_seconds)
    used = sum(view.now - heal.at < window for heal in view.target.heals)
    most = max(1, view.policy.healing.limit.of(view.target.size))
    if used + len(view.plan.heals) > most:
        yield f"{used + len(view.plan.heals)} would be healed within the window, and {most} may be"


def _dead(view: View, instance: InstanceId) -> bool:
    return view.instances[instance].state is MachineState.STOPPED


def _holds_nothing(view: View, instance: Instance) -> bool:
    """The dead, and old ones that do not serve and should: they must not hold up their cure."""
    if instance.state is MachineState.STOPPED:
        return True
    if instance.revision == view.target.revision:
        return False
    backend = view.traffic.get(instance.id)
    if backend is None:
        return view.now - instance.started_at >= timedelta(seconds=view.policy.health.grace_seconds)
    grace = timedelta(seconds=view.policy.health.grace_seconds)
    late = view.now - max(instance.started_at, backend.since) >= grace
    return backend.state is TrafficState.FAILING or (backend.state is TrafficState.CHECKING and late)
