"""A provider in memory, obeying every rule of the port."""

from collections.abc import Iterator, Mapping

from repave.model.artifact import Artifact
from repave.model.names import (
    Digest,
    FleetKey,
    FleetName,
    InstanceId,
    ProviderName,
    RevisionId,
    SlotId,
)
from repave.model.observation import MachineSighting
from repave.model.recipe import ImageKind
from repave.ports.errors import Conflict, Gone, Invalid, NoCapacity
from repave.ports.progress import Progress
from repave.ports.provider import LaunchOrder, MemoryWanted, Placed, Proven, ProviderDescription, unasked
from repave.simulation.machines import WELL, Machine
from repave.simulation.world import World

FATEFUL = 0.3
"""Which share of the instances has one of the fates that are abroad."""


class SimulatedProvider:
    """The machines port over a simulated world. Keeps nothing itself: another one sees the same."""

    def __init__(self, world: World) -> None:
        self.world = world

    @property
    def name(self) -> ProviderName:
        """As a file would name it."""
        return ProviderName("simulated")

    def describe(self) -> ProviderDescription:
        """Everything works here."""
        return ProviderDescription(
            name=self.name,
            kinds=(ImageKind.CONTAINER,),
            abilities=("machines", "warm starts", "finishing"),
            proofs=(Proven(name="memory", works=True, detail="simulated"),),
        )

    def publish(self, artifact: Artifact, *, progress: Progress) -> None:
        """Remember it."""
        del progress
        self.world.call("publish", lambda: self.world.published.add(artifact.digest))

    def keep_memory(self, artifact: Digest, wanted: MemoryWanted, *, progress: Progress) -> Mapping[FleetName, str]:
        """Every start is the same here, and none is cold for want of memory."""
        del wanted, progress
        if artifact not in self.world.published:
            raise Invalid(f"{artifact} was never published here", hint="publish it first")
        return {}

    def withdraw(self, artifact: Digest) -> None:
        """Forget it, unless an instance of it runs."""
        self.world.call("withdraw", lambda: self._withdraw(artifact))

    def published(self) -> frozenset[Digest]:
        """What was published."""
        return frozenset(self.world.published)

    def observe(self, fleet: FleetKey) -> MachineSighting:
        """All instances that were not ended; fewer while the world is partial."""
        return self.world.call("observe machines", fleet=fleet, work=lambda: self._observe(fleet))

    def fleets(self) -> tuple[FleetKey, ...]:
        """Every fleet with an instance."""
        return self.world.inventory.fleets()

    def launch(self, order: LaunchOrder, *, placed: Placed = unasked) -> InstanceId:
        """Start an instance, once for each slot; its address is not known before it runs."""
        del placed
        return self.world.call("launch", fleet=order.fleet, work=lambda: self._launch(order))

    def terminate(self, fleet: FleetKey, instance: InstanceId, *, generation: int) -> None:
        """End it."""
        self.world.call("terminate", fleet=fleet, work=lambda: self._terminate(fleet, instance, generation))

    def finish(self, fleet: FleetKey, instance: InstanceId, *, generation: int) -> bool:
        """Have it end by itself, after as long as it needs for that."""
        return self.world.call("finish", fleet=fleet, work=lambda: self._finish(fleet, instance, generation))

    def console(self, fleet: FleetKey, instance: InstanceId, *, follow: bool = False) -> Iterator[str]:
        """One line, for those that were started."""
        del follow
        machine = self.world.machines.get(instance)
        if machine is None or machine.fleet != fleet:
            raise Gone(f"{instance} was never started")
        return iter([f"{machine.slot} started"])

    def kept_consoles(self, fleet: FleetKey) -> tuple[tuple[InstanceId, SlotId, RevisionId], ...]:
        """Every instance ever started."""
        return tuple((m.id, m.slot, m.revision.id) for m in self.world.machines.values() if m.fleet == fleet)

    def _withdraw(self, artifact: Digest) -> None:
        living = (machine for fleet in self.world.inventory.fleets() for machine in self.world.living(fleet))
        if any(machine.revision.artifact == artifact for machine in living):
            raise Conflict(f"an instance of {artifact} runs")
        self.world.published.discard(artifact)

    def _observe(self, fleet: FleetKey) -> MachineSighting:
        now, instances = self.world.clock.now(), self.world.inventory.listed(fleet, self.world.clock.now())
        shown = instances[: len(instances) // 2] if self.world.partial else instances
        return MachineSighting(at=now, instances=shown, incomplete=self.world.partial)

    def _launch(self, order: LaunchOrder) -> InstanceId:
        self._admit(order.fleet, order.generation)
        known = self.world.inventory.in_slot(order.fleet, order.slot)
        if known is not None:
            if known.ended:
                raise Gone(f"{order.slot} was ended")
            return known.id
        if order.revision.artifact not in self.world.published:
            raise Invalid(f"{order.revision.artifact} was never published here", hint="publish it first")
        if order.zone in self.world.stopped_zones:
            raise NoCapacity(f"zone {order.zone} is stopped")
        if order.zone in self.world.full_zones:
            raise NoCapacity(f"zone {order.zone} is full")
        machine = self._machine(order)
        self.world.start(machine, order.generation)
        if self.world.inventory.lies.twice:
            self.world.start(self._machine(order), order.generation)
        return machine.id

    def _machine(self, order: LaunchOrder) -> Machine:
        number = len(self.world.machines) + 1
        behaviour = self.world.behaviours.get(order.revision.id, WELL)
        if self.world.fates and self.world.chance.random() < FATEFUL:
            behaviour = self.world.chance.choice(self.world.fates)
        return Machine(
            id=InstanceId(f"sim-{number}"),
            fleet=order.fleet,
            slot=order.slot,
            zone=order.zone,
            revision=order.revision,
            launched_at=self.world.clock.now(),
            behaviour=behaviour if behaviour.only_in in (None, order.zone) else WELL,
            address=f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}",
            environment={**dict(order.revision.configuration), **order.secrets},
        )

    def _terminate(self, fleet: FleetKey, instance: InstanceId, generation: int) -> None:
        self._admit(fleet, generation)
        machine = self.world.machines.get(instance)
        if machine is not None and machine.fleet == fleet:
            self.world.end(machine, fleet, generation)

    def _finish(self, fleet: FleetKey, instance: InstanceId, generation: int) -> bool:
        self._admit(fleet, generation)
        machine = self.world.machines.get(instance)
        known = machine is not None and machine.fleet == fleet and not machine.ended
        return known and self.world.finish(instance)

    def _admit(self, fleet: FleetKey, generation: int) -> None:
        newer = self.world.admit("provider", fleet, generation)
        if newer is not None:
            raise Conflict(f"generation {generation} of {fleet} is older than {newer}")
