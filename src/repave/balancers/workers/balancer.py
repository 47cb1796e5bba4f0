"""What a load balancer is to fleets that serve, for fleets of workers: who counts, since when, and who is leaving.

A worker is well once it has run for a declared time. That it ends sooner, or later, its provider sees; that it hangs,
nobody does. One that leaves is asked to end: it takes no new work and finishes what it has, if it listens to SIGTERM.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from repave.balancers.workers.record import FleetRecord, RecordFile, Worker
from repave.model.names import FleetKey, InstanceId
from repave.model.observation import Backend, MachineState, TrafficSighting, TrafficState
from repave.ports.clock import Clock
from repave.ports.errors import Gone, WorldError
from repave.ports.provider import Finishing, Machines, Proven
from repave.ports.traffic import Frontend


class Workers:
    """The traffic port, for fleets that get no requests. ``machines`` runs them, and may be able to let them finish."""

    def __init__(self, folder: Path, *, clock: Clock, machines: Machines) -> None:
        self._clock = clock
        self._machines = machines
        self._file = RecordFile(folder)

    def describe(self) -> tuple[Proven, ...]:
        """Nothing is needed."""
        return ()

    def knows(self, fleet: FleetKey) -> bool:
        """Whether the fleet was ensured here."""
        return fleet in self._file.read()

    def ensure(self, frontend: Frontend) -> str:
        """Count the fleet's workers from now on; there is no endpoint, so the answer is empty."""
        steady = frontend.health.steady_seconds or 0.0
        with self._file.locked():
            fleets = self._file.read()
            before = fleets.get(frontend.fleet)
            fleet = before or FleetRecord(fleet=frontend.fleet, steady_seconds=steady)
            wanted = replace(fleet, steady_seconds=steady)
            if wanted != before:
                self._file.write({**fleets, frontend.fleet: wanted})
        return ""

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
        """Count it; see the port. One that was asked to end does not come back."""
        del address, port
        now = self._clock.now()

        def attached(record: FleetRecord) -> FleetRecord:
            steady = record.steady_seconds
            steady_at = now + timedelta(seconds=steady)
            fresh = Worker(since=now, steady_seconds=steady, steady_at=steady_at, standby=standby)
            return record if instance in record.workers else record.put(instance, fresh)

        self._change(fleet, generation, attached)

    def admit(self, fleet: FleetKey, instance: InstanceId, *, generation: int) -> None:
        """See the port."""
        self._change(fleet, generation, lambda record: self._with_part(record, instance, standby=False))

    def stand_by(self, fleet: FleetKey, instance: InstanceId, *, generation: int) -> None:
        """See the port. It works on: nobody can tell a worker not to."""
        self._change(fleet, generation, lambda record: self._with_part(record, instance, standby=True))

    def drain(self, fleet: FleetKey, instance: InstanceId, *, generation: int) -> None:
        """Ask it to end. One that does not listen for that has nothing to be waited for."""
        now = self._clock.now()

        def leaving(record: FleetRecord) -> FleetRecord:
            found = _required(record, instance)
            return record.put(instance, replace(found, leaving_since=found.leaving_since or now))

        self._change(fleet, generation, leaving)
        self._ask_who_leaves(fleet)

    def detach(self, fleet: FleetKey, instance: InstanceId, *, generation: int) -> None:
        """See the port."""
        if self.knows(fleet):
            self._change(fleet, generation, lambda record: record.drop(instance))

    def observe(self, fleet: FleetKey) -> TrafficSighting:
        """See the port. Who was to be asked to end when repave was killed is asked now."""
        now = self._clock.now()
        record = self._file.read().get(fleet)
        if record is None:
            return TrafficSighting(at=now, backends=())
        if any(worker.unasked for worker in record.workers.values()):
            with suppress(WorldError):
                record = self._ask_who_leaves(fleet)
        if any(worker.to_be_judged(now) for worker in record.workers.values()):
            with suppress(WorldError):
                record = self._judge(fleet, now)
        seen = (_backend(instance, worker, now) for instance, worker in sorted(record.workers.items()))
        return TrafficSighting(at=now, backends=tuple(seen))

    def remove(self, fleet: FleetKey) -> None:
        """See the port."""
        with self._file.locked():
            fleets = self._file.read()
            if fleets.pop(fleet, None):
                self._file.write(fleets)

    def _change(self, fleet: FleetKey, generation: int, changed: Callable[[FleetRecord], FleetRecord]) -> FleetRecord:
        with self._file.locked():
            fleets = self._file.read()
            record = changed(_known(fleets, fleet).at(generation))
            if record != fleets[fleet]:
                self._file.write({**fleets, fleet: record})
            return record

    def _ask_who_leaves(self, fleet: FleetKey) -> FleetRecord:
        """That they leave is written down before: who ends by itself then has not crashed. Nobody asks one twice."""
        with self._file.locked():
            fleets = self._file.read()
            record = _known(fleets, fleet)
            for instance in [name for name, worker in record.workers.items() if worker.unasked]:
                finishing = self._finish(record, instance)
                record = record.put(instance, replace(record.workers[instance], finishing=finishing))
                self._file.write({**fleets, fleet: record})
            return record

    def _finish(self, record: FleetRecord, instance: InstanceId) -> bool:
        if isinstance(self._machines, Finishing):
            return self._machines.finish(record.fleet, instance, generation=record.generation)
        return False

    def _with_part(self, record: FleetRecord, instance: InstanceId, *, standby: bool) -> FleetRecord:
        found = _required(record, instance)
        if found.standby is standby:
            return record
        return record.put(instance, replace(found, standby=standby, part_since=self._clock.now()))

    def _judge(self, fleet: FleetKey, now: datetime) -> FleetRecord:
        """Who runs, and has for so long, is well from then on: the clock alone would call the dead well, too."""
        running = {
            one.id: one.started_at
            for one in self._machines.observe(fleet).instances
            if one.state is MachineState.RUNNING
        }
        with self._file.locked():
            fleets = self._file.read()
            record = _known(fleets, fleet)
            for instance, worker in record.workers.items():
                if worker.to_be_judged(now) and instance in running:
                    steady_at = max(worker.steady_at, running[instance] + timedelta(seconds=worker.steady_seconds))
                    record = record.put(instance, replace(worker, steady_at=steady_at, well=now >= steady_at))
            if record != fleets[fleet]:
                self._file.write({**fleets, fleet: record})
            return record


def _known(fleets: Mapping[FleetKey, FleetRecord], fleet: FleetKey) -> FleetRecord:
    if fleet not in fleets:
        raise Gone(f"{fleet} is not known to have workers", hint="`repave deploy` makes it known")
    return fleets[fleet]


def _required(record: FleetRecord, instance: InstanceId) -> Worker:
    if instance not in record.workers:
        raise Gone(f"{instance} is not known as a worker of {record.fleet}", hint="`repave status` shows what is")
    return record.workers[instance]


def _backend(instance: InstanceId, worker: Worker, now: datetime) -> Backend:
    if worker.leaving_since:
        state = TrafficState.DRAINED if worker.finishing is False else TrafficState.DRAINING
        detail = "finishes its work" if worker.finishing else ""
        return Backend(instance=instance, state=state, since=worker.leaving_since, detail=detail)
    if not worker.well:
        later = worker.steady_at if now < worker.steady_at else None
        return Backend(instance=instance, state=TrafficState.CHECKING, since=worker.since, passes_from=later)
    since = max(worker.steady_at, worker.part_since or worker.steady_at)
    state = TrafficState.READY if worker.standby else TrafficState.SERVING
    return Backend(instance=instance, state=state, since=since)
