"""What repave has asked of HAProxy, kept on disk: HAProxy itself forgets its servers when it dies."""

import fcntl
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from repave.model.names import EnvironmentName, FleetKey, FleetName, InstanceId, ProjectName
from repave.model.policy import HealthPolicy
from repave.ports.errors import Conflict, Corrupt
from repave.scratch.whole import write_whole

FORMAT = 1
PRIVATE = 0o600
"""Of every file here: who may read is who may act."""


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
        if generation < self.generation:
            raise Conflict(
                f"an order of generation {generation} for {self.fleet} is older than {self.generation}",
                hint="another repave acts on this fleet; run the command again to see what it wants",
            )
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


Record = Mapping[FleetKey, FleetRecord]


class RecordFile:
    """The record on disk: replaced as a whole, changed by one process and thread at a time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._path = folder / "attached.json"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep every other process and thread from changing the record or HAProxy meanwhile."""
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
        except (ValueError, KeyError, TypeError) as defect:
            raise Corrupt(
                f"cannot read {self._path}: {defect!r}",
                hint="move the file away and run `repave deploy`: instances are attached again",
            ) from defect
        return {fleet.fleet: fleet for fleet in fleets}

    def write(self, record: Record) -> None:
        """Keep it, durably."""
        content = {"format": FORMAT, "fleets": [asdict(record[fleet]) for fleet in sorted(record)]}
        write_whole(self._path, json.dumps(content, indent=1, default=datetime.isoformat).encode(), mode=PRIVATE)


def _fleet(entry: Mapping[str, Any]) -> FleetRecord:
    names = entry["fleet"]
    key = FleetKey(
        project=ProjectName(names["project"]),
        environment=EnvironmentName(names["environment"]),
        fleet=FleetName(names["fleet"]),
    )
    attached = tuple(_attached(one) for one in entry["attached"])
    return FleetRecord(**{**entry, "fleet": key, "health": HealthPolicy(**entry["health"]), "attached": attached})


def _attached(entry: Mapping[str, Any]) -> Attached:
    times = {name: entry.get(name) for name in ("draining_since", "part_since", "checked_since")}
    read = {name: datetime.fromisoformat(written) if written else None for name, written in times.items()}
    return Attached(**{**entry, **read})
