"""What we ask of a load balancer. The rules of ``repave.ports.provider`` hold here too."""

from dataclasses import dataclass
from typing import Protocol

from repave.model.names import FleetKey, InstanceId
from repave.model.observation import TrafficSighting
from repave.model.policy import HealthPolicy
from repave.ports.provider import Proven


@dataclass(frozen=True, kw_only=True)
class Frontend:
    """Where clients reach a fleet, and how its instances are checked."""

    fleet: FleetKey
    listen: str | None
    """``address:port``; None lets the balancer choose a free port on loopback once, and keep it."""

    health: HealthPolicy
    drain_timeout_seconds: float


class Traffic(Protocol):
    """Spreads requests over the healthy instances of fleets.

    A request that is idempotent is tried on another instance when its connection fails before an answer.
    """

    def describe(self) -> tuple[Proven, ...]:
        """Try what is needed; never raises for something that does not work."""
        ...

    def ensure(self, frontend: Frontend) -> str:
        """Have the frontend serve as described; answers its endpoint, ``http://address:port``.

        May be called again at any time, also after the balancer died or the machine restarted. Changed settings
        take effect without a dropped request: a check that who serves now does not pass is not taken, and the rest is.
        Raises Conflict (the address is taken by another; such a check).
        """
        ...

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
        """Check the instance from now on; it gets requests from its first sufficient run of good checks on.

        One that is to stand by gets none until it is admitted. What is attached already keeps the part it has.
        """
        ...

    def admit(self, fleet: FleetKey, instance: InstanceId, *, generation: int) -> None:
        """Stand by no longer: one that is ready gets requests at once, without being checked anew.

        It need not stand by; one that drains goes on draining. An unknown instance: Gone.
        """
        ...

    def stand_by(self, fleet: FleetKey, instance: InstanceId, *, generation: int) -> None:
        """No new requests; open ones end. Checks go on, so that it can be admitted again at once.

        It may stand by already; one that drains goes on draining. An unknown instance: Gone.
        """
        ...

    def drain(self, fleet: FleetKey, instance: InstanceId, *, generation: int) -> None:
        """No new requests; open ones end. Checks go on. An unknown instance: Gone."""
        ...

    def detach(self, fleet: FleetKey, instance: InstanceId, *, generation: int) -> None:
        """Forget the instance; open requests to it are cut. Unknown: success."""
        ...

    def observe(self, fleet: FleetKey) -> TrafficSighting:
        """The balancer's own view of all attached instances. A frontend that was never ensured has none."""
        ...

    def remove(self, fleet: FleetKey) -> None:
        """Stop serving the fleet; with the last fleet the balancer itself ends. Unknown: success."""
        ...
