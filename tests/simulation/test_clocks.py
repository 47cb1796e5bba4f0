"""Clocks of controllers that are wrong: what is well stays, whatever they show."""

from datetime import timedelta

import pytest
from storytelling import Tells

from repave.model.plan import Phase
from repave.planner.failures import under_judgement
from repave.simulation.stage import Stage
from repave.simulation.world import Behaviour, World


@pytest.mark.parametrize("skew", [timedelta(hours=1), timedelta(seconds=30)])
def test_a_clock_that_is_set_forward_while_instances_start_condemns_none(tells: Tells, skew: timedelta) -> None:
    """An hour that no instance lived through is no evidence of a start that took too long."""
    stage = Stage(world=World(seed=1))
    story = tells(f"The controller's clock is set forward by {skew} in the middle of a rollout.", stage)
    story.deploy(2, behaviour=Behaviour(start_seconds=8.0))
    story.run(4)
    stage.world.skew = skew
    story.tell(f"the controller's clock is set forward by {skew}")
    assert story.settle() is Phase.CONVERGED
    assert stage.releases() == [2] * 6
    assert (story.failed, story.fewest) == (0, 6)
    assert not stage.target.failures


@pytest.mark.parametrize("skew", [timedelta(hours=1), timedelta(seconds=40)])
def test_while_a_clock_is_behind_what_came_is_not_told_again_with_every_look(tells: Tells, skew: timedelta) -> None:
    """Neither where the store passes over looks that seem overtaken, so that it does not learn who has come since."""
    stage = Stage(world=World(seed=1))
    story = tells(f"The controller's clock is set back by {skew}, and an instance dies.", stage)
    stage.world.skew = -skew
    stage.world.kill(min(stage.world.machines))
    assert story.settle() is Phase.CONVERGED
    story.run(10)
    told = stage.store.newest_event()
    story.run(60)
    assert [event.message for event in stage.store.events(after=told)] == []


def test_a_clock_that_is_set_back_after_a_deployment_holds_nothing_up(tells: Tells) -> None:
    """The release is proven, and the fleet at rest, long before the clock is where it was."""
    stage = Stage(world=World(seed=1))
    story = tells("The controller's clock is set back by an hour right after a deployment.", stage)
    story.deploy(2)
    stage.world.skew = -timedelta(hours=1)
    story.tell("the controller's clock is set back by an hour")
    assert story.settle() is Phase.CONVERGED
    assert stage.releases() == [2] * 6
    assert not under_judgement(stage.target)


def test_a_clock_that_was_ahead_and_is_right_again_hides_nothing(tells: Tells) -> None:
    """What is kept of the fleet is what is seen now, also while nothing changes, and not what the wrong clock dated."""
    stage = Stage(world=World(seed=1))
    story = tells("The controller's clock is a day ahead for a while.", stage)
    stage.world.skew = timedelta(days=1)
    story.run(5)
    stage.world.skew = timedelta()
    story.run(5)
    (fleet,) = stage.store.fleets()
    newest, now = stage.store.last_seen(fleet), stage.world.clock.now()
    assert newest is not None
    assert abs(now - newest.at) < timedelta(seconds=5)
    stage.world.kill(min(stage.world.machines))
    assert story.settle() is Phase.CONVERGED
    there = {machine.id for machine in stage.world.living(fleet)}
    lives = stage.store.lifetimes(fleet, living=True)
    assert {one.instance for one in lives} == there
    assert all(one.first_seen <= one.last_seen <= stage.world.clock.now() for one in lives)
