"""A load balancer in memory, obeying every rule of the port."""

from collections.abc import Iterator
from contextlib import contextmanager

from repave.model.names import FleetKey, InstanceId
from repave.model.observation import TrafficSighting
from repave.ports.errors import Conflict, Gone, Unreachable
from repave.ports.provider import Proven
from repave.ports.traffic import Frontend
from repave.simulation.pool import Pool
from repave.simulation.world import Effect, World

FIRST_PORT = 18080
"""Of the endpoints it gives out; nothing listens there."""


class SimulatedBalancer:
    """The traffic port over a simulated world. Keeps nothing itself: another one sees the same."""

    def __init__(self, world: World) -> None:
        self.world = world

    def describe(self) -> tuple[Proven, ...]:
        """Everything works here."""
        return (Proven(name="memory", works=True, detail="simulated"),)

    def ensure(self, frontend: Frontend) -> str:
        """Have it serve as described; brings a dead balancer back."""
        return self.world.call("ensure", fleet=frontend.fleet, work=lambda: self._ensure(frontend))

    def attach(
        self,
        fleet: FleetKey,
        instance: InstanceId,
        *,
        address: str,
        port: int | None,
        generation: int,
        standby: bool = False,
    ) -> None:
        """Check it from now on."""
        del address, port
        self.world.call("attach", fleet=fleet, work=lambda: self._attach(fleet, instance, generation, standby=standby))

    def admit(self, fleet: FleetKey, instance: InstanceId, *, generation: int) -> None:
        """It gets requests while it is well."""
        self.world.call("admit", fleet=fleet, work=lambda: self._stand_by(fleet, instance, generation, standby=False))

    def stand_by(self, fleet: FleetKey, instance: InstanceId, *, generation: int) -> None:
        """It gets none until it is admitted."""
        self.world.call("stand by", fleet=fleet, work=lambda: self._stand_by(fleet, instance, generation, standby=True))

    def drain(self, fleet: FleetKey, instance: InstanceId, *, generation: int) -> None:
        """No new requests."""
        self.world.call("drain", fleet=fleet, work=lambda: self._drain(fleet, instance, generation))

    def detach(self, fleet: FleetKey, instance: InstanceId, *, generation: int) -> None:
        """Forget it."""
        self.world.call("detach", fleet=fleet, work=lambda: self._detach(fleet, instance, generation))

    def observe(self, fleet: FleetKey) -> TrafficSighting:
        """The balancer's view now."""
        return self.world.call("observe traffic", fleet=fleet, work=lambda: self._observe(fleet))

    def remove(self, fleet: FleetKey) -> None:
        """Forget the whole fleet."""
        self.world.call("remove", fleet=fleet, work=lambda: self.world.pools.pop(fleet, None))

    def serving(self, fleet: FleetKey) -> list[InstanceId]:
        """Which instances truly answer requests now: believed in by the balancer, and well."""
        self.world.settle(fleet)
        pool, now = self.world.pools.get(fleet), self.world.clock.now()
        if pool is None or not self.world.balancer_alive:
            return []
        return [instance for instance in pool.serving() if self.world.machines[instance].answers(now)]

    def _ensure(self, frontend: Frontend) -> str:
        if not self.world.balancer_alive:
            self.world.stir()
            self.world.balancer_alive = True
        pool = self.world.pools.get(frontend.fleet)
        if pool is None:
            taken = {pool.endpoint.rpartition("/")[2] for pool in self.world.pools.values()}
            ports = (f"127.0.0.1:{FIRST_PORT + number}" for number in range(len(taken) + 1))
            address = frontend.listen or next(port for port in ports if port not in taken)
            if address in taken:
                raise Conflict(f"{address} is taken by another fleet", hint="choose another `listen`")
            scheme = "tcp" if frontend.health.path is None else "http"
            pool = self.world.pools[frontend.fleet] = Pool(frontend, f"{scheme}://{address}")
        pool.frontend = frontend
        return pool.endpoint

    def _pool(self, fleet: FleetKey, generation: int) -> Pool:
        if not self.world.balancer_alive:
            raise Unreachable("the balancer does not answer")
        newer = self.world.admit("balancer", fleet, generation)
        if newer is not None:
            raise Conflict(f"generation {generation} of {fleet} is older than {newer}")
        if fleet not in self.world.pools:
            raise Gone(f"{fleet} has no frontend")
        return self.world.pools[fleet]

    def _attach(self, fleet: FleetKey, instance: InstanceId, generation: int, *, standby: bool) -> None:
        pool = self._pool(fleet, generation)
        with self._effect("attach", fleet, instance, generation):
            pool.attach(instance, self.world.clock.now(), standby=standby)

    def _drain(self, fleet: FleetKey, instance: InstanceId, generation: int) -> None:
        pool = self._pool(fleet, generation)
        with self._effect("drain", fleet, instance, generation):
            if not pool.drain(instance, self.world.clock.now(), self.world.drain_seconds):
                raise Gone(f"{instance} is not attached")

    def _stand_by(self, fleet: FleetKey, instance: InstanceId, generation: int, *, standby: bool) -> None:
        pool = self._pool(fleet, generation)
        with self._effect("stand by" if standby else "admit", fleet, instance, generation):
            if not pool.stand_by(instance, self.world.clock.now(), standby=standby):
                raise Gone(f"{instance} is not attached")

    def _detach(self, fleet: FleetKey, instance: InstanceId, generation: int) -> None:
        try:
            pool = self._pool(fleet, generation)
        except Gone:
            return  # what has no frontend is not attached: that is what was asked for
        with self._effect("detach", fleet, instance, generation):
            pool.detach(instance)

    @contextmanager
    def _effect(self, kind: str, fleet: FleetKey, instance: InstanceId, generation: int) -> Iterator[None]:
        """What is done within, told with whether the instance served until then."""
        machine = self.world.machines.get(instance)
        served = machine is not None and self.world.serves(machine)
        yield
        if machine is not None:
            self.world.took_effect(
                Effect(kind=kind, machine=machine, fleet=fleet, generation=generation, served=served)
            )

    def _observe(self, fleet: FleetKey) -> TrafficSighting:
        if not self.world.balancer_alive:
            raise Unreachable("the balancer does not answer")
        now, pool = self.world.clock.now(), self.world.pools.get(fleet)
        if pool is None:
            return TrafficSighting(at=now, backends=())
        backends = pool.backends()
        shown = backends[: len(backends) // 2] if self.world.partial_traffic else backends
        return TrafficSighting(at=now, backends=shown, endpoint=pool.endpoint, incomplete=self.world.partial_traffic)
