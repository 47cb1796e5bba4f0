"""A load balancer in memory, obeying every rule of the port."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from repave.model.names import FleetKey, InstanceId
from repave.model.observation import Backend, TrafficSighting, TrafficState
from repave.model.policy import HealthPolicy
from repave.ports.errors import Conflict, Gone
from repave.ports.provider import Proven
from repave.ports.traffic import Frontend
from repave.simulation.world import Machine, World

MANY_CHECKS = 3
"""A hang is noticed after so many checks; a death at the next."""


@dataclass(kw_only=True)
class Attached:
    """One instance as the balancer knows it."""

    at: datetime
    draining_from: datetime | None = None


class SimulatedBalancer:
    """The traffic port over a simulated world."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._frontends: dict[FleetKey, Frontend] = {}
        self._attached: dict[FleetKey, dict[InstanceId, Attached]] = {}
        self._newest: dict[FleetKey, int] = {}

    def describe(self) -> tuple[Proven, ...]:
        """Everything works here."""
        return (Proven(name="memory", works=True, detail="simulated"),)

    def ensure(self, frontend: Frontend) -> str:
        """Remember it."""
        return self.world.call("ensure", lambda: self._ensure(frontend))

    def attach(self, fleet: FleetKey, instance: InstanceId, *, address: str, port: int, generation: int) -> None:
        """Check it from now on."""
        del address, port
        self.world.call("attach", lambda: self._attach(fleet, instance, generation))

    def drain(self, fleet: FleetKey, instance: InstanceId, *, generation: int) -> None:
        """No new requests."""
        self.world.call("drain", lambda: self._drain(fleet, instance, generation))

    def detach(self, fleet: FleetKey, instance: InstanceId, *, generation: int) -> None:
        """Forget it."""
        self.world.call("detach", lambda: self._detach(fleet, instance, generation))

    def observe(self, fleet: FleetKey) -> TrafficSighting:
        """The balancer's view now."""
        return self.world.call("observe traffic", lambda: self._observe(fleet))

    def remove(self, fleet: FleetKey) -> None:
        """Forget the whole fleet."""
        self._frontends.pop(fleet, None)
        self._attached.pop(fleet, None)

    def lose_memory(self) -> None:
        """As after a crash of the balancer: nothing is attached any more."""
        self._attached = {fleet: {} for fleet in self._attached}

    def serving(self, fleet: FleetKey) -> list[InstanceId]:
        """Which instances truly answer requests now: attached, not draining, and well."""
        now = self.world.clock.now()
        return [
            backend.instance
            for backend in self._observe(fleet).backends
            if backend.state is TrafficState.SERVING and _well(self.world.machines[backend.instance], now)
        ]

    def _ensure(self, frontend: Frontend) -> str:
        self._frontends[frontend.fleet] = frontend
        self._attached.setdefault(frontend.fleet, {})
        return f"http://{frontend.listen or '127.0.0.1:18080'}"

    def _attach(self, fleet: FleetKey, instance: InstanceId, generation: int) -> None:
        self._admit(fleet, generation)
        self._attached.setdefault(fleet, {}).setdefault(instance, Attached(at=self.world.clock.now()))

    def _drain(self, fleet: FleetKey, instance: InstanceId, generation: int) -> None:
        self._admit(fleet, generation)
        attached = self._attached.get(fleet, {}).get(instance)
        if attached is None:
            raise Gone(f"{instance} is not attached")
        attached.draining_from = attached.draining_from or self.world.clock.now()

    def _detach(self, fleet: FleetKey, instance: InstanceId, generation: int) -> None:
        self._admit(fleet, generation)
        self._attached.get(fleet, {}).pop(instance, None)

    def _observe(self, fleet: FleetKey) -> TrafficSighting:
        now = self.world.clock.now()
        backends = tuple(
            self._backend(fleet, self.world.machines[instance], attached, now)
            for instance, attached in self._attached.get(fleet, {}).items()
            if instance in self.world.machines
        )
        return TrafficSighting(at=now, backends=backends, endpoint="http://127.0.0.1:18080")

    def _backend(self, fleet: FleetKey, machine: Machine, attached: Attached, now: datetime) -> Backend:
        health = self._frontends[fleet].health if fleet in self._frontends else HealthPolicy()
        delay = timedelta(seconds=self.world.balancer_delay_seconds)
        up = machine.well_from()
        serving_from = None
        if up is not None:
            serving_from = max(up, attached.at) + timedelta(seconds=health.healthy * health.interval_seconds) + delay
        down = self._noticed(machine, health)
        if attached.draining_from is not None and now >= attached.draining_from:
            idle_at = attached.draining_from + timedelta(seconds=self.world.drain_seconds)
            idle = now >= idle_at
            state, since = (TrafficState.DRAINED, idle_at) if idle else (TrafficState.DRAINING, attached.draining_from)
            return Backend(instance=machine.id, state=state, since=since, sessions=0 if idle else 1)
        if serving_from is None or (down is not None and down <= serving_from) or now < serving_from:
            return Backend(instance=machine.id, state=TrafficState.CHECKING, since=attached.at)
        if down is not None and now >= down:
            return Backend(instance=machine.id, state=TrafficState.FAILING, since=down, detail="no answer")
        return Backend(instance=machine.id, state=TrafficState.SERVING, since=serving_from)

    def _noticed(self, machine: Machine, health: HealthPolicy) -> datetime | None:
        unwell = machine.unwell_from()
        if unwell is None:
            return None
        checks = 1 if unwell == machine.dead_at() else MANY_CHECKS
        return unwell + timedelta(seconds=checks * health.interval_seconds)

    def _admit(self, fleet: FleetKey, generation: int) -> None:
        if generation < self._newest.get(fleet, 0):
            raise Conflict(f"generation {generation} of {fleet} is older than {self._newest[fleet]}")
        self._newest[fleet] = generation


def _well(machine: Machine, now: datetime) -> bool:
    up, down = machine.well_from(), machine.unwell_from()
    return not machine.ended and up is not None and now >= up and (down is None or now < down)
