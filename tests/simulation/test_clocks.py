"""Clocks of controllers that are wrong: what is well stays, whatever they show."""

from datetime import timedelta

import pytest
from storytelling import Tells

from repave.model.plan import Phase
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
