"""How one instance comes and goes, so that a crash at any point leaves neither a double nor an orphan.

The record is written before anything else exists, and removed after everything else is gone. Who finds a record whose
start was interrupted takes over the process if it runs, and otherwise removes what was made of it.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from shutil import rmtree

from repave.model.names import FleetKey, SlotId, ZoneName
from repave.ports.clock import Clock
from repave.ports.errors import Corrupt, Gone, NoCapacity, WorldError
from repave.ports.provider import LaunchOrder, Placed
from repave.providers.local.consoles import Consoles
from repave.providers.local.container_engine import ContainerEngine
from repave.providers.local.engines import Engine, Engines, Start
from repave.providers.local.errors import mapped
from repave.providers.local.guarded import Guarded
from repave.providers.local.locks import attempted, locked
from repave.providers.local.mapping import Phase, Record, new_record
from repave.providers.local.network import Network
from repave.providers.local.places import Places
from repave.providers.local.records import Records

STRIPES = 64
"""Lock files for slots: enough that two slots seldom share one, few enough to keep."""


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What the lifecycle works with."""

    places: Places
    clock: Clock
    records: Records
    consoles: Consoles
    network: Network
    guarded: Guarded
    engines: Engines
    containers: ContainerEngine
    """One of the engines."""


class Lifecycle:
    """Launches, recovers and ends single instances."""

    def __init__(self, *, parts: Parts) -> None:
        self._parts = parts

    def launch(self, order: LaunchOrder, placed: Placed) -> Record:
        """The running instance of the order's slot; see the machines port."""
        parts = self._parts
        with self._slot(order.fleet, order.slot):
            parts.records.fence(order.fleet, order.generation)
            self._refuse_spent(order.fleet, order.slot)
            record = parts.records.of_slot(order.fleet, order.slot)
            if record is not None and record.phase is Phase.ENDING:
                raise _spent(order.fleet, order.slot)
            if record is not None and record.phase is Phase.STARTING:
                record = self._recover(record)
            if record is not None:
                return record
            self._refuse_stopped(order)
            return self._start(order, placed)

    def end(self, record: Record, *, generation: int) -> None:
        """End the instance and free all it used."""
        parts = self._parts
        with self._slot(record.fleet, record.slot):
            parts.records.fence(record.fleet, generation)
            current = parts.records.of_slot(record.fleet, record.slot)
            if current is None:
                return
            parts.records.write(replace(current, phase=Phase.ENDING))
            parts.engines[current.kind].stop(current)
            self._clear(current)
            parts.records.spend(record.fleet, record.slot)
            self._forget(current)
            others, unreadable = parts.records.scan(record.fleet)
            if not unreadable:
                parts.consoles.prune(record.fleet, frozenset(other.instance for other in others))

    def settle(self, record: Record) -> Record | None:
        """What became of a record whose start is unfinished: itself while another works on it."""
        with attempted(self._stripe(record.fleet, record.slot)) as free:
            if not free:
                return record
            current = self._parts.records.of_slot(record.fleet, record.slot)
            if current is None or current.phase is not Phase.STARTING:
                return current
            return self._recover(current)

    def kill(self, zone: ZoneName) -> None:
        """Kill every process in the zone, at once and without asking."""
        for record in self._parts.records.all():
            if record.zone == zone and record.process is not None:
                record.process.stop(patience_seconds=0)

    def _start(self, order: LaunchOrder, placed: Placed) -> Record:
        engine = self._parts.engines.of(order.revision.artifact)
        engine.check(order)
        record = self._reserve(order, engine)
        try:
            # The address is the record's; whoever gets ready for it does so while the instance is being made.
            placed(record.instance, record.address, record.port)
            with mapped(f"starting {order.slot} of {order.fleet}"):
                start = engine.prepare(order, record, self._parts.consoles.open(record))
            record = self._run(record, start)
            self._refuse_stopped(order)  # the zone may have been stopped between our look and the start
        except WorldError:
            self._discard(record)
            raise
        return record

    def _reserve(self, order: LaunchOrder, engine: Engine) -> Record:
        """Write the record, and make what instances share; both before anyone may take it away again."""
        parts = self._parts
        instance = parts.places.instance_id(order.fleet, order.slot)
        with self._project(), mapped(f"starting {order.slot} of {order.fleet}"):
            address = parts.network.allocate(tuple(record.address for record in parts.records.all()))
            record = new_record(order, instance, kind=engine.kind, address=address, at=parts.clock.now())
            parts.records.write(record)
            try:
                parts.network.open()
                engine.share(record.artifact)
            except WorldError:
                self._unshare(record)
                raise
            return record

    def _run(self, record: Record, start: Start) -> Record:
        started = start()
        running = replace(
            record,
            phase=Phase.STARTED,
            process=started.process,
            forwarder=started.forwarder,
            started_at=self._parts.clock.now(),
        )
        self._parts.records.write(running)
        return running

    def _recover(self, record: Record) -> Record | None:
        """Take over what an interrupted start left, or remove it: then the slot is as if never ordered."""
        parts = self._parts
        with parts.guarded.quiet(record.instance):
            started = parts.engines[record.kind].find(record)
        if started is None or parts.places.stopped_zone(record.zone).exists():
            self._discard(record)
            return None
        adopted = replace(record, phase=Phase.STARTED, process=started.process, forwarder=started.forwarder)
        parts.records.write(adopted)
        return adopted

    def _discard(self, record: Record) -> None:
        """Remove everything of an instance that never came to be, its output included."""
        self._clear(record)
        self._parts.consoles.discard(record)
        self._forget(record)

    def _clear(self, record: Record) -> None:
        parts = self._parts
        with parts.guarded.quiet(record.instance):
            parts.engines[record.kind].remove(record)
            parts.network.release(record)
            with suppress(FileNotFoundError):
                rmtree(parts.places.instance(record.instance))

    def _forget(self, record: Record) -> None:
        with self._project():
            self._unshare(record)

    def _unshare(self, record: Record) -> None:
        """Remove the record, and with the last one what instances shared. Call under the project's lock."""
        parts = self._parts
        try:
            others = [other for other in parts.records.all() if other.instance != record.instance]
        except Corrupt:
            # Who cannot be read may need what is shared: it stays until that record is mended or moved away.
            parts.records.remove(record)
            return
        if all(other.artifact != record.artifact for other in others):
            parts.engines[record.kind].unshare(record.artifact)
        if not others:
            parts.network.close()
            for engine in parts.engines.values():
                engine.close()
        parts.records.remove(record)

    def _refuse_spent(self, fleet: FleetKey, slot: SlotId) -> None:
        if self._parts.records.is_spent(fleet, slot):
            raise _spent(fleet, slot)

    def _refuse_stopped(self, order: LaunchOrder) -> None:
        switch = self._parts.places.stopped_zone(order.zone)
        if switch.exists():
            raise NoCapacity(
                f"the zone {order.zone} is stopped: {order.slot} of {order.fleet} was not started there",
                hint=f"it starts again when {switch} is removed",
            )

    @contextmanager
    def _slot(self, fleet: FleetKey, slot: SlotId) -> Iterator[None]:
        with locked(self._stripe(fleet, slot)):
            yield

    @contextmanager
    def _project(self) -> Iterator[None]:
        with locked(self._parts.places.lock("project")):
            yield

    def _stripe(self, fleet: FleetKey, slot: SlotId) -> Path:
        number = int(sha256(f"{fleet}\0{slot}".encode()).hexdigest(), 16) % STRIPES
        return self._parts.places.lock(f"slot-{number:02}")


def _spent(fleet: FleetKey, slot: SlotId) -> Gone:
    return Gone(
        f"the slot {slot} of {fleet} was used and its instance terminated: nothing was started",
        hint="a slot is used once; order a new one",
    )
