"""A rollout rehearsed: the real planner over a world in which everything goes well, to show what it would do."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from repave.model.names import InstanceId, SlotId
from repave.model.observation import (
    Backend,
    Instance,
    MachineSighting,
    MachineState,
    Observation,
    TrafficSighting,
    TrafficState,
)
from repave.model.plan import Admit, Attach, Detach, Drain, Launch, Phase, Plan, StandBy, Terminate
from repave.model.policy import FleetPolicy
from repave.model.target import Order, Target
from repave.planner.fleet import plan

MOST_ROUNDS = 2000
"""A rollout takes a few rounds per batch; more means that the planner does not converge, and the rehearsal says so."""

ROUND = timedelta(seconds=1)
"""Any step of time will do: in this world whatever was started serves a round later, and what drains is idle."""


LONGEST_PAUSE = timedelta(days=1)
"""What waits longer is said not to get there by itself."""


@dataclass(frozen=True, kw_only=True)
class Batch:
    """What is started and taken out of service at one time."""

    launches: Mapping[str, int]
    """New instances by zone."""

    retires: tuple[str, ...]
    """Slots that are drained and ended."""

    admits: tuple[str, ...] = ()
    """Slots that were ready and get requests now."""

    stand_bys: tuple[str, ...] = ()
    """Slots that get no requests any more, and are kept ready for them."""

    @property
    def moves_anything(self) -> bool:
        """Whether anything is started, or any request goes elsewhere."""
        return bool(self.launches or self.retires or self.admits or self.stand_bys)


@dataclass(frozen=True, kw_only=True)
class Rehearsal:
    """How a rollout would go if nothing failed."""

    batches: tuple[Batch, ...]
    peak: int
    """Most instances alive at once."""

    least_serving: int
    """Fewest serving at once, from the first step to the last."""

    pauses_seconds: float
    """For how long nothing happens in between because the schedule says so."""

    finished: bool
    """False when it would not end by itself: paused, or a view that is not complete."""

    waits: str
    """Why it would not end; empty when it would."""


def rehearse(policy: FleetPolicy, target: Target, seen: Observation | None, now: datetime) -> Rehearsal:
    """Carry out plan after plan in imagination, until one has nothing left to do; the size stays as it is aimed at."""
    policy = replace(policy, scale=None)
    stage = _Stage(target, seen, now)
    batches: list[Batch] = []
    least, last = stage.serving, None
    pauses = timedelta()
    for _ in range(MOST_ROUNDS):
        last = plan(policy, stage.target, stage.observation(), stage.now)
        if last.phase is Phase.CONVERGED or not (last.steps or last.holds):
            break
        batch = _batch(last)
        if batch.moves_anything:
            batches.append(batch)
        stage.perform(last)
        least = min(least, stage.serving)
        if last.changes:
            continue
        if last.wake_at is None or last.wake_at > stage.now + LONGEST_PAUSE:
            break
        pauses += stage.rest(last.wake_at)
    done = last is not None and not last.steps and not last.holds
    return Rehearsal(
        batches=tuple(batches),
        peak=stage.peak,
        least_serving=least,
        pauses_seconds=pauses.total_seconds(),
        finished=done,
        waits="" if done or last is None else last.summary,
    )


def _batch(planned: Plan) -> Batch:
    launches: dict[str, int] = {}
    for step in planned.steps:
        if isinstance(step, Launch):
            launches[step.zone] = launches.get(step.zone, 0) + 1
    return Batch(
        launches=dict(sorted(launches.items())),
        retires=tuple(dict.fromkeys(step.slot for step in planned.steps if isinstance(step, Drain))),
        admits=tuple(step.slot for step in planned.steps if isinstance(step, Admit)),
        stand_bys=tuple(step.slot for step in planned.steps if isinstance(step, StandBy)),
    )


class _Stage:
    """The imagined world and the target in it."""

    def __init__(self, target: Target, seen: Observation | None, now: datetime) -> None:
        self.target = target
        self.now = max(now, seen.at) if seen else now
        self._instances: dict[InstanceId, Instance] = {}
        self._backends: dict[InstanceId, Backend] = {}
        if seen:
            self._instances = {instance.id: instance for instance in seen.machines.instances}
            self._backends = {backend.instance: backend for backend in seen.traffic.backends}
        self.peak = len(self._instances)

    @property
    def serving(self) -> int:
        """Instances that get requests."""
        return sum(backend.state is TrafficState.SERVING for backend in self._backends.values())

    def observation(self) -> Observation:
        """All of it, as complete as no real look is."""
        return Observation(
            fleet=self.target.fleet,
            at=self.now,
            machines=MachineSighting(at=self.now, instances=tuple(self._instances.values())),
            traffic=TrafficSighting(at=self.now, backends=tuple(self._backends.values())),
        )

    def perform(self, planned: Plan) -> None:
        """Commit the plan, and let every step work at once."""
        launches = [step for step in planned.steps if isinstance(step, Launch)]
        self.target = _committed(self.target, planned, launches, self.now)
        for step in planned.steps:
            match step:
                case Launch():
                    self._launch(step)
                case Attach():
                    self._become(step.instance, TrafficState.READY if step.standby else TrafficState.SERVING)
                case Admit():
                    self._become(step.instance, TrafficState.SERVING)
                case StandBy():
                    self._become(step.instance, TrafficState.READY)
                case Drain():
                    self._become(step.instance, TrafficState.DRAINED)
                case Detach():
                    self._backends.pop(step.instance, None)
                case Terminate():
                    self._instances.pop(step.instance, None)
                    self._backends.pop(step.instance, None)
            self.peak = max(self.peak, len(self._instances))
        self.now += ROUND

    def rest(self, until: datetime) -> timedelta:
        """Let time pass, if there is any; answers how much."""
        passed = max(timedelta(), until - self.now)
        self.now += passed
        return passed

    def _become(self, instance: InstanceId, state: TrafficState) -> None:
        self._backends[instance] = Backend(instance=instance, state=state, since=self.now)

    def _launch(self, step: Launch) -> None:
        name = InstanceId(f"imagined-{step.slot}")
        self._instances[name] = Instance(
            id=name,
            slot=step.slot,
            revision=step.revision,
            release=self.target.release,
            zone=step.zone,
            state=MachineState.RUNNING,
            started_at=self.now,
            address="192.0.2.1",  # of the range that documents use (RFC 5737): nothing is ever sent there
            port=1,
        )


def _committed(target: Target, planned: Plan, launches: Iterable[Launch], now: datetime) -> Target:
    closed = set(planned.closed)
    kept = {order.slot: order for order in target.orders if order.slot not in closed}
    for step in launches:
        order = Order(slot=SlotId(step.slot), revision=step.revision, zone=step.zone, ordered_at=now)
        kept.setdefault(step.slot, order)
    return replace(
        target,
        generation=target.generation + 1,
        next_slot=max(target.next_slot, planned.next_slot),
        orders=tuple(kept.values()),
        failures=(*target.failures, *planned.failures),
        heals=(*target.heals, *planned.heals),
        sicknesses=(*target.sicknesses, *planned.sicknesses),
        disruptions=(*target.disruptions, *planned.disruptions),
        stopped=planned.stop or target.stopped,
        switched=now if planned.switch else target.switched,
        canary=planned.canary or target.canary,
    )
