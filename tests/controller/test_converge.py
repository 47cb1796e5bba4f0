"""The controller over a simulated world: what it promises when it says that it is done."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest

from repave.controller.converge import Controller
from repave.controller.holders import is_dead, this_process
from repave.controller.pace import Pace
from repave.controller.ports import Declared, Ports
from repave.controller.tick import Tick
from repave.model.names import (
    Digest,
    EnvironmentName,
    FleetKey,
    FleetName,
    ImageName,
    ProjectName,
    ReleaseNumber,
    ZoneName,
)
from repave.model.plan import Phase, Rule
from repave.model.policy import FleetPolicy, HealthPolicy
from repave.model.release import Revision, SecretReference
from repave.model.target import FailureKind
from repave.ports.errors import Conflict, Gone
from repave.ports.intent import Aim
from repave.ports.traffic import Frontend
from repave.simulation.balancer import SimulatedBalancer
from repave.simulation.provider import SimulatedProvider
from repave.simulation.world import Behaviour, SimulatedClock, World
from repave.store.sql import SqlStore

FLEET = FleetKey(project=ProjectName("shop"), environment=EnvironmentName("test"), fleet=FleetName("web"))
OTHER = FleetKey(project=ProjectName("shop"), environment=EnvironmentName("test"), fleet=FleetName("api"))
ZONES = (ZoneName("a"), ZoneName("b"))
HEALTH = HealthPolicy(interval_seconds=0.2, timeout_seconds=0.2, healthy=2, unhealthy=3, grace_seconds=10)
SIZE = 3


def revision(release: int, *secrets: tuple[str, SecretReference]) -> Revision:
    """What the fleet is asked to run."""
    return Revision(
        release=ReleaseNumber(release),
        image=ImageName("web"),
        artifact=Digest(f"sha256:{release:064d}"),
        port=8080,
        secrets=secrets,
    )


OLD, NEW = revision(1), revision(2)


class SomeSecrets:
    """Knows one secret."""

    def resolve(self, reference: SecretReference) -> str:
        """Raises Gone for any other."""
        if reference.locator != "known":
            raise Gone(f"there is no secret {reference}")
        return "hunter2"


@dataclass(frozen=True, kw_only=True)
class Scene:
    """One fleet in one world."""

    world: World
    provider: SimulatedProvider
    balancer: SimulatedBalancer
    store: SqlStore
    ports: Ports

    def controller(self, holder: str = "me", ticks: list[Tick] | None = None) -> Controller:
        """A controller, which tells its ticks to the list."""
        return Controller(
            self.ports,
            Declared(policy=policy, frontend=frontend),
            holder=holder,
            on_tick=(ticks if ticks is not None else []).append,
            pace=Pace(parallel=1),
        )

    def want(self, wanted: Revision, size: int = SIZE, fleet: FleetKey = FLEET) -> None:
        """What a deploy writes down."""
        self.world.published.add(wanted.artifact)
        self.store.add_revision(fleet, wanted)
        aim = Aim(revision=wanted.id, release=wanted.release, size=size, reason="deploy")
        self.store.aim(fleet, aim, self.world.clock.now())

    def kinds(self) -> list[str]:
        """The story, in one word each."""
        return [event.kind for event in self.store.events(FLEET)]

    def running(self) -> list[tuple[int, bool]]:
        """Releases of the instances there are, and whether each serves."""
        serving = self.balancer.serving(FLEET)
        return [(machine.revision.release, machine.id in serving) for machine in self.world.living(FLEET)]


def policy(fleet: FleetKey) -> FleetPolicy:
    """A quick one."""
    return FleetPolicy(fleet=fleet, zones=ZONES, health=HEALTH, drain_timeout_seconds=2)


def frontend(fleet: FleetKey) -> Frontend:
    """Where clients reach it."""
    return Frontend(fleet=fleet, listen=None, health=HEALTH, drain_timeout_seconds=2)


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    """An empty world in which three instances of the first release are wanted."""
    world = World()
    store = SqlStore(f"sqlite:///{tmp_path}/store.db")
    provider, balancer = SimulatedProvider(world), SimulatedBalancer(world)
    ports = Ports(store=store, machines=provider, traffic=balancer, secrets=SomeSecrets(), clock=world.clock)
    made = Scene(world=world, provider=provider, balancer=balancer, store=store, ports=ports)
    made.want(OLD)
    yield made
    store.close()


def test_a_first_deploy_ends_with_every_instance_serving(scene: Scene) -> None:
    """Promise 2: success is told once the balancer itself shows exactly what was asked."""
    ticks: list[Tick] = []
    (result,) = scene.controller(ticks=ticks).converge([FLEET])
    assert (result.reached, result.phase, result.release, result.reason) == (True, Phase.CONVERGED, 1, "")
    assert (result.serving, result.size, result.endpoint) == (SIZE, SIZE, "http://127.0.0.1:18080")
    assert scene.running() == [(1, True)] * SIZE
    assert ticks[-1].plan is not None
    assert not ticks[-1].plan.changes
    assert scene.store.lease(str(FLEET), scene.world.clock.now()) is None


def test_the_story_reads_from_launch_to_converged(scene: Scene) -> None:
    """Each thing once, however often steps were given."""
    scene.controller().converge([FLEET])
    kinds = scene.kinds()
    assert kinds == ["launch"] * SIZE + ["serving"] * SIZE + ["proven", "converged"]
    scene.want(NEW)
    scene.controller().converge([FLEET])
    kinds = scene.kinds()[len(kinds) :]
    assert sorted(kinds) == sorted(["launch", "serving", "drain", "terminate"] * SIZE + ["proven", "converged"])
    assert kinds[-1] == "converged"


def test_a_rollout_never_serves_with_fewer_than_wanted(scene: Scene) -> None:
    """Promise 12: the next instance leaves once the balancer serves its successor."""
    scene.controller().converge([FLEET])
    scene.world.balancer_delay_seconds = 3.0
    scene.world.clock.sleep(10)
    scene.want(NEW)
    fewest: list[int] = []
    controller = Controller(
        scene.ports,
        Declared(policy=policy, frontend=frontend),
        holder="me",
        on_tick=lambda _: fewest.append(len(scene.balancer.serving(FLEET))),
        pace=Pace(parallel=1),
    )
    (result,) = controller.converge([FLEET])
    assert result.reached
    assert min(fewest) >= SIZE
    assert scene.running() == [(2, True)] * SIZE


def test_a_bad_release_goes_back_by_itself_and_is_told_as_such(scene: Scene) -> None:
    """Promise 1: what serves in the end is the old release, and it stays so; the result does not call it a success."""
    scene.controller().converge([FLEET])
    scene.world.behaviours[NEW.id] = Behaviour(never_healthy=True)
    scene.want(NEW)
    (result,) = scene.controller().converge([FLEET])
    assert (result.reached, result.rolled_back, result.asked, result.release) == (False, True, 2, 1)
    assert "back from r2 to r1" in result.reason
    assert scene.running() == [(1, True)] * SIZE
    (again,) = scene.controller().converge([FLEET])
    assert (again.reached, again.release) == (True, 1)


def test_a_first_release_that_is_bad_stops_with_its_reason(scene: Scene) -> None:
    """Promise 4: there is nothing to go back to, so it stops, and says why."""
    scene.world.behaviours[OLD.id] = Behaviour(dies_after_seconds=0.1)
    (result,) = scene.controller().converge([FLEET])
    assert (result.reached, result.rolled_back, result.phase) == (False, False, Phase.STOPPED)
    assert result.reason
    assert "stop" in scene.kinds()


def test_a_time_that_is_over_says_what_holds(scene: Scene) -> None:
    """Promise 4: the rule that makes it wait, not only that it took long."""
    scene.world.behaviours[OLD.id] = Behaviour(healthy_after_seconds=8)
    (result,) = scene.controller().converge([FLEET], timeout_seconds=3)
    assert (result.reached, result.timed_out) == (False, True)
    assert {hold.rule for hold in result.holds} == {Rule.STARTING}
    assert "waits (starting)" in result.reason


def test_a_paused_fleet_ends_at_once_and_says_so(scene: Scene) -> None:
    """Nothing is started."""
    scene.store.pause(FLEET, scene.world.clock.now(), paused=True)
    (result,) = scene.controller().converge([FLEET])
    assert (result.reached, result.phase, result.reason) == (False, Phase.PAUSED, "the fleet is paused")
    assert scene.running() == []


def test_secrets_are_resolved_at_launch_and_kept_nowhere(scene: Scene, tmp_path: Path) -> None:
    """The instance has the value; plan, story and database have the reference."""
    scene.want(revision(3, ("TOKEN", SecretReference(scheme="env", locator="known"))))
    (result,) = scene.controller().converge([FLEET])
    assert result.reached
    assert {machine.environment["TOKEN"] for machine in scene.world.living(FLEET)} == {"hunter2"}
    kept = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert b"known" in kept
    assert b"hunter2" not in kept


def test_a_secret_that_is_missing_refuses_the_launch(scene: Scene) -> None:
    """With its name as the reason; two in a row stop the revision as for any other failure."""
    scene.want(revision(3, ("TOKEN", SecretReference(scheme="env", locator="lost"))))
    (result,) = scene.controller().converge([FLEET])
    assert not result.reached
    target = scene.store.target(FLEET)
    assert target is not None
    assert {failure.kind for failure in target.failures} == {FailureKind.REFUSED}
    assert all("env:lost" in failure.detail for failure in target.failures)
    assert scene.running() == []


def test_several_fleets_converge_in_turns(scene: Scene) -> None:
    """Each has its own result, in the order asked; the slower does not hold up the other."""
    slow = revision(7)
    scene.world.behaviours[slow.id] = Behaviour(healthy_after_seconds=5)
    scene.want(slow, size=1, fleet=OTHER)
    ticks: list[Tick] = []
    api, web = scene.controller(ticks=ticks).converge([OTHER, FLEET])
    assert (api.fleet, api.reached, web.fleet, web.reached) == (OTHER, True, FLEET, True)
    done = next(number for number, tick in enumerate(ticks) if tick.plan and tick.plan.phase is Phase.CONVERGED)
    assert ticks[done].fleet == FLEET
    assert any(tick.fleet == OTHER for tick in ticks[done:])


def test_a_fleet_that_nobody_wants_is_named(scene: Scene) -> None:
    """With the verb that would want it."""
    with pytest.raises(Gone, match="nothing is wanted of shop/test/api") as refused:
        scene.controller().converge([OTHER])
    assert "repave deploy test" in refused.value.hint


def test_a_fleet_that_is_destroyed_meanwhile_ends(scene: Scene) -> None:
    """No instance is left unnamed: that is the destroyer's work."""

    def destroy(tick: Tick) -> None:
        if tick.outcomes:
            scene.store.forget(FLEET)

    declared = Declared(policy=policy, frontend=frontend)
    (result,) = Controller(scene.ports, declared, holder="me", on_tick=destroy, pace=Pace(parallel=1)).converge([FLEET])
    assert (result.reached, result.reason) == (False, "the fleet was destroyed meanwhile")


