"""One controller's process in a simulated world: its store, its clock, and what wakes it."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol, cast

from repave.model.names import FleetKey, InstanceId, SlotId
from repave.model.observation import Observation, TrafficSighting, TrafficState
from repave.model.plan import Launch, Plan, Rule, Terminate
from repave.model.target import Target
from repave.ports.store import Store
from repave.simulation.balancer import SimulatedBalancer
from repave.simulation.clock import BEGINNING
from repave.simulation.stage import Stage
from repave.simulation.world import World

LOOK = timedelta(seconds=1)
"""Controllers look on whole seconds only, so that one that rests longer looks when the other one would have."""

WRITING = frozenset({"commit", "settle", "see", "keep_plan", "record"})
"""Calls of the store that leave something behind: being killed at any other is being killed after the last of these."""


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What one tick saw and decided."""

    target: Target
    observation: Observation
    plan: Plan


@dataclass(frozen=True, kw_only=True)
class Mandate:
    """A plan that was committed: what its orders may rely on, whoever carries them out and however late."""

    plan: Plan
    target: Target
    """What is wanted from this plan on."""

    size: int
    """So many were wanted when it was made."""

    seen: frozenset[InstanceId]
    """Who served as far as the controller had seen."""

    useless: frozenset[InstanceId] = frozenset()
    """Who was alive and of no use, as far as it had seen: failing by the balancer's word, or not found well in time.

    Known of a plan that launches something.
    """

    @property
    def launches(self) -> frozenset[SlotId]:
        """The slots that it gives orders for."""
        return frozenset(step.slot for step in self.plan.steps if isinstance(step, Launch))

    @property
    def ends(self) -> frozenset[InstanceId]:
        """Whom it ends."""
        return frozenset(step.instance for step in self.plan.steps if isinstance(step, Terminate))

    @property
    def sighted(self) -> bool:
        """Whether all could be seen; on a partial view orders are only given again."""
        return all(hold.rule is not Rule.UNSEEN for hold in self.plan.holds)


class Acts(Protocol):
    """What is asked of a controller."""

    def keep(self, fleets: Iterable[FleetKey], *, until: Callable[[], bool]) -> None:
        """Look after the fleets for as long as ``until`` says no."""
        ...


class Life:
    """What one controller of a stage lives by; its calls, and its rest between two looks, go through the world.

    ``jumping`` lets it rest until something changes that it could see; otherwise it looks every second.
    """

    def __init__(self, stage: Stage, name: str, committed: Callable[[Mandate], None], *, jumping: bool) -> None:
        self.stage = stage
        self.name = name
        self.jumping = jumping
        self.clock = ObserversClock(stage.world)
        self.traffic = WatchedBalancer(stage)
        self.store = cast("Store", TroubledStore(stage, self.traffic, committed))
        self._looked_at = stage.world.clock.now()
        self._deeds = stage.world.deeds

    def rest(self, seconds: float) -> None:
        """Until something can be seen that could not at the last look, so many seconds at the most."""
        world = self.stage.world
        now = world.clock.now()
        until = now + timedelta(seconds=seconds)
        if self.jumping:
            change = now if world.deeds != self._deeds else world.next_change(self._looked_at)
            until = until if change is None else min(until, change)
        looks = max((now - BEGINNING) // LOOK + 1, -((BEGINNING - until) // LOOK))
        world.clock.sleep((BEGINNING + looks * LOOK - now).total_seconds())
        self._looked_at, self._deeds = world.clock.now(), world.deeds


class ObserversClock:
    """The clock port of a controller, whose clock may be ahead of the world's or behind it."""

    def __init__(self, world: World) -> None:
        self._world = world

    def now(self) -> datetime:
        """The time as the controller believes it."""
        return self._world.clock.now() + self._world.skew

    def sleep(self, seconds: float) -> None:
        """Jump."""
        self._world.clock.sleep(seconds)


class WatchedBalancer(SimulatedBalancer):
    """The balancer, as one controller sees it; what it saw of the stage's own fleet is kept."""

    seen: frozenset[InstanceId] = frozenset()
    """Who served at its last look."""

    sighting: TrafficSighting | None = None
    """All that it was shown then."""

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage.world)
        self._fleet = stage.fleet

    def observe(self, fleet: FleetKey) -> TrafficSighting:
        """The balancer's view now."""
        sighting = super().observe(fleet)
        if fleet != self._fleet:
            return sighting
        self.sighting = sighting
        serving = (backend.instance for backend in sighting.backends if backend.state is TrafficState.SERVING)
        now = self.world.clock.now()
        self.seen = frozenset(instance for instance in serving if not self.world.machines[instance].dead(now))
        return sighting


class TroubledStore:
    """A store whose writing calls go through the world: they may fail, or be the controller's last."""

    def __init__(self, stage: Stage, traffic: WatchedBalancer, committed: Callable[[Mandate], None]) -> None:
        self._stage = stage
        self._traffic = traffic
        self._committed = committed

    def __getattr__(self, name: str) -> Callable[..., object]:
        method: Callable[..., object] = getattr(self._stage.store, name)
        if name not in WRITING:
            return method
        return lambda *given, **named: self._stage.world.call(name, lambda: method(*given, **named))

    def commit(self, plan: Plan) -> int:
        """As the store does; what was committed for the stage's own fleet is told."""
        commit = self._commit if plan.fleet == self._stage.fleet else self._stage.store.commit
        return self._stage.world.call("commit", lambda: commit(plan))

    def _commit(self, plan: Plan) -> int:
        size = self._stage.target.size
        generation = self._stage.store.commit(plan)
        target = self._stage.target
        launches = any(isinstance(step, Launch) for step in plan.steps)
        useless = frozenset(self._useless(target) if launches else ())
        self._committed(Mandate(plan=plan, target=target, size=size, seen=self._traffic.seen, useless=useless))
        return generation

    def _useless(self, target: Target) -> Iterator[InstanceId]:
        sighting = self._traffic.sighting
        if sighting is None:
            return
        shown = {backend.instance: backend for backend in sighting.backends}
        grace = timedelta(seconds=self._stage.policy.health.grace_seconds)
        judged = {failure.slot for failure in target.failures} | {heal.slot for heal in target.heals}
        for machine in self._stage.world.living(target.fleet):
            backend = shown.get(machine.id)
            if backend is None or backend.state is TrafficState.CHECKING:
                late = backend is not None and sighting.at - max(machine.launched_at, backend.since) >= grace
                useless = late or machine.slot in judged
            else:
                useless = backend.state is TrafficState.FAILING
            if useless:
                yield machine.id
