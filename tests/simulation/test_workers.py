"""Fleets of workers in a simulated world, led by the real controller: nobody sees their work but they themselves."""

from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from repave.balancers.workers.balancer import Workers
from repave.controller.converge import Controller
from repave.controller.ending import Convergence
from repave.controller.pace import Pace
from repave.controller.ports import Declared, Ports
from repave.controller.tick import Tick
from repave.model.event import Event
from repave.model.names import FleetKey, InstanceId
from repave.model.plan import Phase
from repave.model.policy import HealthPolicy
from repave.model.release import Revision
from repave.simulation.life import ObserversClock
from repave.simulation.machines import Machine
from repave.simulation.stage import POLICY, Stage
from repave.simulation.world import Behaviour, ControllerKilled, Fault, World

SIZE = 4
STEADY = 5.0
HEALTH = HealthPolicy(steady_seconds=STEADY, grace_seconds=25.0)
EVERYTHING = 100_000
DEEDS = ("launch", "attach", "drain", "finish", "detach", "terminate")


class WorkerStage(Stage):
    """A fleet without a port."""

    def revision(self, release: int) -> Revision:
        """By which the fleet runs a release."""
        return replace(super().revision(release), port=None)


class KillableWorkers(Workers):
    """Whose deeds are calls to the world: a controller can be killed before and after them."""

    def __init__(self, folder: Path, stage: Stage) -> None:
        super().__init__(folder, clock=stage.world.clock, machines=stage.provider)
        self._world = stage.world

    def attach(self, fleet: FleetKey, instance: InstanceId, **how: Any) -> None:  # noqa: ANN401 - handed on as it comes
        """See the port."""
        attach = super().attach
        self._world.call("attach", lambda: attach(fleet, instance, **how), fleet=fleet)

    def drain(self, fleet: FleetKey, instance: InstanceId, *, generation: int) -> None:
        """See the port."""
        drain = super().drain
        self._world.call("drain", lambda: drain(fleet, instance, generation=generation), fleet=fleet)

    def detach(self, fleet: FleetKey, instance: InstanceId, *, generation: int) -> None:
        """See the port."""
        detach = super().detach
        self._world.call("detach", lambda: detach(fleet, instance, generation=generation), fleet=fleet)


@dataclass(kw_only=True)
class Crew:
    """Workers of r1, and what becomes of them. At each tick it is seen how many had run long enough."""

    folder: Path
    size: int = SIZE
    fewest: int = SIZE
    pace: Pace = field(default_factory=lambda: Pace(parallel=1))
    stage: Stage = field(default_factory=lambda: WorkerStage(policy=replace(POLICY, health=HEALTH)))

    def __post_init__(self) -> None:
        """They run."""
        self.stage.want(1, self.size)
        self.converge()
        self.fewest = self.size

    @property
    def world(self) -> World:
        """Where they are."""
        return self.stage.world

    def converge(self, name: str = "narrator") -> Convergence:
        """Until nothing is left to do, by a controller of this name."""
        [convergence] = self._controller(name).converge([self.stage.fleet])
        return convergence

    def run(self, seconds: float) -> None:
        """For so long."""
        until = self.world.clock.now() + timedelta(seconds=seconds)
        self._controller("narrator").keep([self.stage.fleet], until=lambda: self.world.clock.now() >= until)

    def machines(self, release: int) -> list[Machine]:
        """All that ever were, of a release."""
        return [machine for machine in self.world.machines.values() if machine.revision.release == release]

    def working(self) -> list[int]:
        """The releases of those that live and were not asked to end."""
        return sorted(m.revision.release for m in self.world.living(self.stage.fleet) if m.died_at is None)

    def events(self) -> list[Event]:
        """What was told."""
        return list(self.stage.store.events(limit=EVERYTHING))

    def _controller(self, name: str) -> Controller:
        ports = Ports(
            store=self.stage.store,
            machines=self.stage.provider,
            traffic=KillableWorkers(self.folder, self.stage),
            secrets=self.stage.secrets,
            clock=ObserversClock(self.world),
            metrics=(),
        )
        declared = Declared(policy=lambda _: self.stage.policy, frontend=self.stage.frontend)
        return Controller(
            ports, declared, holder=name, on_tick=self._seen, pace=self.pace, is_dead=lambda other: other != name
        )

    def _seen(self, _: Tick) -> None:
        now = self.world.clock.now()
        steady = [
            machine
            for machine in self.world.living(self.stage.fleet)
            if machine.died_at is None and now - machine.running_from >= timedelta(seconds=STEADY - 1)
        ]
        self.fewest = min(self.fewest, len(steady))


