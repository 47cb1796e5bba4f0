"""Instance records: one small file each, written whole, before anything else of the instance exists."""

from collections.abc import Iterator
from pathlib import Path

from repave.model.names import FleetKey, InstanceId, SlotId
from repave.ports.errors import Conflict, Corrupt
from repave.providers.local.locks import locked
from repave.providers.local.mapping import (
    Record,
    read_record,
    read_spent,
    written_fleet,
    written_record,
    written_spent,
)
from repave.providers.local.places import Places, file_name
from repave.scratch.whole import write_whole


class Records:
    """Everything this provider remembers of fleets and their instances."""

    def __init__(self, *, places: Places) -> None:
        self._places = places

    def write(self, record: Record) -> None:
        """Replace the record as a whole: a reader sees the old or the new."""
        folder = self._places.fleet(record.fleet)
        identity = folder / "fleet.json"
        if not identity.exists():
            write_whole(identity, written_fleet(record.fleet))
        write_whole(self._path(record.fleet, record.slot), written_record(record))

    def remove(self, record: Record) -> None:
        """Forget the record; not there is no error."""
        self._path(record.fleet, record.slot).unlink(missing_ok=True)

    def of_slot(self, fleet: FleetKey, slot: SlotId) -> Record | None:
        """The record of one slot. Raises Corrupt."""
        return _read(self._path(fleet, slot))

    def of_instance(self, fleet: FleetKey, instance: InstanceId) -> Record | None:
        """The record of one instance. Raises Corrupt where it may be one that cannot be read."""
        records, unreadable = self.scan(fleet)
        found = next((record for record in records if record.instance == instance), None)
        if found is None and unreadable:
            raise unreadable[0]
        return found

    def of_fleet(self, fleet: FleetKey) -> tuple[Record, ...]:
        """All records of one fleet, by slot. Raises Corrupt."""
        records, unreadable = self.scan(fleet)
        if unreadable:
            raise unreadable[0]
        return records

    def scan(self, fleet: FleetKey) -> tuple[tuple[Record, ...], tuple[Corrupt, ...]]:
        """The records of one fleet that can be read, by slot, and why the others cannot."""
        records, unreadable = [], []
        for path in sorted((self._places.fleet(fleet) / "instances").glob("*.json")):
            try:
                record = _read(path)
            except Corrupt as error:
                unreadable.append(error)
            else:
                if record is not None:
                    records.append(record)
        return tuple(records), tuple(unreadable)

    def all(self) -> Iterator[Record]:
        """Every record. Raises Corrupt."""
        for fleet in self.fleets():
            yield from self.of_fleet(fleet)

    def fleets(self) -> tuple[FleetKey, ...]:
        """Every fleet that ever had a record here, sorted."""
        return tuple(sorted(self._places.known_fleets()))

    def fence(self, fleet: FleetKey, generation: int) -> None:
        """Remember the newest generation; survives a power failure. Raises Conflict for an older one, Corrupt."""
        path = self._places.fleet(fleet) / "generation"
        with locked(self._lock(fleet)):
            newest = _generation(path)
            if newest is not None and generation < newest:
                raise Conflict(
                    f"the order for {fleet} of generation {generation} was refused: {newest} has been seen",
                    hint="another repave acts on this fleet; plan again from what is there",
                )
            if newest is None or generation > newest:
                write_whole(path, f"{generation}\n".encode())

    def spend(self, fleet: FleetKey, slot: SlotId) -> None:
        """Remember that the slot's instance was terminated; survives a power failure."""
        path = self._places.fleet(fleet) / "spent.json"
        with locked(self._lock(fleet)):
            spent = read_spent(path.read_bytes() if path.exists() else b"{}")
            if slot not in spent:
                write_whole(path, written_spent(spent.add(slot)))

    def is_spent(self, fleet: FleetKey, slot: SlotId) -> bool:
        """Whether the slot's instance was terminated before."""
        path = self._places.fleet(fleet) / "spent.json"
        return path.exists() and slot in read_spent(path.read_bytes())

    def _path(self, fleet: FleetKey, slot: SlotId) -> Path:
        return self._places.fleet(fleet) / "instances" / f"{file_name(slot)}.json"

    def _lock(self, fleet: FleetKey) -> Path:
        return self._places.fleet(fleet) / "lock"


def _generation(path: Path) -> int | None:
    """The newest seen; None before the first. Raises Corrupt."""
    try:
        return int(path.read_bytes())
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise Corrupt(
            f"the newest generation of a fleet cannot be read from {path}: {error}",
            hint="see that no other repave acts on this fleet and remove the file: the next order writes it anew",
        ) from error


def _read(path: Path) -> Record | None:
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    try:
        return read_record(content)
    except (ValueError, KeyError, TypeError) as error:
        raise Corrupt(
            f"the instance record {path} cannot be read: {error}",
            hint="`repave doctor` shows it; move the file away once its instance is gone",
        ) from error