def test_another_aim_meanwhile_is_no_success_of_ours(scene: Scene) -> None:
    """Someone else asked for more: what they asked for is reached, not what we were asked."""

    def aim(tick: Tick) -> None:
        if tick.target.release == OLD.release:
            scene.want(NEW)

    declared = Declared(policy=policy, frontend=frontend)
    (result,) = Controller(scene.ports, declared, holder="me", on_tick=aim, pace=Pace(parallel=1)).converge([FLEET])
    assert (result.reached, result.rolled_back, result.release) == (False, False, 2)
    assert result.reason == "r2 was asked for meanwhile"


def test_keeping_heals_what_dies_until_it_is_told_to_end(scene: Scene) -> None:
    """The watch goes on after the fleet has converged."""
    scene.controller().converge([FLEET])
    victim = scene.balancer.serving(FLEET)[0]
    scene.world.kill(victim)
    began = scene.world.clock.now()
    scene.controller().keep([FLEET], until=lambda: (scene.world.clock.now() - began).total_seconds() > 30)
    assert scene.running() == [(1, True)] * SIZE
    assert victim not in scene.balancer.serving(FLEET)
    assert {"failure", "terminate"} <= set(scene.kinds())


def test_a_lost_balancer_is_started_again_and_filled(scene: Scene) -> None:
    """Its memory is gone, the instances are not: none of them is replaced."""
    scene.controller().converge([FLEET])
    before = scene.balancer.serving(FLEET)
    scene.world.kill_balancer()
    (result,) = scene.controller().converge([FLEET])
    assert result.reached
    assert scene.balancer.serving(FLEET) == before


