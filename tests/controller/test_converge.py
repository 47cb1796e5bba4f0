"""The controller over a simulated world: what it promises when it says that it is done."""

from dataclasses import replace
from pathlib import Path

import pytest
from convergence import FLEET, NEW, OLD, OTHER, PACE, SIZE, Scene, frontend, policy, revision

from repave.controller.converge import Controller
from repave.controller.ports import Declared
from repave.controller.tick import Tick
from repave.model.plan import Phase, Rule
from repave.model.release import SecretReference
from repave.model.target import FailureKind
from repave.ports.errors import Conflict, Gone
from repave.ports.traffic import Frontend
from repave.simulation.balancer import SimulatedBalancer
from repave.simulation.world import Behaviour


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
        pace=PACE,
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
    assert not result.overtaken
    assert "back from r2 to r1" in result.reason
    assert scene.running() == [(1, True)] * SIZE
    (again,) = scene.controller().converge([FLEET])
    assert (again.reached, again.release) == (True, 1)


def test_going_back_to_other_settings_of_one_release_is_told_as_such(scene: Scene) -> None:
    """What failed is what the file says of it, not the release: "from r1 to r1" would tell nobody anything."""
    scene.controller().converge([FLEET])
    changed = replace(OLD, configuration=(("LOG_LEVEL", "loud"),))
    scene.world.behaviours[changed.id] = Behaviour(never_healthy=True)
    scene.want(changed)
    (result,) = scene.controller().converge([FLEET])
    assert (result.rolled_back, result.asked, result.release) == (True, 1, 1)
    assert result.reason.startswith("back to r1 as it was set up before: ")


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
    (result,) = Controller(scene.ports, declared, holder="me", on_tick=destroy, pace=PACE).converge([FLEET])
    assert (result.reached, result.overtaken, result.reason) == (False, True, "the fleet was destroyed meanwhile")


def test_another_aim_meanwhile_is_no_success_of_ours(scene: Scene) -> None:
    """Someone else asked for more: what they asked for is reached, not what we were asked."""

    def aim(tick: Tick) -> None:
        if tick.target.release == OLD.release:
            scene.want(NEW)

    declared = Declared(policy=policy, frontend=frontend)
    (result,) = Controller(scene.ports, declared, holder="me", on_tick=aim, pace=PACE).converge([FLEET])
    assert (result.reached, result.rolled_back, result.overtaken, result.release) == (False, False, True, 2)
    assert result.reason == "r2 was asked for meanwhile; r1 is not rolled out any more"


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
