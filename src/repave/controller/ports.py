"""What the controller works with: the world, and what people declared of fleets."""

from collections.abc import Callable
from dataclasses import dataclass

from repave.model.names import FleetKey
from repave.model.policy import FleetPolicy
from repave.ports.clock import Clock
from repave.ports.metrics import Metrics
from repave.ports.provider import Machines
from repave.ports.secrets import Secrets
from repave.ports.store import Store
from repave.ports.traffic import Frontend, Traffic


@dataclass(frozen=True, kw_only=True)
class Ports:
    """The world of the fleets that one controller looks after."""

    store: Store
    machines: Machines
    traffic: Traffic
    secrets: Secrets
    clock: Clock
    metrics: tuple[Metrics, ...] = ()
    """Whoever measures something of the instances: what one does not know, the next may."""


@dataclass(frozen=True, kw_only=True)
class Declared:
    """What the file says of each fleet, asked anew for each tick."""

    policy: Callable[[FleetKey], FleetPolicy]
    frontend: Callable[[FleetKey], Frontend]
