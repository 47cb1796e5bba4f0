"""Blue/green, told as stories: see ``storytelling``."""

from dataclasses import replace
from datetime import timedelta

import pytest
from storytelling import Story, Tells

from repave.model.plan import Phase, Rule
from repave.model.policy import RolloutPolicy
from repave.model.wishes import Protection
from repave.simulation.stage import POLICY, Stage
from repave.simulation.world import Behaviour, ControllerKilled, Fault, World

BLUE_GREEN = replace(POLICY, rollout=RolloutPolicy(strategy="blue-green", keep_seconds=120.0))


def begin(tells: Tells, title: str) -> Story:
    """Six of r1, and a policy that switches."""
    return tells(title, Stage(world=World(seed=1), policy=BLUE_GREEN))


def test_all_requests_go_over_at_once(tells: Tells) -> None:
    """A whole new group beside the old, then the switch, then the old is kept for a time, and goes."""
    story = begin(tells, "A release is rolled out blue/green over six instances in three zones.")
    story.deploy(2)
    story.run(2)
    assert set(story.stage.releases()) == {1}, "requests reach the new group before it is whole"
    assert story.settle() is Phase.CONVERGED
    story.compare("blue_green")
    assert (story.failed, story.fewest, story.most) == (0, 6, 12)
    assert story.stage.releases() == [2] * 6


def test_a_new_group_that_fails_never_gets_a_request(tells: Tells) -> None:
    """Two of it never become healthy: it is stopped and removed, and the old one has never ceased to serve."""
    story = begin(tells, "A release that never becomes healthy is rolled out blue/green.")
    story.deploy(2, behaviour=Behaviour(never_healthy=True))
    assert story.settle() is Phase.CONVERGED
    story.compare("blue_green_bad")
    assert (story.failed, story.fewest, story.stage.releases()) == (0, 6, [1] * 6)
    assert not [event for event in story.stage.store.events(story.stage.fleet) if event.kind == "switch"]


def test_a_release_that_fails_after_the_switch_is_switched_back(tells: Tells) -> None:
    """Promise 1: it falls ill while the old group is kept: requests go back at once, and nothing is launched for it."""
    story = begin(tells, "A release falls ill a minute after the switch.")
    story.deploy(2, behaviour=Behaviour(ill_after_seconds=60.0))
    assert story.settle() is Phase.CONVERGED
    story.compare("blue_green_back")
    launched = [machine for machine in story.stage.world.machines.values() if machine.revision.release == 1]
    assert len(launched) == 6, "the way back is instant: nothing was launched for it"
    assert story.stage.releases() == [1] * 6


def test_a_person_goes_back_without_a_launch(tells: Tells) -> None:
    """Within the time, a rollback is a switch: no instance is started, no request fails."""
    story = begin(tells, "A person goes back half a minute after the switch.")
    story.deploy(2)
    story.run(30)
    assert story.stage.releases() == [2] * 6
    story.deploy(1)
    story.run(1)
    assert story.stage.releases() == [1] * 6, "the way back is not instant"
    assert story.settle() is Phase.CONVERGED
    story.compare("blue_green_rollback")
    assert len(story.stage.world.machines) == 12
    assert (story.failed, story.fewest) == (0, 6)


@pytest.mark.parametrize("verb", ["admit", "stand by"])
@pytest.mark.parametrize("fault", [Fault.KILLED_BEFORE, Fault.KILLED_AFTER])
def test_a_switch_survives_the_controller(tells: Tells, verb: str, fault: Fault) -> None:
    """Killed at the third order of the switch, it goes on where it was; no request fails, fewer never serve."""
    story = begin(tells, f"The controller is killed in the middle of the switch ({verb}, {fault}).")
    world, count = story.stage.world, 0

    def strike(_number: int, name: str, _chance: object) -> Fault | None:
        nonlocal count
        count += name == verb
        return fault if name == verb and count == 3 else None

    story.deploy(2)
    world.fault = strike
    with pytest.raises(ControllerKilled):
        story.run(60)
    story.tell("the controller is killed, and started again")
    assert story.settle() is Phase.CONVERGED
    story.compare(f"blue_green_killed_{verb.replace(' ', '_')}_{fault.name.lower()}")
    assert (story.failed, story.fewest, story.most) == (0, 6, 12)
    assert not story.stage.astray()


