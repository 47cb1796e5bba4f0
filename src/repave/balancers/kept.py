"""What has been asked of fleets, kept on disk: neither a balancer that dies nor the next process of repave knows it."""

import fcntl
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from repave.model.names import EnvironmentName, FleetKey, FleetName, ProjectName
from repave.ports.errors import Conflict, Corrupt
from repave.scratch.whole import write_whole

FORMAT = 1
PRIVATE = 0o600
"""Of every file here: who may read is who may act."""


class OfFleet(Protocol):
    """A dataclass about one fleet."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def fleet(self) -> FleetKey:
        """Which."""
        ...


Kept = TypeVar("Kept", bound=OfFleet)


class KeptFleets(Generic[Kept]):
    """One record for each fleet, in one file: replaced as a whole, changed by one process and thread at a time."""

    def __init__(self, path: Path, read: Callable[[Mapping[str, Any]], Kept], *, without: str) -> None:
        """``read`` makes a record of its JSON; ``without``: what becomes of it all where the file is moved away."""
        self._path = path
        self._read = read
        self._without = without

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep every other process and thread from changing the records, and what they are about, meanwhile."""
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with (self._path.parent / "lock").open("a") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield

    def read(self) -> dict[FleetKey, Kept]:
        """Everything kept; nothing was kept yet is no record. Raises Corrupt."""
        try:
            text = self._path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return {}
        try:
            content = json.loads(text)
            if content["format"] != FORMAT:
                raise ValueError(f"format {content['format']}")  # noqa: TRY301 - judged with the other defects below
            fleets = [self._read(entry) for entry in content["fleets"]]
        except (ValueError, KeyError, TypeError, AttributeError) as defect:
            raise Corrupt(
                f"cannot read {self._path}: {defect!r}",
                hint=f"move the file away and run `repave deploy`: {self._without}",
            ) from defect
        return {record.fleet: record for record in fleets}

    def write(self, records: Mapping[FleetKey, Kept]) -> None:
        """Keep it, durably."""
        content = {"format": FORMAT, "fleets": [asdict(records[fleet]) for fleet in sorted(records)]}
        write_whole(self._path, json.dumps(content, indent=1, default=datetime.isoformat).encode(), mode=PRIVATE)


def read_fleet(names: Mapping[str, str]) -> FleetKey:
    """As a record's JSON holds it."""
    return FleetKey(
        project=ProjectName(names["project"]),
        environment=EnvironmentName(names["environment"]),
        fleet=FleetName(names["fleet"]),
    )


def read_times(entry: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """The entry, with those of its members that are times, or are missing, read."""
    written = {name: entry.get(name) for name in names}
    return {**entry, **{name: datetime.fromisoformat(at) if at else None for name, at in written.items()}}


def require_newest(fleet: FleetKey, *, held: int, generation: int) -> None:
    """Raises Conflict where an order is older than the newest that was taken."""
    if generation < held:
        raise Conflict(
            f"an order of generation {generation} for {fleet} is older than {held}",
            hint="another repave acts on this fleet; run the command again to see what it wants",
        )
