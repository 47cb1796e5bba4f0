"""The provider port and the machines port on this machine."""

from collections.abc import Iterator, Mapping

from repave.model.artifact import Artifact
from repave.model.metrics import MetricSighting
from repave.model.names import (
    Digest,
    FleetKey,
    FleetName,
    InstanceId,
    ProviderName,
    RevisionId,
    SlotId,
    ZoneName,
)
from repave.model.observation import Instance, MachineSighting, MachineState
from repave.model.release import Limits
from repave.ports.checks import CheckOrder, CheckOutcome
from repave.ports.errors import Conflict, Corrupt
from repave.ports.progress import Progress
from repave.ports.provider import LaunchOrder, MemoryWanted, Placed, ProviderDescription, unasked
from repave.ports.surroundings import Surroundings
from repave.providers.local.assembly import assemble
from repave.providers.local.engines import describe
from repave.providers.local.errors import mapped
from repave.providers.local.locks import locked
from repave.providers.local.mapping import Phase, Record, instance_of
from repave.scratch.whole import write_whole

NAME = ProviderName("local")


class LocalProvider:
    """Instances on this machine; survives its own end, and any number of it may work on one folder."""

    def __init__(self, surroundings: Surroundings) -> None:
        self._surroundings = surroundings
        self._parts, self._lifecycle = assemble(surroundings)

    @property
    def name(self) -> ProviderName:
        """``local``."""
        return NAME

    def describe(self) -> ProviderDescription:
        """What works here, as tried just now; see the port."""
        return describe(NAME, self._parts.engines)

    def publish(self, artifact: Artifact, *, progress: Progress) -> None:
        """Verify and unpack; see the port."""
        with locked(self._parts.places.lock("project")):
            used = self._used()
        self._parts.engines[artifact.kind].publish(artifact, used=used, progress=progress)

    def keep_memory(self, artifact: Digest, wanted: MemoryWanted, *, progress: Progress) -> Mapping[FleetName, str]:
        """Save memory of a virtual machine for each of the fleets; see the port. Containers have nothing to save."""
        return self._parts.engines.of(artifact).keep_memory(artifact, wanted, progress=progress)

    def withdraw(self, artifact: Digest) -> None:
        """Forget the unpacked artifact; see the port."""
        with locked(self._parts.places.lock("project")):
            users = [record for record in self._parts.records.all() if record.artifact == artifact]
            if users:
                raise Conflict(
                    f"the artifact {artifact} was not withdrawn: {users[0].slot} of {users[0].fleet} runs it",
                    hint="terminate its instances first",
                )
            for engine in self._parts.engines.values():
                engine.withdraw(artifact)

    def published(self) -> frozenset[Digest]:
        """What can be started here now."""
        return self._parts.engines.published()

    def observe(self, fleet: FleetKey) -> MachineSighting:
        """All instances of the fleet, by their records and /proc; what an interrupted launch left is settled first."""
        at = self._surroundings.clock.now()
        instances = []
        with mapped(f"observing {fleet}"):
            records, unreadable = self._parts.records.scan(fleet)
            for found in records:
                record = self._lifecycle.settle(found) if found.phase is Phase.STARTING else found
                if record is not None:
                    self._parts.consoles.bound(fleet, record.instance)
                    instances.append(self._seen(record))
        incomplete = "; ".join(error.message for error in unreadable)
        return MachineSighting(at=at, instances=tuple(instances), incomplete=incomplete)

    def read(self, fleet: FleetKey, *, window_seconds: float, reader: str = "") -> MetricSighting:
        """Processor and memory; see the metrics port. Some milliseconds for each instance."""
        # Few fleets scale by what is measured.
        from repave.measuring.looks import Looks  # noqa: PLC0415 - the reason stands above
        from repave.providers.local.metrics import measure  # noqa: PLC0415 - the same

        at = self._surroundings.clock.now()
        with mapped(f"measuring {fleet}"):
            records, _ = self._parts.records.scan(fleet)
            looks = Looks(self._surroundings.folder / "metrics", reader)
            return measure(looks, fleet, records, self._allowance, at=at, window_seconds=window_seconds)

    def fleets(self) -> tuple[FleetKey, ...]:
        """Every fleet that has an instance here."""
        with mapped("listing fleets"):
            return tuple(fleet for fleet in self._parts.records.fleets() if any(self._parts.records.scan(fleet)))

    def launch(self, order: LaunchOrder, *, placed: Placed = unasked) -> InstanceId:
        """Start an instance; see the port."""
        with mapped(f"launching {order.slot} of {order.fleet}"):
            return self._lifecycle.launch(order, placed).instance

    def terminate(self, fleet: FleetKey, instance: InstanceId, *, generation: int) -> None:
        """End the instance and free all it used; see the port."""
        with mapped(f"terminating {instance} of {fleet}"):
            record = self._parts.records.of_instance(fleet, instance)
            if record is None:
                self._parts.records.fence(fleet, generation)
                return
            self._lifecycle.end(record, generation=generation)

    def finish(self, fleet: FleetKey, instance: InstanceId, *, generation: int) -> bool:
        """Ask the application to end by itself; see the port."""
        with mapped(f"asking {instance} of {fleet} to end"):
            self._parts.records.fence(fleet, generation)
            record = self._parts.records.of_instance(fleet, instance)
            return record is not None and self._parts.engines[record.kind].finish(record)

    def console(self, fleet: FleetKey, instance: InstanceId, *, follow: bool = False) -> Iterator[str]:
        """The instance's output; see the port."""
        self._parts.consoles.bound(fleet, instance)
        return self._parts.consoles.lines(
            fleet, instance, ended=(lambda: self._has_ended(fleet, instance)) if follow else None
        )

    def kept_consoles(self, fleet: FleetKey) -> tuple[tuple[InstanceId, SlotId, RevisionId], ...]:
        """Whose output can be read, oldest first."""
        return self._parts.consoles.kept(fleet)

    def run_check(self, order: CheckOrder, *, progress: Progress) -> CheckOutcome:
        """Run a program in a container of its own; see the checks port."""
        from repave.providers.local.checks.running import Running  # noqa: PLC0415 - few commands run any

        self.publish(order.artifact, progress=progress)
        running = Running(
            project=self._surroundings.project, clock=self._surroundings.clock, containers=self._parts.containers
        )
        return running.run(order)

    def stop_zone(self, zone: ZoneName) -> None:
        """Make the zone fail: nothing is launched into it any more, and every process in it is killed at once."""
        with mapped(f"stopping the zone {zone}"):
            write_whole(self._parts.places.stopped_zone(zone), b"")
            self._lifecycle.kill(zone)

    def start_zone(self, zone: ZoneName) -> None:
        """Let the zone take instances again."""
        with mapped(f"starting the zone {zone}"):
            self._parts.places.stopped_zone(zone).unlink(missing_ok=True)

    def _used(self) -> frozenset[Digest]:
        """The artifacts from which instances run, or are being started."""
        try:
            return frozenset(record.artifact for record in self._parts.records.all() if self._holds(record))
        except Corrupt:
            return self.published()

    def _holds(self, record: Record) -> bool:
        # Of one that another process is starting nothing may be there yet but its record.
        return record.phase is Phase.STARTING or self._parts.engines[record.kind].holds(record)

    def _has_ended(self, fleet: FleetKey, instance: InstanceId) -> bool:
        record = self._parts.records.of_instance(fleet, instance)
        if record is None:
            return True
        return record.phase is not Phase.STARTING and not self._parts.engines[record.kind].runs(record)

    def _allowance(self, record: Record) -> Limits:
        return self._parts.engines[record.kind].allowance(record)

    def _seen(self, record: Record) -> Instance:
        if record.phase is Phase.STARTING:
            return instance_of(record, MachineState.STARTING)
        now = self._parts.engines[record.kind].condition(record)
        return instance_of(record, now.state, now.detail, now.said)
