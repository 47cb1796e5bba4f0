"""Scenarios, told so that a person can read them; each is compared with the story that was read and found right."""

from datetime import timedelta

import pytest
from storytelling import Tells

from repave.model.plan import Phase
from repave.model.target import ZoneOut
from repave.simulation.stage import POLICY
from repave.simulation.world import Behaviour, ControllerKilled, Fault


def test_a_patch_is_rolled_out(tells: Tells) -> None:
    """Promise 12: batch by batch, launch first; six answer all the time, and no request fails."""
    story = tells("A patch is rolled out over six instances in three zones.")
    story.deploy(2)
    assert story.settle() is Phase.CONVERGED
    story.compare("patch")
    assert (story.failed, story.fewest, story.most) == (0, 6, 8)
    assert story.stage.releases() == [2] * 6


def test_a_bad_release_goes_back_by_itself(tells: Tells) -> None:
    """Promise 1: two fail in a row, nothing more of it is launched, the wanted release goes back, and stays back."""
    story = tells("A release that never becomes healthy is stopped and rolled back.")
    story.deploy(2, behaviour=Behaviour(never_healthy=True))
    assert story.settle() is Phase.CONVERGED
    assert story.stage.target.release == 1
    launched = len(story.stage.world.machines)
    story.run(300)
    story.compare("rollback")
    assert len(story.stage.world.machines) == launched, "it came again"
    assert (story.failed, story.stage.releases()) == (0, [1] * 6)


def test_a_release_that_dies_after_a_while_goes_back(tells: Tells) -> None:
    """Promise 1: halfway through, the new ones die one after the other; the old ones come back to full strength."""
    story = tells("A release that dies when it has served for a while is rolled back halfway.")
    story.deploy(2, behaviour=Behaviour(dies_after_seconds=8.0))
    assert story.settle() is Phase.CONVERGED
    story.compare("rollback_halfway")
    assert story.stage.releases() == [1] * 6


def test_two_bad_releases_do_not_take_turns(tells: Tells) -> None:
    """Promise 1: what was good once and now fails too is not returned to for ever: it stops, and says so."""
    story = tells("The release that is rolled back to has gone bad as well.")
    old = next(iter(story.stage.world.machines.values())).revision
    story.stage.world.behaviours[old.id] = Behaviour(never_healthy=True)
    for machine in story.stage.world.living(story.stage.fleet):
        story.stage.world.hang(machine.id)
    story.tell("all of r1 hang, and new ones of it would never be healthy")
    story.deploy(2, behaviour=Behaviour(never_healthy=True))
    assert story.settle() is Phase.STOPPED
    launched = len(story.stage.world.machines)
    story.run(1200)
    story.compare("no_ping_pong")
    assert len(story.stage.world.machines) == launched, "it went on trying"


def test_a_sick_fleet_does_not_block_its_cure(tells: Tells) -> None:
    """Promise 3: all of the old hang; the new one is launched at once in full, and the sick leave as it serves."""
    story = tells("The whole old release hangs, and its cure is deployed.")
    for machine in story.stage.world.living(story.stage.fleet):
        story.stage.world.hang(machine.id)
    story.tell("all of r1 hang")
    story.run(5)
    story.deploy(2)
    assert story.settle(60) is Phase.CONVERGED
    story.compare("cure")
    assert story.stage.releases() == [2] * 6


def test_healing_has_a_limit(tells: Tells) -> None:
    """Promise 4: of four that hang, two are replaced; the others wait for the window, and the reason is told."""
    story = tells("Four of six hang at once: it might be a false alarm.")
    for machine in story.stage.world.living(story.stage.fleet)[:4]:
        story.stage.world.hang(machine.id)
        story.tell(f"{machine.slot} hangs")
    story.run(30)
    assert len(story.stage.releases()) == 4
    assert story.settle() is Phase.CONVERGED
    story.compare("healing_limit")


def test_a_false_alarm_costs_nothing(tells: Tells) -> None:
    """All hang and come back before anything could serve in their place: none of them was thrown away."""
    story = tells("All six seem to hang for eight seconds.")
    before = story.stage.world.living(story.stage.fleet)
    for machine in before:
        story.stage.world.hang(machine.id)
    story.tell("all of r1 hang")
    story.run(4)
    for machine in before:
        story.stage.world.cure(machine.id)
    story.tell("all of r1 are well again")
    assert story.settle() is Phase.CONVERGED
    story.compare("false_alarm")
    assert sum(not machine.ended for machine in before) >= 4