def test_an_address_that_is_taken_ends_the_deploy_before_anything_starts(scene: Scene) -> None:
    """A person must mend it; instances nobody can reach would only cost."""

    class Taken(SimulatedBalancer):
        def ensure(self, frontend: Frontend) -> str:
            raise Conflict(f"{frontend.fleet}: the address is taken")

    ports = replace(scene.ports, traffic=Taken(scene.world))
    with pytest.raises(Conflict, match="taken"):
        Controller(ports, Declared(policy=policy, frontend=frontend), holder="me").converge([FLEET])
    assert scene.running() == []
    assert scene.store.lease(str(FLEET), scene.world.clock.now()) is None


def test_ctrl_c_ends_after_the_step_with_all_recorded_and_the_lease_given_back(scene: Scene) -> None:
    """What was launched is known; the next run goes on from there."""

    def interrupt(tick: Tick) -> None:
        if tick.outcomes:
            os.kill(os.getpid(), signal.SIGINT)

    before = signal.getsignal(signal.SIGINT)
    declared = Declared(policy=policy, frontend=frontend)
    with pytest.raises(KeyboardInterrupt):
        Controller(scene.ports, declared, holder="me", on_tick=interrupt, pace=Pace(parallel=1)).converge([FLEET])
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
    follower = Controller(scene.ports, declared, holder="follower", on_tick=follow, pace=Pace(parallel=1))
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
    controller = Controller(ports, declared, holder="me", on_tick=ticks.append, pace=Pace(parallel=1))
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
