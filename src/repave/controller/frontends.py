"""Where clients reach fleets: there from the first tick on, and again when the balancer was lost."""

from repave.controller.ports import Declared, Ports
from repave.model.event import Event
from repave.model.names import FleetKey
from repave.model.observation import Observation
from repave.ports.errors import Throttled, Unreachable, WorldError


class Frontends:
    """Ensures frontends."""

    def __init__(self, ports: Ports, declared: Declared) -> None:
        self._ports = ports
        self._declared = declared
        self._open: set[FleetKey] = set()
        self._told: dict[FleetKey, str] = {}

    def open(self, fleet: FleetKey) -> None:
        """Once for each fleet of this run: an address that is taken is for a person to mend. Raises WorldError.

        A balancer that merely does not answer now is asked again with the next tick.
        """
        if fleet in self._open:
            return
        try:
            self._ports.traffic.ensure(self._declared.frontend(fleet))
        except (Unreachable, Throttled) as error:
            self._tell(fleet, error)
        else:
            self._open.add(fleet)

    def reopen(self, observation: Observation) -> None:
        """When the balancer does not answer or has forgotten its instances: it may be gone, and ensuring is harmless.

        A failure is told in the story, and tried again with the next tick.
        """
        traffic = observation.traffic
        forgotten = bool(observation.machines.instances) and not traffic.backends
        if not (traffic.incomplete or forgotten):
            return
        try:
            self._ports.traffic.ensure(self._declared.frontend(observation.fleet))
        except WorldError as error:
            self._tell(observation.fleet, error)
        else:
            self._told.pop(observation.fleet, None)

    def _tell(self, fleet: FleetKey, error: WorldError) -> None:
        """Each trouble once, until it is over or another takes its place."""
        message = f"the load balancer could not be started: {error.message}"
        if self._told.get(fleet) != message:
            self._told[fleet] = message
            event = Event(at=self._ports.clock.now(), fleet=fleet, kind="trouble", message=message)
            self._ports.store.record([event])