def ended_by_itself(machine: Machine) -> bool:
    """Whether its process had ended when it was terminated."""
    return machine.died_at is not None and machine.ended_at is not None and machine.died_at < machine.ended_at


@pytest.fixture
def crew(tmp_path: Path) -> Crew:
    """Four, well."""
    return Crew(folder=tmp_path)


def test_a_release_reaches_workers_and_none_is_cut_off(crew: Crew) -> None:
    """New ones have run long enough before an old one is asked to end, which it does by itself."""
    crew.stage.want(2, SIZE)
    assert crew.converge().phase is Phase.CONVERGED
    assert crew.working() == [2] * SIZE
    assert crew.fewest == SIZE
    assert crew.stage.doubled() == ""
    assert all(ended_by_itself(old) for old in crew.machines(1))
    assert not [event for event in crew.events() if event.kind == "failure"]


def test_one_that_needs_longer_than_it_has_is_ended(crew: Crew) -> None:
    """Its time is the fleet's `drain`."""
    slow = Behaviour(finishes_after_seconds=3600.0)
    crew.stage.want(2, SIZE, slow)
    crew.converge()
    begun = crew.world.clock.now()
    crew.stage.want(3, SIZE)
    assert crew.converge().phase is Phase.CONVERGED
    assert crew.working() == [3] * SIZE
    allowed = timedelta(seconds=POLICY.drain_timeout_seconds)
    for old in crew.machines(2):
        assert old.died_at is not None
        assert old.ended_at is not None
        asked = old.died_at - timedelta(seconds=3600.0)
        assert allowed <= old.ended_at - asked <= allowed + timedelta(seconds=3)
        assert asked >= begun


def test_one_that_does_not_listen_is_ended_at_once(crew: Crew) -> None:
    """There is nothing to wait for."""
    crew.stage.want(2, SIZE, Behaviour(finishes_after_seconds=None))
    crew.converge()
    begun = crew.world.clock.now()
    crew.stage.want(3, SIZE)
    assert crew.converge().phase is Phase.CONVERGED
    taken = crew.world.clock.now() - begun
    assert taken < SIZE * timedelta(seconds=STEADY + 5)
    assert all(old.ended and not ended_by_itself(old) for old in crew.machines(2))


def test_a_release_that_does_not_run_long_enough_goes_back(crew: Crew) -> None:
    """It ends before it counts: two in a row, and the old ones were never fewer."""
    crew.stage.want(2, SIZE, Behaviour(dies_after_seconds=STEADY - 2))
    crew.converge()
    assert crew.working() == [1] * SIZE
    assert crew.fewest == SIZE
    assert len(crew.machines(2)) == 2
    assert crew.stage.target.release == 1
    assert [event for event in crew.events() if "its process ended before it was healthy" in event.message]


def test_one_that_ends_later_is_replaced(crew: Crew) -> None:
    """Its provider sees it."""
    crew.world.kill(crew.world.living(crew.stage.fleet)[0].id)
    crew.run(30)
    assert crew.working() == [1] * SIZE
    assert len(crew.machines(1)) == SIZE + 1


def test_one_that_is_young_finishes_too(crew: Crew) -> None:
    """It may have begun something before it counted, as in a release that a person takes back."""
    crew.stage.want(2, SIZE, Behaviour(finishes_after_seconds=8.0))
    crew.run(STEADY - 2)
    [young] = crew.machines(2)
    crew.stage.want(1, SIZE)
    assert crew.converge().phase is Phase.CONVERGED
    assert crew.working() == [1] * SIZE
    assert ended_by_itself(young)


