"""The simulated world: what there is outside repave, what happens to it, and faults on the way to it."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from random import Random
from threading import RLock
from typing import TypeVar

from repave.model.names import Digest, FleetKey, InstanceId, RevisionId, SlotId, ZoneName
from repave.model.observation import MachineState, TrafficState
from repave.ports.errors import Conflict, Throttled, Unreachable
from repave.simulation.clock import BEGINNING, SimulatedClock
from repave.simulation.inventory import Inventory
from repave.simulation.machines import WELL, Behaviour, Machine
from repave.simulation.pool import Pool

Answer = TypeVar("Answer")

HUNG_SECONDS = 8.0
"""How long a call hangs before its caller gives up."""


class ControllerKilled(BaseException):
    """The controller's process ends here and now, as by kill -9: nothing of it runs any more."""


class Fault(StrEnum):
    """What may happen to one call."""

    UNREACHABLE = "unreachable"
    """It never arrives."""

    HUNG = "hung"
    """It never arrives, and that is known only after a while."""

    THROTTLED = "throttled"
    TIMED_OUT = "timed out after having worked"
    OVERTAKEN = "another was faster"
    """A commit finds that somebody else has changed the target."""

    KILLED_BEFORE = "controller killed before the call"
    KILLED_AFTER = "controller killed after the call"


@dataclass(frozen=True, kw_only=True)
class Effect:
    """Something that a call by repave changed in the world."""

    kind: str
    """``launch``, ``terminate``, ``attach``, ``drain`` or ``detach``."""

    machine: Machine
    fleet: FleetKey
    """In whose name it was asked for."""

    generation: int
    served: bool = False
    """Whether the instance served requests until then."""


def unseen(_: Effect) -> None:
    """Nobody looks."""


