"""The imagined world of a rehearsal: nothing fails, and everything takes as long as it is said to."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from repave.model.names import InstanceId, ReleaseNumber, RevisionId, SlotId, ZoneName
from repave.model.observation import (
    Backend,
    Instance,
    MachineSighting,
    MachineState,
    Observation,
    TrafficSighting,
    TrafficState,
)
from repave.model.plan import Admit, Attach, Detach, Drain, Launch, Plan, Rule, StandBy, Step, Terminate
from repave.model.succession import committed
from repave.model.target import Target
from repave.operations.rehearsing.durations import Durations

ADDRESS = "192.0.2.1"
"""Of the range that documents use (RFC 5737): nothing is ever sent there."""


@dataclass(frozen=True, kw_only=True)
class Actor:
    """One instance, and what becomes of it by the passing of time."""

    instance: Instance
    healthy_at: datetime
    """When it answers its checks."""

    backend: Backend | None = None
    standby: bool = False
    idle_at: datetime | None = None
    """When it may go; None while it is not sent away."""

    def at(self, now: datetime) -> "Actor":
        """As it is then."""
        actor = self
        if self.instance.state is MachineState.STARTING and self.healthy_at <= now:
            running = replace(self.instance, state=MachineState.RUNNING, address=self.instance.address or ADDRESS)
            actor = replace(actor, instance=running)
        if self.backend is None:
            return actor
        if self.backend.state is TrafficState.CHECKING and self.healthy_at <= now:
            healthy = TrafficState.READY if self.standby else TrafficState.SERVING
            return actor.shown(healthy, max(self.healthy_at, self.backend.since))
        if self.backend.state is TrafficState.DRAINING and self.idle_at and self.idle_at <= now:
            return actor.shown(TrafficState.DRAINED, self.backend.since)
        return actor

    def shown(self, state: TrafficState, since: datetime) -> "Actor":
        """With another word of the balancer's."""
        return replace(self, backend=Backend(instance=self.instance.id, state=state, since=since))

    def change(self) -> tuple[datetime, Rule] | None:
        """When it next stands otherwise by itself, and by which rule it is waited for; None: never."""
        state = self.backend.state if self.backend else None
        if state is TrafficState.CHECKING or self.instance.state is MachineState.STARTING:
            return self.healthy_at, Rule.STARTING
        if state is TrafficState.DRAINING and self.idle_at:
            return self.idle_at, Rule.DRAINING
        return None


@dataclass(frozen=True, kw_only=True)
class Change:
    """What next happens by itself."""

    at: datetime
    rule: Rule
    slots: tuple[SlotId, ...]


