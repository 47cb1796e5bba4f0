"""What one simulated instance does over time: every moment of it is known when it starts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property

from repave.model.names import FleetKey, InstanceId, SlotId, ZoneName
from repave.model.observation import Instance, MachineState
from repave.model.release import Revision


@dataclass(frozen=True, kw_only=True)
class Behaviour:
    """How the instances of one revision behave; seconds from the launch, or from running."""

    start_seconds: float = 0.5
    never_starts: bool = False
    """The provider lists it as starting for ever."""

    healthy_after_seconds: float = 1.0
    dies_after_seconds: float | None = None
    finishes_after_seconds: float | None = 1.0
    """Asked to end, its process does after so long; None: it does not listen for that."""

    never_healthy: bool = False
    ill_after_seconds: float | None = None
    """From when on it runs and answers nothing."""

    flaps_every_seconds: float | None = None
    """Once healthy, it answers for so long, then answers nothing for so long, and so on."""

    cpu_seconds_per_request: float = 0.005
    """Processor time of one request: with one processor, 200 requests a second are all it can do."""

    error_share: float = 0.0
    """Requests it answers with an error, as a share of all."""

    latency_seconds: float = 0.02
    """From a request to its answer, without others beside it."""

    warms_up_seconds: float = 0.0
    """For so long after it runs, answers take ten times as long: its caches are cold."""

    only_in: ZoneName | None = None
    """In any other zone it behaves well."""

    @cached_property
    def runs_after(self) -> timedelta:
        """From the launch."""
        return timedelta(seconds=self.start_seconds)

    @cached_property
    def well_after(self) -> timedelta:
        """From the launch."""
        return self.runs_after + timedelta(seconds=self.healthy_after_seconds)


WELL = Behaviour()


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

    lies: bool = False
    """Passes its checks, and fails every request of a client."""

    ended_at: datetime | None = None
    """When it was terminated."""

    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    _sighted: Instance | None = None

    @property
    def ended(self) -> bool:
        """Whether it was terminated."""
        return self.ended_at is not None

    @property
    def running_from(self) -> datetime:
        """When its process runs."""
        return self.launched_at + self.behaviour.runs_after

    @property
    def healthy_from(self) -> datetime:
        """When it answers first."""
        return self.launched_at + self.behaviour.well_after

    def is_there(self, at: datetime) -> bool:
        """Whether it had been launched by then, and not terminated."""
        return self.launched_at <= at and (self.ended_at is None or at < self.ended_at)

    def dead_at(self) -> datetime | None:
        """When its process ends or ended, whichever cause is first; None for never."""
        dies_after = self.behaviour.dies_after_seconds
        if dies_after is None:
            return self.died_at
        by_itself = self.running_from + timedelta(seconds=dies_after)
        return by_itself if self.died_at is None else min(self.died_at, by_itself)

    def dead(self, at: datetime) -> bool:
        """Whether its process has ended by then."""
        end = self.dead_at()
        return end is not None and at >= end

    def answers(self, at: datetime) -> bool:
        """Whether it answers a request well then."""
        behaviour = self.behaviour
        if self.ill or behaviour.never_healthy or behaviour.never_starts or self.dead(at):
            return False
        ill_after = behaviour.ill_after_seconds
        if ill_after is not None and at >= self.running_from + timedelta(seconds=ill_after):
            return False
        healthy_from, flaps = self.healthy_from, behaviour.flaps_every_seconds
        return at >= healthy_from and (flaps is None or (at - healthy_from) // timedelta(seconds=flaps) % 2 == 0)

    def next_turn(self, after: datetime) -> datetime | None:
        """When it may next begin or cease to answer by itself; None for never."""
        return min((turn for turn in self._turns(after) if turn > after), default=None)

    def next_change(self, after: datetime) -> datetime | None:
        """When its provider next shows it differently by itself; None for never."""
        ends = [] if self.behaviour.never_starts else [self.running_from]
        dead_at = self.dead_at()
        if dead_at is not None:
            ends.append(dead_at)
        return min([end for end in ends if end > after], default=None)

    def state(self, at: datetime) -> MachineState:
        """What its provider says of it."""
        if self.dead(at):
            return MachineState.STOPPED
        started = not self.behaviour.never_starts and at >= self.running_from
        return MachineState.RUNNING if started else MachineState.STARTING

    def sighting(self, at: datetime) -> Instance:
        """As its provider lists it; nothing but the state ever changes, so it is made once for each."""
        state = self.state(at)
        if self._sighted is None or self._sighted.state is not state:
            self._sighted = self._sighting(state)
        return self._sighted

    def _sighting(self, state: MachineState) -> Instance:
        return Instance(
            id=self.id,
            slot=self.slot,
            revision=self.revision.id,
            release=self.revision.release,
            zone=self.zone,
            state=state,
            started_at=self.launched_at,
            address=self.address if state is not MachineState.STARTING else None,
            port=self.revision.port,
            detail="exit code 1" if state is MachineState.STOPPED else "",
        )

    def _turns(self, after: datetime) -> list[datetime]:
        behaviour, running, healthy = self.behaviour, self.running_from, self.healthy_from
        if self.ill or behaviour.never_healthy or behaviour.never_starts or self.dead(after):
            return []
        turns = [healthy]
        end = self.dead_at()
        if end is not None:
            turns.append(end)
        if behaviour.ill_after_seconds is not None:
            turns.append(running + timedelta(seconds=behaviour.ill_after_seconds))
        if behaviour.flaps_every_seconds is not None and after >= healthy:
            flaps = timedelta(seconds=behaviour.flaps_every_seconds)
            turns.append(healthy + ((after - healthy) // flaps + 1) * flaps)
        return turns
