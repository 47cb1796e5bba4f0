"""What repave has asked of HAProxy, kept on disk: HAProxy itself forgets its servers when it dies."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from repave.balancers.kept import KeptFleets, read_fleet, read_times, require_newest
from repave.model.names import FleetKey, InstanceId
from repave.model.policy import HealthPolicy


@dataclass(frozen=True, kw_only=True)
class Attached:
    """One instance that HAProxy was told of."""

    instance: InstanceId
    address: str
    port: int
    served: bool = False
    """Whether it was ever seen healthy: one that was not waits for its checks again after HAProxy restarts."""

    draining_since: datetime | None = None
    standby: bool = False
    """Whether it gets no requests although it may be well."""

    part_since: datetime | None = None
    """When it last began or ceased to stand by; None where it has the part it was attached with."""

    checked_since: datetime | None = None
    """When its checks began; None in a record of before this was kept."""

    @property
    def weight(self) -> int:
        """Its share of the requests, as HAProxy counts: all that get any get alike."""
        return 0 if self.standby else 1


@dataclass(frozen=True, kw_only=True)
class FleetRecord:
    """One fleet: its frontend as last ensured, and its instances."""

    fleet: FleetKey
    listen: str
    """``address:port``, chosen by then."""

    chosen: bool
    """Whether repave chose the port: it then stays, whatever else changes."""

    health: HealthPolicy
    drain_timeout_seconds: float
    generation: int = 0
    """The highest that gave an order."""

    attached: tuple[Attached, ...] = ()

    def at(self, generation: int) -> "FleetRecord":
        """The same, having taken an order of ``generation``. Raises Conflict when a newer one has been taken."""
        require_newest(self.fleet, held=self.generation, generation=generation)
        return replace(self, generation=generation)

    def find(self, instance: InstanceId) -> Attached | None:
        """The instance, if it is attached."""
        return next((attached for attached in self.attached if attached.instance == instance), None)

    def put(self, changed: Attached) -> "FleetRecord":
        """With this instance added or replaced; the others keep their order."""
        others = tuple(attached for attached in self.attached if attached.instance != changed.instance)
        return replace(self, attached=tuple(sorted((*others, changed), key=lambda attached: attached.instance)))

    def drop(self, instance: InstanceId) -> "FleetRecord":
        """Without this instance."""
        return replace(self, attached=tuple(one for one in self.attached if one.instance != instance))


class RecordFile(KeptFleets[FleetRecord]):
    """The record on disk."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder / "attached.json", _fleet, without="instances are attached again")


def _fleet(entry: Mapping[str, Any]) -> FleetRecord:
    attached = tuple(_attached(one) for one in entry["attached"])
    health = HealthPolicy(**entry["health"])
    return FleetRecord(**{**entry, "fleet": read_fleet(entry["fleet"]), "health": health, "attached": attached})


def _attached(entry: Mapping[str, Any]) -> Attached:
    return Attached(**read_times(entry, "draining_since", "part_since", "checked_since"))
