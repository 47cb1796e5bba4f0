"""The simulated world: a clock that jumps, what instances do over time, and faults on the way to them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from random import Random
from threading import RLock
from typing import TypeVar

from repave.model.names import Digest, FleetKey, InstanceId, RevisionId, SlotId, ZoneName
from repave.model.release import Revision
from repave.ports.errors import Throttled, Unreachable
from repave.simulation.pool import Pool

Answer = TypeVar("Answer")

BEGINNING = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)


class ControllerKilled(BaseException):
    """The controller's process ends here and now, as by kill -9: nothing of it runs any more."""


class Fault(StrEnum):
    """What may happen to one call."""

    UNREACHABLE = "unreachable"
    """It never arrives."""

    THROTTLED = "throttled"
    TIMED_OUT = "timed out after having worked"
    KILLED_BEFORE = "controller killed before the call"
    KILLED_AFTER = "controller killed after the call"


@dataclass(frozen=True, kw_only=True)
class Behaviour:
    """How the instances of one revision behave; seconds from the launch, or from running."""

    start_seconds: float = 0.5
    healthy_after_seconds: float = 1.0
    dies_after_seconds: float | None = None
    never_healthy: bool = False
    ill_after_seconds: float | None = None
    """From when on it runs and answers nothing."""

    cpu_seconds_per_request: float = 0.005
    """Processor time of one request: with one processor, 200 requests a second are all it can do."""

    error_share: float = 0.0
    """Requests it answers with an error, as a share of all."""

    latency_seconds: float = 0.02
    """From a request to its answer, without others beside it."""


class SimulatedClock:
    """The clock port: sleeping makes time jump."""

    def __init__(self, at: datetime = BEGINNING) -> None:
        self._at = at

    def now(self) -> datetime:
        """The simulated time."""
        return self._at

    def sleep(self, seconds: float) -> None:
        """Jump."""
        self._at += timedelta(seconds=max(0.0, seconds))


@dataclass(kw_only=True)
class Machine:
    """One simulated instance; times are simulated."""

    id: InstanceId
    fleet: FleetKey
    slot: SlotId
    zone: ZoneName
    revision: Revision
    launched_at: datetime
    behaviour: Behaviour
    address: str
    died_at: datetime | None = None
    ill: bool = False
    """Runs, and answers nothing."""

    ended: bool = False
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def running_from(self) -> datetime:
        """When its process runs."""
        return self.launched_at + timedelta(seconds=self.behaviour.start_seconds)

    def dead_at(self) -> datetime | None:
        """When its process ends or ended, whichever cause is first; None for never."""
        causes = [] if self.died_at is None else [self.died_at]
        if self.behaviour.dies_after_seconds is not None:
            causes.append(self.running_from + timedelta(seconds=self.behaviour.dies_after_seconds))
        return min(causes, default=None)

    def dead(self, at: datetime) -> bool:
        """Whether its process has ended by then."""
        end = self.dead_at()
        return end is not None and at >= end

    def answers(self, at: datetime) -> bool:
        """Whether it answers a request well then."""
        behaviour = self.behaviour
        if self.ill or behaviour.never_healthy or self.dead(at):
            return False
        ill_after = behaviour.ill_after_seconds
        if ill_after is not None and at >= self.running_from + timedelta(seconds=ill_after):
            return False
        return at >= self.running_from + timedelta(seconds=behaviour.healthy_after_seconds)


