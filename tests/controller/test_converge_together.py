"""Several who converge the same fleets: leases, followers, clocks that are set back, and Ctrl-C."""

import os
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta

import pytest
from convergence import FLEET, PACE, SIZE, Scene, frontend, policy

from repave.controller.converge import Controller
from repave.controller.holders import is_dead, this_process
from repave.controller.pace import Pace
from repave.controller.ports import Declared
from repave.controller.tick import Tick
from repave.simulation.world import SimulatedClock


def test_ctrl_c_ends_after_the_step_with_all_recorded_and_the_lease_given_back(scene: Scene) -> None:
    """What was launched is known; the next run goes on from there."""

    def interrupt(tick: Tick) -> None:
        if tick.outcomes:
            os.kill(os.getpid(), signal.SIGINT)

    before = signal.getsignal(signal.SIGINT)
    declared = Declared(policy=policy, frontend=frontend)
    with pytest.raises(KeyboardInterrupt):
        Controller(scene.ports, declared, holder="me", on_tick=interrupt, pace=PACE).converge([FLEET])
    assert scene.kinds() == ["launch"] * SIZE
    assert scene.store.lease(str(FLEET), scene.world.clock.now()) is None
    assert signal.getsignal(signal.SIGINT) is before
    (result,) = scene.controller().converge([FLEET])
    assert result.reached
    assert len(scene.world.machines) == SIZE


def test_while_another_holds_the_lease_we_follow_and_take_over_when_it_expires(scene: Scene) -> None:
    """Nothing is done twice, and nobody waits for ever."""
    held = scene.store.acquire(str(FLEET), "elsewhere:1", at=scene.world.clock.now(), seconds=15)
    assert held is not None
    ticks: list[Tick] = []
    (result,) = scene.controller(ticks=ticks).converge([FLEET])
    assert result.reached
    following = [tick.leader for tick in ticks if tick.leader]
    assert set(following) == {"elsewhere:1"}
    assert not ticks[len(following)].leader
    first = ticks[len(following)].plan
    assert first is not None
    assert first.at >= held.expires_at


def test_a_follower_believes_what_a_living_leader_recorded(scene: Scene) -> None:
    """A watch that never ends holds nobody up: its fresh, empty plan is as good as ours."""
    leader = scene.controller("leader")
    leader.converge([FLEET])

    def lead() -> None:
        """The leader looks again, and keeps the lease."""
        leader.keep([FLEET], until=lambda: True)
        scene.store.acquire(str(FLEET), "leader", at=scene.world.clock.now(), seconds=15)

    def follow(tick: Tick) -> None:
        assert tick.leader == "leader"
        lead()

    lead()
    scene.world.clock.sleep(1)
    declared = Declared(policy=policy, frontend=frontend)
    follower = Controller(scene.ports, declared, holder="follower", on_tick=follow, pace=PACE)
    (result,) = follower.converge([FLEET], timeout_seconds=10)
    assert result.reached


def test_the_lease_of_a_dead_process_is_taken_over_at_once(scene: Scene) -> None:
    """After a kill -9 the next run on this machine need not wait."""
    program = "from repave.controller.holders import this_process; print(this_process())"
    ran = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    dead = ran.stdout.strip()
    assert is_dead(dead)
    assert not is_dead(this_process())
    assert not is_dead("elsewhere:1:2:3")
    assert not is_dead("someone")
    scene.store.acquire(str(FLEET), dead, at=scene.world.clock.now(), seconds=15)
    ticks: list[Tick] = []
    scene.controller(ticks=ticks).converge([FLEET])
    assert not any(tick.leader for tick in ticks)


class SetBack(SimulatedClock):
    """A clock that is set back by an hour while somebody first sleeps by it."""

    late = timedelta(hours=1)

    def sleep(self, seconds: float) -> None:
        """Jump."""
        super().sleep(seconds)
        self._at -= self.late
        self.late = timedelta(0)


def test_a_clock_that_is_set_back_makes_nobody_wait(scene: Scene) -> None:
    """The next look comes when it is due, and not when the clock is again where it was."""
    scene.controller().converge([FLEET])
    begun = scene.world.clock.now()
    ticks: list[Tick] = []
    ports = replace(scene.ports, clock=SetBack(begun))
    declared = Declared(policy=policy, frontend=frontend)
    controller = Controller(ports, declared, holder="me", on_tick=ticks.append, pace=PACE)
    controller.keep([FLEET], until=lambda: len(ticks) == 3)
    assert begun - ports.clock.now() > timedelta(minutes=59)


def test_who_is_woken_looks_again(scene: Scene) -> None:
    """A composition that knows when something changes need not have the fleet looked at in between."""
    ticks: list[Tick] = []
    scene.controller().converge([FLEET])
    unhurried = Pace(parallel=1, resting_seconds=86_400.0, rest=lambda _: scene.world.clock.sleep(5))
    declared = Declared(policy=policy, frontend=frontend)
    controller = Controller(scene.ports, declared, holder="me", on_tick=ticks.append, pace=unhurried)
    begun = scene.world.clock.now()
    controller.keep([FLEET], until=lambda: len(ticks) == 4)
    assert scene.world.clock.now() - begun == timedelta(seconds=15)