def test_a_killed_instance_is_replaced(tells: Tells) -> None:
    """A process ends; another is started at once, and no request fails."""
    story = tells("One instance's process is killed.")
    story.stage.world.kill(story.stage.world.living(story.stage.fleet)[2].id)
    story.tell("web-3 is killed")
    story.run(1)
    assert story.settle() is Phase.CONVERGED
    story.compare("killed")
    assert (story.failed, story.stage.releases()) == (0, [1] * 6)


def test_a_zone_is_lost_and_comes_back(tells: Tells) -> None:
    """Its instances are replaced elsewhere at once; when it is back, the fleet is evened out, one at a time."""
    story = tells("Zone c is lost, and comes back ten minutes later.")
    story.stage.world.stop_zone(POLICY.zones[2])
    story.tell("zone c is lost")
    story.run(1)
    assert story.settle() is Phase.CONVERGED
    story.run(600)
    story.stage.world.start_zone(POLICY.zones[2])
    story.tell("zone c is back")
    story.run(600)
    assert story.settle() is Phase.CONVERGED
    story.compare("zone")
    zones = [machine.zone for machine in story.stage.world.living(story.stage.fleet)]
    assert sorted(zones) == ["a", "a", "b", "b", "c", "c"]
    assert story.failed == 0


def test_a_zone_falls_silent(tells: Tells) -> None:
    """Its instances run, and answer nothing: they are made up for in the others at once, whatever the healing limit."""
    story = tells("Zone c is cut off: its instances run on, and answer nothing.")
    for machine in story.stage.world.living(story.stage.fleet):
        if machine.zone == POLICY.zones[2]:
            story.stage.world.hang(machine.id)
    story.tell("zone c is cut off")
    story.run(10)
    assert story.settle() is Phase.CONVERGED
    story.compare("zone_silent")
    assert {machine.zone for machine in story.stage.world.living(story.stage.fleet)} == {"a", "b"}
    assert [event.kind for event in story.stage.store.events(story.stage.fleet)].count("heal") == 0


def test_a_rollout_goes_on_without_a_lost_zone(tells: Tells) -> None:
    """Promise 1: what goes down with its zone says nothing of the release: it is neither stopped nor rolled back."""
    story = tells("Zone c is lost in the middle of a roll-out.")
    story.deploy(2)
    story.run(4)
    story.stage.world.stop_zone(POLICY.zones[2])
    story.tell("zone c is lost")
    assert story.settle() is Phase.CONVERGED
    story.compare("zone_in_rollout")
    assert story.stage.releases() == [2] * 6


def test_a_person_takes_a_zone_out(tells: Tells) -> None:
    """Promise 7: moved launch first, by one budget; six answer all the time; then the zone is used again."""
    story = tells("A person takes zone c out for five minutes.")
    now = story.stage.world.clock.now()
    until = now + timedelta(minutes=5)
    out = ZoneOut(zone=POLICY.zones[2], since=now, until=until, reason="power works")
    story.stage.store.take_out(story.stage.fleet, out)
    story.tell("zone c is taken out")
    assert story.settle() is Phase.CONVERGED
    assert {machine.zone for machine in story.stage.world.living(story.stage.fleet)} == {"a", "b"}
    story.run(300)
    assert story.settle() is Phase.CONVERGED
    story.compare("zone_out")
    assert (story.failed, story.fewest) == (0, 6)
    zones = [machine.zone for machine in story.stage.world.living(story.stage.fleet)]
    assert sorted(zones) == ["a", "a", "b", "b", "c", "c"]


def test_a_slow_balancer_is_waited_for(tells: Tells) -> None:
    """Promise 12: the balancer is ten seconds behind; the old ones stay until it itself serves the new ones."""
    story = tells("A patch is rolled out behind a balancer that is ten seconds late.")
    story.stage.world.balancer_delay_seconds = 10.0
    story.deploy(2)
    assert story.settle() is Phase.CONVERGED
    story.compare("slow_balancer")
    assert (story.failed, story.fewest) == (0, 6)


def test_a_time_out_that_had_worked_starts_nothing_twice(tells: Tells) -> None:
    """Promise 8: every launch and every end times out after having worked; there is one instance for each slot."""
    story = tells("Every launch and every end is answered too late.")
    story.stage.world.fault = lambda _number, name, _chance: (
        Fault.TIMED_OUT if name in {"launch", "terminate"} else None
    )
    story.deploy(2)
    assert story.settle() is Phase.CONVERGED
    story.compare("time_outs")
    assert len(story.stage.world.machines) == 12
    assert not story.stage.astray()
    assert not story.stage.doubled()