class Stage:
    """The imagined world, and the target in it."""

    def __init__(self, target: Target, seen: Observation, now: datetime, durations: Durations) -> None:
        self.target = target
        self.now = max(now, seen.at)
        self._start = timedelta(seconds=durations.start.seconds)
        self._leave = timedelta(seconds=durations.leave.seconds)
        self._actors: dict[InstanceId, Actor] = dict(self._seen(seen))
        self.peak = len(self._actors)
        self._real = frozenset(self._actors)
        proven = {proof.revision: proof.release for proof in target.proven}
        known = {instance.revision: instance.release for instance in seen.machines.instances}
        self._releases: Mapping[RevisionId, ReleaseNumber] = {**proven, **known, target.revision: target.release}

    @property
    def serving(self) -> int:
        """Instances that get requests."""
        actors = self._actors.values()
        return sum(actor.backend is not None and actor.backend.state is TrafficState.SERVING for actor in actors)

    def observation(self) -> Observation:
        """All of it, as complete as no real look is."""
        return Observation(
            fleet=self.target.fleet,
            at=self.now,
            machines=MachineSighting(at=self.now, instances=tuple(one.instance for one in self._actors.values())),
            traffic=TrafficSighting(
                at=self.now, backends=tuple(one.backend for one in self._actors.values() if one.backend)
            ),
        )

    def is_imagined(self, name: InstanceId) -> bool:
        """Whether it was not there when the rehearsal began."""
        return name not in self._real

    def zone_of(self, slot: SlotId) -> ZoneName:
        """Of an instance that is there. Raises StopIteration for a slot that is not filled."""
        return next(actor.instance.zone for actor in self._actors.values() if actor.instance.slot == slot)

    def perform(self, plan: Plan) -> bool:
        """Commit the plan, and have each step work at once; answers whether anything is otherwise by it."""
        before = (replace(self.target, generation=0), dict(self._actors))
        self.target = committed(self.target, plan, self._releases[plan.proven or self.target.revision])
        for step in plan.steps:
            self._take(step)
            self.peak = max(self.peak, len(self._actors))
        self._settle()
        return before != (replace(self.target, generation=0), self._actors)

    def next_change(self) -> Change | None:
        """What next happens by itself; None: nothing."""
        changes = [(*change, slot) for slot, change in self._changes() if change[0] > self.now]
        if not changes:
            return None
        at, rule, _ = min(changes)
        return Change(at=at, rule=rule, slots=tuple(slot for when, what, slot in changes if (when, what) == (at, rule)))

    def wait(self, until: datetime) -> None:
        """Let time pass."""
        self.now = max(self.now, until)
        self._settle()

    def _changes(self) -> Iterator[tuple[SlotId, tuple[datetime, Rule]]]:
        for actor in self._actors.values():
            change = actor.change()
            if change is not None:
                yield actor.instance.slot, change

    def _settle(self) -> None:
        self._actors = {name: actor.at(self.now) for name, actor in self._actors.items()}

    def _seen(self, seen: Observation) -> Iterator[tuple[InstanceId, Actor]]:
        """What was seen. What is only checked yet is attached anew, by the plan's word whether it stands by."""
        backends = {backend.instance: backend for backend in seen.traffic.backends}
        for instance in seen.machines.instances:
            backend = backends.get(instance.id)
            if backend is not None and backend.state is TrafficState.CHECKING:
                backend = None
            leaves = backend is not None and backend.state in {TrafficState.DRAINING, TrafficState.DRAINED}
            yield (
                instance.id,
                Actor(
                    instance=instance,
                    healthy_at=max(self.now, instance.started_at + self._start),
                    backend=backend,
                    idle_at=max(self.now, backend.since + self._leave) if backend and leaves else None,
                ),
            )

    def _take(self, step: Step) -> None:
        match step:
            case Launch():
                self._launch(step)
            case Attach():
                self._show(step.instance, TrafficState.CHECKING, standby=step.standby)
            case Admit():
                self._show(step.instance, TrafficState.SERVING)
            case StandBy():
                self._show(step.instance, TrafficState.READY)
            case Drain():
                self._show(step.instance, TrafficState.DRAINING)
            case Detach() if not self._lingers(step.instance):
                self._actors[step.instance] = replace(self._actors[step.instance], backend=None)
            case Terminate() if not self._lingers(step.instance):
                del self._actors[step.instance]

    def _lingers(self, name: InstanceId) -> bool:
        """Whether there is nothing to end, or it takes longer."""
        actor = self._actors.get(name)
        return actor is None or (actor.idle_at is not None and actor.idle_at > self.now)

    def _show(self, name: InstanceId, state: TrafficState, *, standby: bool = False) -> None:
        actor = self._actors[name].shown(state, self.now)
        idle_at = self.now + self._leave if state is TrafficState.DRAINING else actor.idle_at
        self._actors[name] = replace(actor, standby=standby, idle_at=idle_at)

    def _launch(self, step: Launch) -> None:
        if any(actor.instance.slot == step.slot for actor in self._actors.values()):
            return
        instance = Instance(
            id=InstanceId(f"imagined-{step.slot}"),
            slot=step.slot,
            revision=step.revision,
            release=self._releases.get(step.revision, self.target.release),
            zone=step.zone,
            state=MachineState.RUNNING,
            started_at=self.now,
            address=ADDRESS,
            port=1,
        )
        self._actors[instance.id] = Actor(instance=instance, healthy_at=self.now + self._start)
