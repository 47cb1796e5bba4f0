"""Which workers are there and since when, kept on disk: it must be known to the next process of repave."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from repave.balancers.kept import KeptFleets, read_fleet, read_times, require_newest
from repave.model.names import FleetKey, InstanceId


@dataclass(frozen=True, kw_only=True)
class Worker:
    """One instance."""

    since: datetime
    steady_seconds: float
    """For how long it is to run."""

    steady_at: datetime
    """From then on it is well, if it runs."""

    well: bool = False
    """Whether it was seen to be: a clock that is set back takes nothing away."""

    standby: bool = False
    part_since: datetime | None = None
    """When it last began or ceased to stand by; None where it has the part it was attached with."""

    leaving_since: datetime | None = None
    finishing: bool | None = None
    """Whether it is going to end, as it was asked to; None before it was asked."""

    def to_be_judged(self, now: datetime) -> bool:
        """Whether it may be well by now, and nobody has looked."""
        return not self.well and self.leaving_since is None and now >= self.steady_at

    @property
    def unasked(self) -> bool:
        """Whether it is still to be asked to end."""
        return self.leaving_since is not None and self.finishing is None


@dataclass(frozen=True, kw_only=True)
class FleetRecord:
    """One fleet."""

    fleet: FleetKey
    steady_seconds: float
    """How long one that is attached from now on must run to be well."""

    generation: int = 0
    """The highest that gave an order."""

    workers: Mapping[InstanceId, Worker] = field(default_factory=dict)

    def at(self, generation: int) -> "FleetRecord":
        """The same, having taken an order of ``generation``. Raises Conflict when a newer one has been taken."""
        require_newest(self.fleet, held=self.generation, generation=generation)
        return replace(self, generation=generation)

    def put(self, instance: InstanceId, worker: Worker) -> "FleetRecord":
        """With this one added or replaced."""
        return replace(self, workers={**self.workers, instance: worker})

    def drop(self, instance: InstanceId) -> "FleetRecord":
        """Without this one."""
        return replace(self, workers={name: one for name, one in self.workers.items() if name != instance})


class RecordFile(KeptFleets[FleetRecord]):
    """The record on disk."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder / "workers.json", _fleet, without="workers are counted anew")


def _fleet(entry: Mapping[str, Any]) -> FleetRecord:
    workers = {InstanceId(name): _worker(one) for name, one in entry["workers"].items()}
    return FleetRecord(**{**entry, "fleet": read_fleet(entry["fleet"]), "workers": workers})


def _worker(entry: Mapping[str, Any]) -> Worker:
    return Worker(**read_times(entry, "since", "steady_at", "part_since", "leaving_since"))