def test_a_rollout_has_the_time_that_its_workers_may_take(tmp_path: Path) -> None:
    """A quarter of an hour for each of four: it is not called late before."""
    policy = replace(POLICY, health=HEALTH, drain_timeout_seconds=900.0)
    leisurely = Pace(parallel=1, moving_seconds=30.0, resting_seconds=60.0)
    crew = Crew(folder=tmp_path, stage=WorkerStage(policy=policy), pace=leisurely)
    crew.stage.want(2, SIZE, Behaviour(finishes_after_seconds=800.0))
    crew.converge()
    crew.stage.want(3, SIZE)
    convergence = crew.converge()
    assert (convergence.timed_out, convergence.phase) == (False, Phase.CONVERGED)
    assert all(ended_by_itself(old) for old in crew.machines(2))


def test_what_ends_while_nobody_looks_was_never_well(crew: Crew) -> None:
    """The controller was killed, and the time in which it would have been well is over when the next one looks."""
    crew.stage.want(2, SIZE, Behaviour(dies_after_seconds=STEADY - 3))
    crew.run(1)
    crew.world.clock.sleep(4 * STEADY)
    crew.converge("successor")
    assert crew.working() == [1] * SIZE
    told = [event.message for event in crew.events() if event.kind in {"serving", "failure"}]
    assert not [message for message in told if "serves r2" in message]


def test_what_is_not_wanted_any_more_finishes_first(crew: Crew) -> None:
    """As before an environment's end."""
    crew.stage.want(1, 0)
    assert crew.converge().phase is Phase.CONVERGED
    assert crew.working() == []
    assert all(ended_by_itself(old) for old in crew.machines(1))


def test_a_controller_that_is_killed_at_any_deed_is_followed(tmp_path: Path) -> None:
    """Before it or after it, in a rollout of two: nothing is there twice, nothing forgotten, and none is cut off."""
    for fault in (Fault.KILLED_BEFORE, Fault.KILLED_AFTER):
        kills = number = 0
        while kills == number:
            number += 1
            crew = Crew(folder=tmp_path / f"{fault.name}-{number}", size=2)
            crew.stage.want(2, 2)
            kills += _killed_at(crew, number, fault)
            assert crew.converge("successor").phase is Phase.CONVERGED
            assert (crew.working(), crew.fewest, crew.stage.doubled()) == ([2, 2], 2, "")
            assert all(ended_by_itself(old) for old in crew.machines(1))
        assert kills == 2 * len(DEEDS), "each of the two was there for each"


def _killed_at(crew: Crew, number: int, fault: Fault) -> bool:
    """Whether the controller came as far as its deed of this number, and so was killed."""
    deeds = 0

    def killing(_call: int, name: str, _chance: object) -> Fault | None:
        nonlocal deeds
        deeds += name in DEEDS
        return fault if name in DEEDS and deeds == number else None

    crew.world.fault = killing
    try:
        crew.converge("victim")
    except ControllerKilled:
        return True
    finally:
        crew.world.fault = None
    return False


def test_one_that_dies_while_others_take_long_to_leave_is_replaced(tmp_path: Path) -> None:
    """They were more than wanted: what they have begun is nobody's but theirs, and the place of the dead is free."""
    crew = Crew(folder=tmp_path, stage=WorkerStage(policy=replace(POLICY, health=HEALTH, drain_timeout_seconds=600.0)))
    crew.stage.want(2, SIZE, Behaviour(finishes_after_seconds=500.0))
    crew.converge()
    crew.stage.want(2, 1)
    crew.run(20)
    [left] = [machine for machine in crew.machines(2) if machine.died_at is None]
    crew.world.kill(left.id)
    crew.run(20)
    assert crew.working() == [2]
    assert len(crew.world.living(crew.stage.fleet)) == SIZE, "three that finish, and the new one"
