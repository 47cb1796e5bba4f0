"""The simulated world: a clock that jumps, what instances do over time, and faults on the way to them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from random import Random
from typing import TypeVar

from repave.model.names import FleetKey, InstanceId, RevisionId, SlotId, ZoneName
from repave.model.release import Revision
from repave.ports.errors import Throttled, Unreachable

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
    ill_from: datetime | None = None
    """Runs, and answers nothing, from then on."""

    ended: bool = False
    environment: Mapping[str, str] = field(default_factory=dict)

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

    def well_from(self) -> datetime | None:
        """When it first answers well; None for never."""
        if self.behaviour.never_healthy:
            return None
        return self.running_from + timedelta(seconds=self.behaviour.healthy_after_seconds)

    def unwell_from(self) -> datetime | None:
        """When it stops answering."""
        return min((at for at in (self.ill_from, self.dead_at()) if at is not None), default=None)


class World:
    """Everything outside repave, from one seed."""

    def __init__(self, *, seed: int = 0, fault: Callable[[int, str, Random], Fault | None] | None = None) -> None:
        self.clock = SimulatedClock()
        self.chance = Random(seed)  # noqa: S311 - a simulation must be repeatable, not unguessable
        self.machines: dict[InstanceId, Machine] = {}
        self.behaviours: dict[RevisionId, Behaviour] = {}
        self.stopped_zones: set[ZoneName] = set()
        self.drain_seconds = 0.5
        self.balancer_delay_seconds = 0.0
        """How much later than the checks the balancer acts on them."""

        self.partial = ""
        """Why lists are incomplete just now."""

        self.calls = 0
        self._fault = fault

    def call(self, name: str, work: Callable[[], Answer]) -> Answer:
        """One call to the world, with what may happen to it."""
        self.calls += 1
        fault = self._fault(self.calls, name, self.chance) if self._fault else None
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

    def living(self, fleet: FleetKey) -> list[Machine]:
        """The instances of a fleet that the provider still has, oldest first."""
        return [machine for machine in self.machines.values() if machine.fleet == fleet and not machine.ended]

    def kill(self, instance: InstanceId) -> None:
        """Its process ends now."""
        self.machines[instance].died_at = self.clock.now()

    def hang(self, instance: InstanceId) -> None:
        """It runs on and answers nothing."""
        self.machines[instance].ill_from = self.clock.now()

    def stop_zone(self, zone: ZoneName) -> None:
        """Every instance there dies, and none can be started."""
        self.stopped_zones.add(zone)
        for machine in self.machines.values():
            if machine.zone == zone and not machine.ended and machine.died_at is None:
                self.kill(machine.id)

    def start_zone(self, zone: ZoneName) -> None:
        """The zone has room again."""
        self.stopped_zones.discard(zone)
