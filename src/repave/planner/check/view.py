"""The arguments of a check, looked up once."""

from dataclasses import replace
from datetime import datetime, timedelta
from functools import cached_property

from repave.model.names import InstanceId, SlotId
from repave.model.observation import Instance, MachineState, Observation, TrafficState
from repave.model.plan import Admit, Attach, Detach, Drain, Launch, Plan, StandBy, Terminate
from repave.model.policy import FleetPolicy
from repave.model.target import Proof, Target


class View:
    """The arguments, looked up once."""

    def __init__(
        self, plan: Plan, policy: FleetPolicy, target: Target, observation: Observation, now: datetime
    ) -> None:
        self.plan = plan
        self.policy = policy
        over = target.paused and target.paused_until is not None and target.paused_until <= now
        target = replace(target, paused=False) if over else target
        self.target = _with_carrier(target, plan, observation)
        self.now = now
        self.seen_at = min(observation.machines.at, observation.traffic.at)
        """By the clocks of those who saw it: how long something has been as it is follows from these alone."""

        self.neighbours = {neighbour.fleet: neighbour for neighbour in observation.neighbours}
        self.metrics = observation.metrics
        self.instances: dict[InstanceId, Instance] = {i.id: i for i in observation.machines.instances}
        self.traffic = {backend.instance: backend for backend in observation.traffic.backends}
        self._states = {backend.instance: backend.state for backend in observation.traffic.backends}
        self._dead = {i.id for i in observation.machines.instances if i.state is MachineState.STOPPED}
        self.partial = bool(observation.machines.incomplete or observation.traffic.incomplete)
        self.slots = {instance.slot for instance in self.instances.values()}
        self.ordered = {order.slot: order for order in target.orders}
        self.judged = {f.slot for f in (*target.failures, *plan.failures)} | {
            heal.slot for heal in (*target.heals, *plan.heals)
        }
        self.launches = [step for step in plan.steps if isinstance(step, Launch)]
        self.admits = [step for step in plan.steps if isinstance(step, Admit)]
        self.stand_bys = [step for step in plan.steps if isinstance(step, StandBy)]
        self.drains = [step for step in plan.steps if isinstance(step, Drain)]
        self.detaches = [step for step in plan.steps if isinstance(step, Detach)]
        self.ends = [step for step in plan.steps if isinstance(step, Terminate)]
        self.attaches = [step for step in plan.steps if isinstance(step, Attach)]
        self.withdrawals: list[Drain | StandBy] = [*self.drains, *self.stand_bys]
        """What gets no new requests any more."""

        self.beside = frozenset((plan.canary or target.canary).baseline)
        """What a canary is compared with."""

        self.fresh = [launch for launch in self.launches if launch.slot not in self.ordered]
        serving = {instance for instance, state in self._states.items() if state is TrafficState.SERVING}
        self.serving = serving & self.instances.keys() - self._dead

    @cached_property
    def in_slot(self) -> dict[SlotId, Instance]:
        """The instance of each slot; of a double the last that is listed."""
        return {instance.slot: instance for instance in self.instances.values()}

    def state(self, instance: InstanceId) -> TrafficState | None:
        """What the balancer says of it."""
        return self._states.get(instance)

    def dead(self, instance: InstanceId) -> bool:
        """Whether its process has ended."""
        return instance in self._dead

    def unwell(self, instance: InstanceId) -> bool:
        """Alive, and for now of no use: it fails its checks, its grace is over, or it was judged so before."""
        if self.dead(instance) or self.state(instance) not in (None, TrafficState.FAILING, TrafficState.CHECKING):
            return False
        backend, seen = self.traffic.get(instance), self.instances[instance]
        waiting_since = max(seen.started_at, backend.since) if backend else seen.started_at
        overdue = self.seen_at - waiting_since >= timedelta(seconds=self.policy.health.grace_seconds)
        return self.state(instance) is TrafficState.FAILING or overdue or seen.slot in self.judged

    def stands_by(self, instance: InstanceId) -> bool:
        """Whether it is alive and ready, and gets no requests."""
        there = instance in self.instances and not self.dead(instance)
        return there and self.state(instance) is TrafficState.READY

    def has_open_requests(self, instance: InstanceId) -> bool:
        """Whether its drain goes on, and has time left."""
        backend = self.traffic.get(instance)
        if backend is None or backend.state is not TrafficState.DRAINING:
            return False
        return self.seen_at - backend.since < timedelta(seconds=self.policy.drain_timeout_seconds)


def _with_carrier(target: Target, plan: Plan, observation: Observation) -> Target:
    """The target that also knows what the plan calls proven beside what is wanted: whether rightly is checked."""
    ran = [seen.release for seen in observation.machines.instances if seen.revision == plan.proven]
    if plan.proven is None or plan.proven == target.revision or not ran:
        return target
    others = tuple(proof for proof in target.proven if proof.revision != plan.proven)
    return replace(target, proven=(*others, Proof(revision=plan.proven, release=ran[0], at=max(plan.at, target.since))))