def test_success_is_not_told_before_it_is_true(tells: Tells) -> None:
    """Promise 2: the new release takes long to become healthy; until the last of it serves, it is not done."""
    story = tells("A release that needs fifteen seconds to become healthy.")
    story.deploy(2, behaviour=Behaviour(healthy_after_seconds=15.0))
    story.run(1)
    while not (story.stage.releases() == [2] * 6 and len(story.stage.world.living(story.stage.fleet)) == 6):
        assert Phase.CONVERGED not in story.phases, "success was told too early"
        story.run(1)
    assert story.settle() is Phase.CONVERGED
    story.compare("slow_start")


def test_nothing_waits_without_a_reason(tells: Tells) -> None:
    """Promise 4: blind, paused, and stopped with nothing to go back to: each time the one rule is told."""
    story = tells("A fleet that cannot be seen, is paused, and then gets a release that cannot start.")
    stage = story.stage
    stage.world.partial = "page 2 of the list is missing"
    story.tell("the provider's list is partial")
    story.deploy(2)
    story.run(5)
    stage.world.partial = ""
    stage.store.pause(stage.fleet, stage.world.clock.now(), paused=True)
    story.tell("the list is whole again; an operator pauses the fleet")
    story.run(5)
    stage.store.unbootable(stage.fleet, [proof.revision for proof in stage.target.proven])
    stage.store.pause(stage.fleet, stage.world.clock.now(), paused=False)
    story.deploy(3, behaviour=Behaviour(dies_after_seconds=0.0))
    story.tell("the fleet goes on; r1 could not be started any more")
    assert story.settle() is Phase.STOPPED
    story.run(60)
    story.compare("reasons")
    assert (story.failed, stage.releases()) == (0, [1] * 6)


def test_a_crash_loop_is_slowed_down(tells: Tells) -> None:
    """A proven release begins to die again and again: it is started less and less often, and never given up."""
    story = tells("A release that carried the fleet begins to die as soon as it serves.")
    for machine in story.stage.world.living(story.stage.fleet):
        machine.behaviour = Behaviour(dies_after_seconds=70.0)
    story.stage.world.behaviours[story.stage.target.revision] = Behaviour(dies_after_seconds=6.0)
    story.tell("r1 begins to die")
    story.run(240)
    text = story.compare("crash_loop")
    assert "the next try waits" in text
    starts = len(story.stage.world.machines) - 6
    assert 6 <= starts <= 50, f"{starts} starts in four minutes"
    assert story.stage.target.stopped == "", "a proven release is not given up"


def test_a_controller_that_is_killed_leaves_no_trace(tells: Tells) -> None:
    """Promise 8: killed after the commit and before the launches, the same slots are launched by the next one."""
    story = tells("The controller is killed between commit and launch.")
    world = story.stage.world
    story.deploy(2)
    world.fault = lambda _number, name, _chance: Fault.KILLED_BEFORE if name == "launch" else None
    with pytest.raises(ControllerKilled):
        story.run(1)
    story.tell("the controller is killed before its first launch")
    world.fault = None
    assert story.settle() is Phase.CONVERGED
    story.compare("killed_controller")
    assert [str(slot) for slot in world.launches] == [f"web-{number}" for number in range(1, 13)]


def test_what_is_revoked_is_retired_where_something_good_is_known(tells: Tells) -> None:
    """Promise 1: back to the good release; without one what serves goes on, is not healed, and the reason is told."""
    story = tells("The wanted release is revoked, then the one it went back to; a good one ends it.")
    stage = story.stage
    story.deploy(2)
    story.settle()
    stage.revoke(2)
    story.tell("r2 is revoked")
    assert story.settle() is Phase.CONVERGED
    assert stage.releases() == [1] * 6
    stage.revoke(1)
    story.tell("r1 is revoked too")
    story.run(30)
    victim = stage.world.living(stage.fleet)[0]
    stage.world.kill(victim.id)
    story.tell(f"{victim.slot} is killed")
    assert story.settle() is Phase.STOPPED
    story.run(60)
    assert stage.releases() == [1] * 5, "what serves is not broken, and nothing of it is started"
    story.deploy(3)
    assert story.settle() is Phase.CONVERGED
    story.compare("revoked")
    assert (story.failed, stage.releases()) == (0, [3] * 6)
