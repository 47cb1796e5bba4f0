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
from repave.model.plan import Attach, Detach, Drain, Launch, Phase, Plan, Terminate
from repave.model.policy import FleetPolicy
from repave.model.target import FailureKind, Target

SAYS_NOTHING = (FailureKind.NO_CAPACITY, FailureKind.LOST, FailureKind.RELAPSED)
"""Failures that are no reason to stop a revision."""


class UnsafePlan(RepaveError):
    """A plan that would break a promise: a defect of ours, stopped before it does harm."""

    code: ClassVar[str] = "unsafe-plan"


def check(plan: Plan, policy: FleetPolicy, target: Target, observation: Observation, now: datetime) -> None:
    """Raise UnsafePlan, naming every promise that the plan would break."""
    view = View(plan, policy, target, observation, now)
    broken = [
        *_identity(view),
        *_launches(view),
        *_permission(view),
        *_additions(view),
        *_removals(view),
        *_endings(view),
        *_capacity(view),
        *_crowd(view),
        *_sick(view),
        *_going_back(view),
        *_lessons(view),
        *_success(view),
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
        self.slots = {instance.slot for instance in self.instances.values()}
        self.ordered = {order.slot: order for order in target.orders}
        self.judged = {f.slot for f in (*target.failures, *plan.failures)} | {
            heal.slot for heal in (*target.heals, *plan.heals)
        }
        self.launches = [step for step in plan.steps if isinstance(step, Launch)]
        self.drains = [step for step in plan.steps if isinstance(step, Drain)]
        self.detaches = [step for step in plan.steps if isinstance(step, Detach)]
        self.ends = [step for step in plan.steps if isinstance(step, Terminate)]
        self.attaches = [step for step in plan.steps if isinstance(step, Attach)]
        self.fresh = [launch for launch in self.launches if launch.slot not in self.ordered]
        self.serving = {instance for instance in self.instances if self._serves(instance)}

    def state(self, instance: InstanceId) -> TrafficState | None:
        """What the balancer says of it."""
        backend = self.traffic.get(instance)
        return backend.state if backend else None

    def dead(self, instance: InstanceId) -> bool:
        """Whether its process has ended."""
        return self.instances[instance].state is MachineState.STOPPED

    def unwell(self, instance: InstanceId) -> bool:
        """Alive, and for now of no use: it fails its checks, its grace is over, or it was judged so before."""
        if self.dead(instance) or self.state(instance) not in (None, TrafficState.FAILING, TrafficState.CHECKING):
            return False
        backend, seen = self.traffic.get(instance), self.instances[instance]
        waiting_since = max(seen.started_at, backend.since) if backend else seen.started_at
        overdue = self.now - waiting_since >= timedelta(seconds=self.policy.health.grace_seconds)
        return self.state(instance) is TrafficState.FAILING or overdue or seen.slot in self.judged

    def has_open_requests(self, instance: InstanceId) -> bool:
        """Whether its drain goes on, and has time left."""
        backend = self.traffic.get(instance)
        if backend is None or backend.state is not TrafficState.DRAINING:
            return False
        return self.now - backend.since < timedelta(seconds=self.policy.drain_timeout_seconds)

    def _serves(self, instance: InstanceId) -> bool:
        return not self.dead(instance) and self.state(instance) is TrafficState.SERVING


def _identity(view: View) -> Iterator[str]:
    if not view.plan.fleet == view.target.fleet == view.policy.fleet:
        yield f"it is for {view.target.fleet}, and was made for {view.plan.fleet} by the policy of {view.policy.fleet}"
    if view.plan.parent != view.target.generation:
        yield f"it was made from generation {view.plan.parent}, the target has {view.target.generation}"
    if view.plan.next_slot < view.target.next_slot:
        yield "slot numbers would be given twice"


def _launches(view: View) -> Iterator[str]:
    """A slot is filled once, with the same arguments whenever it is launched again."""
    name = view.target.fleet.fleet
    own = {f"{name}-{number}" for number in range(view.target.next_slot, view.plan.next_slot)}
    failed = {failure.slot for failure in view.target.failures}
    for slot, times in Counter(launch.slot for launch in view.launches).items():
        if times > 1:
            yield f"{slot} is launched twice"
    for launch in view.launches:
        order = view.ordered.get(launch.slot)
        if launch.revision != view.target.revision:
            yield f"{launch.slot} would run {launch.revision}, and {view.target.revision} is wanted"
        if launch.slot in view.slots:
            yield f"{launch.slot} is taken by an instance"
        if order is not None and (order.zone, order.revision) != (launch.zone, launch.revision):
            yield f"{launch.slot} was ordered in another zone: a slot is launched with the same arguments"
        if order is None and launch.slot not in own:
            yield f"{launch.slot} is not one of the plan's own new slots"
        if order is None and launch.zone not in view.policy.zones:
            yield f"{launch.slot} would go to zone {launch.zone}, which is not declared"
        if order is None and launch.slot in failed:
            yield f"{launch.slot} was given out before, and failed"


def _permission(view: View) -> Iterator[str]:
    """Stopped means no launch; so do paused, revoked and unbootable."""
    useless = [p for p in view.target.proven if p.revision == view.target.revision and (p.revoked or not p.bootable)]
    forbidden = [
        (view.target.stopped or view.plan.stop, view.launches, "the wanted revision is stopped"),
        (view.plan.retarget, view.launches, "the target goes back to another revision"),
        (view.target.paused, view.launches, "the fleet is paused"),
        (useless, view.launches, "the wanted revision is revoked or cannot be started"),
        (view.partial, view.fresh, "not everything could be seen"),
    ]
    for holds, launches, words in forbidden:
        if holds and launches:
            yield f"{len(launches)} would be launched, and {words}"


def _additions(view: View) -> Iterator[str]:
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


def _removals(view: View) -> Iterator[str]:
    """Nothing is taken away unseen, in the dark, or while paused."""
    removed = [*view.drains, *view.detaches, *view.ends]
    if view.partial and removed:
        yield f"{len(removed)} steps take something away, and not everything could be seen"
    if view.target.paused and removed:
        yield "something is taken away, and the fleet is paused"
    leaving: list[Drain | Terminate] = [*view.drains, *view.ends]
    for step in leaving:
        seen = view.instances.get(step.instance)
        if seen is None or seen.slot != step.slot:
            yield f"{step.instance} would be taken away as {step.slot}, and was not seen there"
    for detach in view.detaches:
        if detach.instance not in view.traffic:
            yield f"{detach.instance} would be detached, and is not attached"


def _endings(view: View) -> Iterator[str]:
    """Drained first, then detached, then ended."""
    endings: list[Detach | Terminate] = [*view.detaches, *view.ends]
    for step in endings:
        if step.instance in view.serving:
            yield f"{step.instance} serves requests, and would be cut off without a drain"
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


def _capacity(view: View) -> Iterator[str]:
    """The disruption budget: never fewer serving than allowed, by our own doing."""
    size = view.target.size
    taken = {drain.instance for drain in view.drains} & view.serving
    least = min(len(view.serving), size - view.policy.rollout.unavailable.of(size))
    if len(view.serving) - len(taken) < least:
        yield f"{len(view.serving) - len(taken)} would serve, and {least} must"
    granted = {draw.slot for draw in view.plan.draws if draw.granted}
    for instance in sorted(taken):
        if view.instances[instance].slot not in granted:
            yield f"{instance} serves, and would be taken out without a draw on the budget"
    if view.drains and (view.target.stopped or view.plan.stop or view.plan.retarget):
        yield "something that serves would be taken out, and the wanted revision is stopped"


def _crowd(view: View) -> Iterator[str]:
    """The surge: never more alive than the wanted size and so many above it, but for those of no use."""
    size = view.target.size
    ending = {ending.instance for ending in view.ends}
    staying = [i for i in view.instances if i not in ending and not view.dead(i) and not view.unwell(i)]
    waiting = set(view.ordered) - view.slots - set(view.plan.closed)
    surge = max(1, view.policy.rollout.surge.of(size))
    total = len(staying) + len(waiting) + len(view.fresh)
    if view.fresh and total > size + surge:
        yield f"{total} would be alive, and {size} are wanted with {surge} above them"


def _sick(view: View) -> Iterator[str]:
    """Those that served and look sick may come back: they are not thrown away while too few are left that may serve."""
    ended = {ending.instance for ending in view.ends}
    sick = {i for i in ended & set(view.instances) if view.state(i) is TrafficState.FAILING and not view.dead(i)}
    leaving = (TrafficState.DRAINING, TrafficState.DRAINED)
    left = [i for i in view.instances if i not in ended and not view.dead(i) and view.state(i) not in leaving]
    if sick and len(left) < view.target.size:
        yield f"{len(sick)} that look sick would be ended, and {len(left)} be left of {view.target.size}"


def _going_back(view: View) -> Iterator[str]:
    """A stop has its reason; a rollback goes to what is proven, bootable, not revoked and has not failed since."""
    least = view.policy.rollout.stop_in_a_row
    damning = [f for f in (*view.target.failures, *view.plan.failures) if f.kind not in SAYS_NOTHING]
    against = [f for f in damning if f.revision == view.target.revision and f.at >= view.target.since]
    back = view.plan.retarget
    if (back or view.plan.stop) and len(against) < least:
        yield f"it stops the wanted revision for {len(against)} failures, and {least} are needed"
    if back is None:
        return
    if back.revision == view.target.revision:
        yield "it rolls back to the very revision that failed"
    proofs = [proof for proof in view.target.proven if proof.revision == back.revision]
    if not proofs:
        yield f"it rolls back to {back.revision}, which never carried this fleet"
    for proof in proofs:
        if proof.revoked or not proof.bootable:
            yield f"it rolls back to {back.revision}, which is revoked or cannot be started"
        if proof.release != back.release:
            yield f"it rolls back to {back.revision} under the name of another release"
        if sum(f.revision == back.revision and f.at > proof.at for f in damning) >= least:
            yield f"it rolls back to {back.revision}, which has failed since it was proven"


def _lessons(view: View) -> Iterator[str]:
    """What is remembered is true, and is remembered once; healing keeps its limit."""
    window = timedelta(seconds=view.policy.healing.window_seconds)
    used = sum(view.now - heal.at < window for heal in view.target.heals)
    most = max(1, view.policy.healing.limit.of(view.target.size))
    if view.plan.heals and used + len(view.plan.heals) > most:
        yield f"{used + len(view.plan.heals)} would be healed within the window, and {most} may be"
    well = {view.instances[instance].slot for instance in view.serving}
    for slot in sorted(well & ({heal.slot for heal in view.plan.heals} | {f.slot for f in view.plan.failures})):
        yield f"{slot} serves, and would be remembered as failed"
    remembered = Counter(f.slot for f in view.plan.failures) + Counter({f.slot: 1 for f in view.target.failures})
    for failure in view.plan.failures:
        if remembered[failure.slot] > 1:
            yield f"the failure of {failure.slot} would be counted twice"
    for slot in view.plan.closed:
        if slot not in view.ordered:
            yield f"{slot} would be closed, and was not ordered"


def _success(view: View) -> Iterator[str]:
    """Success is told only of what is true: the wanted number, of the wanted revision, alone, serving."""
    current = {i for i in view.serving if view.instances[i].revision == view.target.revision}
    alone = len(current) == len(view.instances) == view.target.size
    if view.plan.phase is Phase.CONVERGED and (
        not alone or view.partial or view.launches or set(view.traffic) - current
    ):
        yield "it says that the fleet is as wanted, and that is not what was seen"
    if view.plan.proven is not None and (not alone or view.partial or view.plan.proven != view.target.revision):
        yield f"it calls {view.plan.proven} proven, and it does not carry the fleet alone"
