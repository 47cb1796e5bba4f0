"""Which workers are there and since when, kept on disk: it must be known to the next process of repave."""

import fcntl
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from repave.model.names import EnvironmentName, FleetKey, FleetName, InstanceId, ProjectName
from repave.ports.errors import Conflict, Corrupt
from repave.scratch.whole import write_whole

FORMAT = 1
PRIVATE = 0o600
"""Of every file here: who may read is who may act."""


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
        if generation < self.generation:
            raise Conflict(
                f"an order of generation {generation} for {self.fleet} is older than {self.generation}",
                hint="another repave acts on this fleet; run the command again to see what it wants",
            )
        return replace(self, generation=generation)

    def put(self, instance: InstanceId, worker: Worker) -> "FleetRecord":
        """With this one added or replaced."""
        return replace(self, workers={**self.workers, instance: worker})

    def drop(self, instance: InstanceId) -> "FleetRecord":
        """Without this one."""
        return replace(self, workers={name: one for name, one in self.workers.items() if name != instance})


class RecordFile:
    """The record on disk: replaced as a whole, changed by one process and thread at a time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._path = folder / "workers.json"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep every other process and thread from changing it meanwhile."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with (self._folder / "lock").open("a") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield

    def read(self) -> dict[FleetKey, FleetRecord]:
        """Everything kept; nothing was kept yet is an empty record. Raises Corrupt."""
        try:
            text = self._path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return {}
        try:
            content = json.loads(text)
            if content["format"] != FORMAT:
                raise ValueError(f"format {content['format']}")  # noqa: TRY301 - judged with the other defects below
            fleets = [_fleet(entry) for entry in content["fleets"]]
        except (ValueError, KeyError, TypeError, AttributeError) as defect:
            raise Corrupt(
                f"cannot read {self._path}: {defect!r}; without the file workers are counted anew",
                hint="move the file away, and run `repave deploy`",
            ) from defect
        return {fleet.fleet: fleet for fleet in fleets}

    def write(self, fleets: Mapping[FleetKey, FleetRecord]) -> None:
        """Keep it, durably."""
        content = {"format": FORMAT, "fleets": [asdict(fleets[fleet]) for fleet in sorted(fleets)]}
        write_whole(self._path, json.dumps(content, indent=1, default=datetime.isoformat).encode(), mode=PRIVATE)


def _fleet(entry: Mapping[str, Any]) -> FleetRecord:
    names = entry["fleet"]
    key = FleetKey(
        project=ProjectName(names["project"]),
        environment=EnvironmentName(names["environment"]),
        fleet=FleetName(names["fleet"]),
    )
    workers = {InstanceId(name): _worker(one) for name, one in entry["workers"].items()}
    return FleetRecord(**{**entry, "fleet": key, "workers": workers})


def _worker(entry: Mapping[str, Any]) -> Worker:
    times = {name: entry[name] for name in ("since", "steady_at", "part_since", "leaving_since")}
    read = {name: datetime.fromisoformat(written) if written else None for name, written in times.items()}
    return Worker(**{**entry, **read})