class World:
    """Everything outside repave, from one seed. Providers and balancers are but views of it."""

    def __init__(self, *, seed: int = 0, fault: Callable[[int, str, Random], Fault | None] | None = None) -> None:
        self.clock = SimulatedClock()
        self.chance = Random(seed)  # noqa: S311 - a simulation must be repeatable, not unguessable
        self.machines: dict[InstanceId, Machine] = {}
        self.pools: dict[FleetKey, Pool] = {}
        self.published: set[Digest] = set()
        self.behaviours: dict[RevisionId, Behaviour] = {}
        self.stopped_zones: set[ZoneName] = set()
        self.drain_seconds = 0.5
        """How long the open requests of an instance take to end."""

        self.balancer_delay_seconds = 0.0
        """How much later than its checks the balancer acts on them."""

        self.balancer_alive = True
        self.partial = ""
        """Why the provider's lists are incomplete just now."""

        self.partial_traffic = ""
        """Why the balancer's lists are incomplete just now."""

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
        self.launches: list[SlotId] = []
        """Every slot whose launch started an instance, in order: one that stands twice was started twice."""

        self._newest: dict[tuple[str, FleetKey], int] = {}
        self._lock = RLock()

    def call(self, name: str, work: Callable[[], Answer]) -> Answer:
        """One call to the world, with what may happen to it."""
        with self._lock:
            self.calls += 1
            self.clock.sleep(self.call_seconds)
            self.settle()
            fault = self.fault(self.calls, name, self.chance) if self.fault else None
            if fault is Fault.KILLED_BEFORE:
                raise ControllerKilled
            if fault is Fault.UNREACHABLE:
                raise Unreachable(f"{name}: no answer")
            if fault is Fault.THROTTLED:
                raise Throttled(f"{name}: too many calls", after_seconds=1.0)
            answer = work()
            if fault is Fault.KILLED_AFTER:
                raise ControllerKilled
            if fault is Fault.TIMED_OUT:
                raise Unreachable(f"{name}: no answer in time")
            return answer

    def settle(self) -> None:
        """Let the balancer catch up with what has happened by now; before anything is changed, and before a look."""
        now = self.clock.now()
        for pool in self.pools.values():
            pool.check(now, self.balancer_delay_seconds, self._answers)

    def admit(self, whose: str, fleet: FleetKey, generation: int) -> int | None:
        """The newer generation that refuses this one; None admits it."""
        newest = self._newest.get((whose, fleet), 0)
        if generation < newest:
            return newest
        self._newest[whose, fleet] = generation
        return None

    def living(self, fleet: FleetKey) -> list[Machine]:
        """The instances of a fleet that the provider still has, oldest first."""
        return [machine for machine in self.machines.values() if machine.fleet == fleet and not machine.ended]

    def ask(self, fleet: FleetKey) -> InstanceId | None:
        """One request of a client: who answers it; None when it fails.

        As the port says, a request whose connection is refused is tried elsewhere; one that hangs fails.
        """
        self.settle()
        pool = self.pools.get(fleet)
        if pool is None or not self.balancer_alive:
            return None
        now = self.clock.now()
        reachable = [instance for instance in pool.serving() if not self.machines[instance].dead(now)]
        if not reachable:
            return None
        chosen = self.chance.choice(reachable)
        return chosen if self.machines[chosen].answers(now) else None

    def kill(self, instance: InstanceId) -> None:
        """Its process ends now."""
        self.settle()
        self.machines[instance].died_at = self.clock.now()

    def hang(self, instance: InstanceId) -> None:
        """It runs on and answers nothing."""
        self.settle()
        self.machines[instance].ill = True

    def cure(self, instance: InstanceId) -> None:
        """It answers again."""
        self.settle()
        self.machines[instance].ill = False

    def stop_zone(self, zone: ZoneName) -> None:
        """Every instance there dies, and none can be started."""
        self.stopped_zones.add(zone)
        for machine in self.machines.values():
            if machine.zone == zone and not machine.ended and machine.died_at is None:
                self.kill(machine.id)

    def start_zone(self, zone: ZoneName) -> None:
        """The zone has room again."""
        self.stopped_zones.discard(zone)

    def kill_balancer(self) -> None:
        """The balancer dies, and forgets what was attached; it comes back when it is ensured again."""
        self.balancer_alive = False
        for pool in self.pools.values():
            pool.forget_all()

    def _answers(self, instance: InstanceId, at: datetime) -> bool:
        machine = self.machines.get(instance)
        return machine is not None and not machine.ended and machine.answers(at)