class World:
    """Everything outside repave, from one seed. Providers and balancers are but views of it."""

    def __init__(self, *, seed: int = 0, fault: Callable[[int, str, Random], Fault | None] | None = None) -> None:
        self.clock = SimulatedClock()
        self.chance = Random(seed)  # noqa: S311 - a simulation must be repeatable, not unguessable
        self.inventory = Inventory()
        self.pools: dict[FleetKey, Pool] = {}
        self.published: set[Digest] = set()
        self.behaviours: dict[RevisionId, Behaviour] = {}
        self.stopped_zones: set[ZoneName] = set()
        self.full_zones: set[ZoneName] = set()
        """What runs there runs on; nothing more can be started."""

        self.drain_seconds = 0.5
        """How long the open requests of an instance take to end."""

        self.balancer_delay_seconds = 0.0
        """How much later than its checks the balancer acts on them."""

        self.balancer_alive = True
        self.partial = ""
        """Why the provider's lists are incomplete just now."""

        self.partial_traffic = ""
        """Why the balancer's lists are incomplete just now."""

        self.fates: list[Behaviour] = []
        """How some of the instances turn out that are started now, whatever they run."""

        self.skew = timedelta(0)
        """How far the controllers' clocks are ahead of the world's."""

        self.call_seconds = 0.0
        """How long each call takes."""

        self.load: dict[FleetKey, Callable[[datetime], float]] = {}
        """Requests that arrive at a fleet, a second; a fleet that is not named gets none."""

        self.totals: dict[FleetKey, dict[str, float]] = {}
        """What is measured of a fleet as a whole, by name: a queue's length, say."""

        self.unmeasured = ""
        """Why nothing is measured just now."""

        self.fault = fault
        self.calls = 0
        self.on_effect: Callable[[Effect], None] = unseen
        self.deeds = 0
        """How often something was done to the world that did not follow from what was known before."""

        self._newest: dict[tuple[str, FleetKey], int] = {}
        self._lock = RLock()

    def call(self, name: str, work: Callable[[], Answer], *, fleet: FleetKey | None = None) -> Answer:
        """One call to the world, with what may happen to it; ``fleet``: the only one it is about."""
        with self._lock:
            self.calls += 1
            self.clock.sleep(self.call_seconds)
            self.settle(fleet)
            fault = self.fault(self.calls, name, self.chance) if self.fault else None
            self._refuse(name, fault)
            answer = work()
            if fault is Fault.KILLED_AFTER:
                raise ControllerKilled
            if fault is Fault.TIMED_OUT:
                raise Unreachable(f"{name}: no answer in time")
            return answer

    def _refuse(self, name: str, fault: Fault | None) -> None:
        match fault:
            case Fault.KILLED_BEFORE:
                raise ControllerKilled
            case Fault.UNREACHABLE:
                raise Unreachable(f"{name}: no answer")
            case Fault.HUNG:
                self.clock.sleep(HUNG_SECONDS)
                raise Unreachable(f"{name}: no answer within {HUNG_SECONDS:g} s")
            case Fault.THROTTLED:
                raise Throttled(f"{name}: too many calls", after_seconds=1.0)
            case Fault.OVERTAKEN:
                raise Conflict(f"{name}: another was faster")

    def settle(self, fleet: FleetKey | None = None) -> None:
        """Let the balancer catch up with what has happened by now, to one fleet or to all.

        Before anything is changed, and before a look.
        """
        now = self.clock.now()
        for pool in self.pools.values() if fleet is None else filter(None, [self.pools.get(fleet)]):
            pool.catch_up(now, self.balancer_delay_seconds, self.machines.__getitem__)

    def next_change(self, after: datetime) -> datetime | None:
        """When something after ``after`` is next seen differently without anybody's doing; None for never."""
        return min(self._changes(after), default=None)

    def _changes(self, after: datetime) -> Iterator[datetime]:
        if self.clock.next_deed is not None:
            yield self.clock.next_deed
        yield from self.inventory.changes(after)
        if self.balancer_alive:
            find = self.machines.__getitem__
            changes = (pool.next_change(self.balancer_delay_seconds, find) for pool in self.pools.values())
            yield from (change for change in changes if change is not None)

    def admit(self, whose: str, fleet: FleetKey, generation: int) -> int | None:
        """The newer generation that refuses this one; None admits it."""
        newest = self._newest.get((whose, fleet), 0)
        if generation < newest:
            return newest
        self._newest[whose, fleet] = generation
        return None

    @property
    def machines(self) -> Mapping[InstanceId, Machine]:
        """All that ever were, oldest first."""
        return self.inventory.all

    @property
    def launches(self) -> Counter[SlotId]:
        """How many instances were started for each slot."""
        return self.inventory.launches

    def start(self, machine: Machine, generation: int) -> None:
        """A new instance is there."""
        self.inventory.add(machine)
        self.took_effect(Effect(kind="launch", machine=machine, fleet=machine.fleet, generation=generation))

    def end(self, machine: Machine, fleet: FleetKey, generation: int) -> None:
        """An instance is terminated in the name of a fleet, and not listed any more."""
        if not machine.ended:
            served = self.serves(machine)
            self.inventory.remove(machine, self.clock.now())
            self.took_effect(
                Effect(kind="terminate", machine=machine, fleet=fleet, generation=generation, served=served)
            )

    def took_effect(self, effect: Effect) -> None:
        """Whoever rests is woken, and whoever watches is told."""
        self.deeds += 1
        self.on_effect(effect)

    def serves(self, machine: Machine) -> bool:
        """Whether it gets requests now, and answers them."""
        pool = self.pools.get(machine.fleet)
        known = pool.attached.get(machine.id) if pool and self.balancer_alive else None
        return known is not None and known.state is TrafficState.SERVING and machine.answers(self.clock.now())

    def living(self, fleet: FleetKey) -> list[Machine]:
        """The instances of a fleet that the provider still has, oldest first."""
        return self.inventory.living(fleet)

    def ask(self, fleet: FleetKey) -> InstanceId | None:
        """One request of a client: who answers it; None when it fails.

        As the port says, a request whose connection is refused is tried elsewhere; one that hangs fails.
        """
        self.settle(fleet)
        pool = self.pools.get(fleet)
        if pool is None or not self.balancer_alive:
            return None
        now = self.clock.now()
        reachable = [instance for instance in pool.serving() if not self.machines[instance].dead(now)]
        if not reachable:
            return None
        chosen = self.chance.choice(reachable)
        machine = self.machines[chosen]
        return chosen if machine.answers(now) and not machine.lies else None

    def kill(self, instance: InstanceId) -> None:
        """Its process ends now."""
        self.stir()
        machine = self.machines[instance]
        machine.died_at = machine.died_at or self.clock.now()

    def finish(self, instance: InstanceId) -> bool:
        """Its process ends by itself once it has finished; answers whether it does."""
        machine, now = self.machines[instance], self.clock.now()
        needed = machine.behaviour.finishes_after_seconds
        if needed is None or machine.state(now) is not MachineState.RUNNING:
            return False
        self.stir()
        machine.died_at = machine.died_at or now + timedelta(seconds=needed)
        return True

    def hang(self, instance: InstanceId) -> None:
        """It runs on and answers nothing."""
        self.stir()
        self.machines[instance].ill = True

    def cure(self, instance: InstanceId) -> None:
        """It answers again."""
        self.stir()
        self.machines[instance].ill = False

    def stop_zone(self, zone: ZoneName) -> None:
        """Every instance there dies, and none can be started."""
        self.stopped_zones.add(zone)
        for fleet in self.inventory.fleets():
            for machine in self.living(fleet):
                if machine.zone == zone:
                    self.kill(machine.id)

    def start_zone(self, zone: ZoneName) -> None:
        """The zone has room again."""
        self.stir()
        self.stopped_zones.discard(zone)

    def kill_balancer(self) -> None:
        """The balancer dies, and forgets what was attached; it comes back when it is ensured again."""
        self.stir()
        self.balancer_alive = False
        for pool in self.pools.values():
            pool.forget_all()

    def stir(self) -> None:
        """Before something is done to the world, or by a person: whoever rests is woken."""
        self._forget_the_future()  # so that every check that was due is carried out by how things are until now
        self.settle()
        self._forget_the_future()
        self.deeds += 1

    def _forget_the_future(self) -> None:
        for pool in self.pools.values():
            pool.forget_the_future()


__all__ = [
    "BEGINNING",
    "WELL",
    "Behaviour",
    "ControllerKilled",
    "Effect",
    "Fault",
    "Machine",
    "SimulatedClock",
    "World",
]
