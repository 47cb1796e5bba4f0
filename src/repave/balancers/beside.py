"""A load balancer with the workers beside it, behind one port."""

from repave.balancers.workers.balancer import Workers
from repave.model.names import FleetKey, InstanceId
from repave.model.observation import TrafficSighting
from repave.ports.provider import Proven
from repave.ports.traffic import Frontend, Traffic


class WithWorkers:
    """Each fleet is with one of the two: with the workers as long as it was ensured there."""

    def __init__(self, balancer: Traffic, workers: Workers) -> None:
        self._balancer = balancer
        self._workers = workers
        self._ensured: dict[FleetKey, Traffic] = {}
        """By whom. Of those nothing need be read: a record that cannot be is trouble of workers alone."""

    def describe(self) -> tuple[Proven, ...]:
        """What the balancer needs; workers need nothing."""
        return self._balancer.describe()

    def ensure(self, frontend: Frontend) -> str:
        """See the port."""
        whose: Traffic = self._balancer if frontend.health.steady_seconds is None else self._workers
        self._ensured[frontend.fleet] = whose
        return whose.ensure(frontend)

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
        """See the port."""
        self._of(fleet).attach(fleet, instance, address=address, port=port, generation=generation, standby=standby)

    def admit(self, fleet: FleetKey, instance: InstanceId, *, generation: int) -> None:
        """See the port."""
        self._of(fleet).admit(fleet, instance, generation=generation)

    def stand_by(self, fleet: FleetKey, instance: InstanceId, *, generation: int) -> None:
        """See the port."""
        self._of(fleet).stand_by(fleet, instance, generation=generation)

    def drain(self, fleet: FleetKey, instance: InstanceId, *, generation: int) -> None:
        """See the port."""
        self._of(fleet).drain(fleet, instance, generation=generation)

    def detach(self, fleet: FleetKey, instance: InstanceId, *, generation: int) -> None:
        """See the port."""
        self._of(fleet).detach(fleet, instance, generation=generation)

    def observe(self, fleet: FleetKey) -> TrafficSighting:
        """See the port."""
        return self._of(fleet).observe(fleet)

    def remove(self, fleet: FleetKey) -> None:
        """See the port."""
        self._of(fleet).remove(fleet)
        self._ensured.pop(fleet, None)

    def _of(self, fleet: FleetKey) -> Traffic:
        if fleet not in self._ensured:
            return self._workers if self._workers.knows(fleet) else self._balancer
        return self._ensured[fleet]
