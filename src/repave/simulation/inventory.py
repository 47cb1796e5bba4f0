"""The machines of a simulated provider, and how it lists them, truly or not."""

from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from repave.model.names import FleetKey, InstanceId, SlotId
from repave.model.observation import Instance
from repave.simulation.machines import Machine

SPOKEN_OF = 500
"""Of so many terminated instances, the latest, a provider may still speak that is behind."""


@dataclass(kw_only=True)
class Lies:
    """What a provider does that breaks its contract."""

    hidden: set[InstanceId] = field(default_factory=set)
    """Instances that its lists lack without saying so."""

    lag_seconds: float = 0.0
    """How old its lists are, without saying so."""

    twice: int = 0
    """How many reasons it has to start two instances for one launch."""


class Inventory:
    """All machines that ever were."""

    def __init__(self) -> None:
        self.all: dict[InstanceId, Machine] = {}
        self.launches: Counter[SlotId] = Counter()
        self.lies = Lies()
        self._present: dict[FleetKey, dict[InstanceId, Machine]] = {}
        self._ended: deque[Machine] = deque(maxlen=SPOKEN_OF)
        self._by_slot: dict[tuple[FleetKey, SlotId], Machine] = {}

    def add(self, machine: Machine) -> None:
        """A new one."""
        self.launches[machine.slot] += 1
        self.all[machine.id] = machine
        self._present.setdefault(machine.fleet, {})[machine.id] = machine
        self._by_slot.setdefault((machine.fleet, machine.slot), machine)

    def remove(self, machine: Machine, at: datetime) -> None:
        """It is terminated."""
        machine.ended_at = at
        machine.died_at = machine.died_at or at
        del self._present[machine.fleet][machine.id]
        self._ended.append(machine)

    def in_slot(self, fleet: FleetKey, slot: SlotId) -> Machine | None:
        """The first that was started for a slot, ended or not."""
        return self._by_slot.get((fleet, slot))

    def living(self, fleet: FleetKey) -> list[Machine]:
        """Those of a fleet that were not terminated, oldest first."""
        return list(self._present.get(fleet, {}).values())

    def fleets(self) -> tuple[FleetKey, ...]:
        """Every fleet that has one, sorted."""
        return tuple(sorted(fleet for fleet, present in self._present.items() if present))

    def listed(self, fleet: FleetKey, at: datetime) -> tuple[Instance, ...]:
        """Those of a fleet as the provider lists them."""
        then = at - timedelta(seconds=self.lies.lag_seconds)
        spoken_of = [machine for machine in self._ended if machine.fleet == fleet] if self.lies.lag_seconds else []
        return tuple(
            machine.sighting(then)
            for machine in (*spoken_of, *self.living(fleet))
            if machine.is_there(then) and machine.id not in self.lies.hidden
        )

    def changes(self, after: datetime) -> Iterator[datetime]:
        """When the lists change by themselves, at the earliest for each machine."""
        lag = timedelta(seconds=self.lies.lag_seconds)
        present = [machine for fleet in self._present.values() for machine in fleet.values()]
        for machine in (*self._ended, *present) if lag else present:
            changes = [machine.next_change(after - lag)]
            if lag:
                changes += [machine.launched_at, machine.ended_at]
            yield from [change + lag for change in changes if change is not None and change + lag > after]