def test_a_balancer_that_dies_forgets_no_switch(tells: Tells) -> None:
    """What it knew is gone; who served serves again, who stood by stands by again, and is still kept."""
    story = begin(tells, "The balancer dies while the old group is kept.")
    story.deploy(2)
    story.run(20)
    story.stage.world.kill_balancer()
    story.tell("the balancer dies")
    story.run(20)
    assert story.stage.releases() == [2] * 6
    plan = story.stage.store.last_plan(story.stage.fleet)
    assert plan is not None
    assert [hold.rule for hold in plan.holds] == [Rule.KEPT] * 6
    assert story.settle() is Phase.CONVERGED
    story.compare("blue_green_balancer")


def test_a_balancer_that_dies_before_a_third_switch_sends_nothing_to_the_first(tells: Tells) -> None:
    """One of the first release is protected, and stands by while the second serves and the third waits for room."""
    story = begin(tells, "The balancer dies before the switch to a third release.")
    stage = story.stage
    story.deploy(2)
    story.run(20)
    [first, *_] = (machine for machine in stage.world.living(stage.fleet) if machine.revision.release == 1)
    now = stage.world.clock.now()
    stage.store.protect(stage.fleet, Protection(slot=first.slot, since=now, until=now + timedelta(minutes=1)))
    story.deploy(3)
    story.run(2)
    stage.world.kill_balancer()
    served: set[int] = set()
    for _ in range(10):
        story.run(1)
        served |= set(stage.releases())
    assert served == {2}
    assert story.settle() is Phase.CONVERGED
    assert stage.releases() == [3] * 6


def test_where_too_few_serve_the_ready_help_out(tells: Tells) -> None:
    """Two of the old die while the new group is not whole: two that are ready take their place before the switch."""
    story = begin(tells, "Two old instances die while one of the new group is slow.")
    stage = story.stage
    story.deploy(2)
    story.run(1)
    slow = stage.world.living(stage.fleet)[-1]
    slow.behaviour = Behaviour(healthy_after_seconds=15.0)
    story.tell(f"{slow.slot} needs long")
    story.run(4)
    for machine in stage.world.living(stage.fleet)[:2]:
        stage.world.kill(machine.id)
        story.tell(f"{machine.slot} is killed")
    story.run(2)
    assert stage.releases() == [1] * 4 + [2] * 2
    assert story.settle() is Phase.CONVERGED
    story.compare("blue_green_gap")
    assert story.failed == 0


def test_a_sick_fleet_does_not_block_its_cure(tells: Tells) -> None:
    """Promise 3: all of the old hang; the new ones get requests one by one as they become healthy."""
    story = begin(tells, "The whole old release hangs, and its cure is deployed blue/green.")
    for machine in story.stage.world.living(story.stage.fleet):
        story.stage.world.hang(machine.id)
    story.tell("all of r1 hang")
    story.run(5)
    story.deploy(2)
    story.run(3)
    assert story.stage.releases() == [2] * 6
    assert story.settle() is Phase.CONVERGED
    story.compare("blue_green_cure")


def test_a_third_release_needs_no_third_group(tells: Tells) -> None:
    """Deployed while the first is kept: the kept one goes, so that never more than twice the size are alive."""
    story = begin(tells, "A third release is deployed half a minute after the switch to the second.")
    story.deploy(2)
    story.run(30)
    story.deploy(3)
    assert story.settle() is Phase.CONVERGED
    story.compare("blue_green_third")
    assert (story.failed, story.fewest, story.most) == (0, 6, 12)
    assert story.stage.releases() == [3] * 6


def test_a_third_release_that_fails_goes_back_to_the_second(tells: Tells) -> None:
    """Promise 1: the second carried the whole fleet in good health, though the first was still kept beside it."""
    story = begin(tells, "A third release never becomes healthy; it was deployed half a minute after the switch.")
    story.deploy(2)
    story.run(30)
    story.deploy(3, behaviour=Behaviour(never_healthy=True))
    assert story.settle() is Phase.CONVERGED
    story.compare("blue_green_third_bad")
    assert (story.failed, story.fewest) == (0, 6)
    assert story.stage.releases() == [2] * 6
    assert story.stage.target.release == 2
