"""Canaries, told as stories: see ``storytelling``."""

from dataclasses import replace

import pytest
from storytelling import Story, Tells

from repave.model.plan import Phase, Rule
from repave.model.policy import RolloutPolicy
from repave.operations.pause import pause
from repave.simulation.stage import POLICY, Stage
from repave.simulation.world import Behaviour, ControllerKilled, Fault, World

CANARY = RolloutPolicy(strategy="canary", pause_seconds=60.0)
BUSY = 600.0
"""Requests a second, of all of the fleet."""


def begin(tells: Tells, title: str, *, load: float = BUSY, rollout: RolloutPolicy = CANARY) -> Story:
    """Six of r1 under this load."""
    stage = Stage(world=World(seed=1), policy=replace(POLICY, rollout=rollout))
    stage.world.load[stage.fleet] = lambda _: load
    return tells(title, stage)


def told(story: Story, kind: str) -> list[str]:
    """What was recorded of this kind."""
    return [event.message for event in story.stage.store.events(story.stage.fleet) if event.kind == kind]


def test_a_good_release_takes_over_step_by_step(tells: Tells) -> None:
    """One of six, then three, then the rest; each step is judged by the answers of both sides."""
    story = begin(tells, "A release is rolled out as a canary over six instances in three zones.")
    story.deploy(2)
    story.run(30)
    assert story.stage.releases() == [1] * 5 + [2]
    story.run(60)
    assert story.stage.releases() == [1] * 3 + [2] * 3
    assert story.settle() is Phase.CONVERGED
    story.compare("canary")
    assert (story.failed, story.fewest, story.most) == (0, 6, 8)
    assert all("of the baseline" in message for message in told(story, "canary"))


@pytest.mark.parametrize(
    ("name", "behaviour"),
    [("errors", Behaviour(error_share=0.1)), ("slow", Behaviour(latency_seconds=0.5))],
)
def test_a_release_that_answers_worse_is_rolled_back(tells: Tells, name: str, behaviour: Behaviour) -> None:
    """Its checks are good, its answers are not: only one of six ever ran it."""
    story = begin(tells, f"A canary answers worse than the old release: {name}.")
    story.deploy(2, behaviour=behaviour)
    assert story.settle() is Phase.CONVERGED
    story.compare(f"canary_{name}")
    assert story.stage.releases() == [1] * 6
    assert sum(machine.revision.release == 2 for machine in story.stage.world.machines.values()) == 1
    assert story.fewest == 6


def test_little_traffic_is_neither_bad_nor_silently_good(tells: Tells) -> None:
    """Promise 13: too few answers to judge by; it goes on on health alone, and that is recorded."""
    story = begin(tells, "A canary in a fleet that hardly anybody asks.", load=0.1)
    story.deploy(2, behaviour=Behaviour(error_share=0.5))
    assert story.settle() is Phase.CONVERGED
    story.compare("canary_quiet")
    assert story.stage.releases() == [2] * 6
    assert len(told(story, "canary")) == 2
    assert all("health alone" in message for message in told(story, "canary"))


def test_a_canary_that_dies_stops_the_rest(tells: Tells) -> None:
    """Without a single answer measured: its checks alone are enough."""
    story = begin(tells, "A canary dies as soon as it serves.", load=0.0)
    story.deploy(2, behaviour=Behaviour(dies_after_seconds=5.0))
    assert story.settle() is Phase.CONVERGED
    story.compare("canary_dies")
    assert story.stage.releases() == [1] * 6
    assert sum(machine.revision.release == 2 for machine in story.stage.world.machines.values()) == 2


def test_a_checkpoint_waits_for_a_person(tells: Tells) -> None:
    """After each step it says for what it waits, and does nothing; a person lets it go on."""
    story = begin(tells, "A canary whose steps wait for a person.", rollout=replace(CANARY, checkpoint=True))
    stage = story.stage
    story.deploy(2)
    for expected in ([1] * 5 + [2], [1] * 3 + [2] * 3):
        assert story.settle() is Phase.ROLLING
        story.run(600)
        assert stage.releases() == expected
        plan = stage.store.last_plan(stage.fleet)
        assert plan is not None
        assert [hold.rule for hold in plan.holds if hold.subject == "fleet"] == [Rule.CHECKPOINT]
        pause((stage.fleet,), stage.store, stage.world.clock, paused=False)
        story.tell("a person lets it go on")
    assert story.settle() is Phase.CONVERGED
    story.compare("canary_checkpoint")
    assert (story.failed, story.fewest) == (0, 6)


def test_old_ones_that_die_meanwhile_are_replaced(tells: Tells) -> None:
    """Capacity comes before caution: what is lost of the old during a step is made up for by new ones."""
    story = begin(tells, "Two old instances die while the canary is judged.")
    stage = story.stage
    story.deploy(2)
    story.run(20)
    old = [machine for machine in stage.world.living(stage.fleet) if machine.revision.release == 1]
    for machine in old[:2]:
        stage.world.kill(machine.id)
        story.tell(f"{machine.slot} is killed")
    story.run(10)
    assert stage.releases() == [1] * 3 + [2] * 3
    assert story.settle() is Phase.CONVERGED
    story.compare("canary_gap")


def test_a_way_back_takes_no_steps(tells: Tells) -> None:
    """A person goes back from the second step: at once, batch by batch."""
    story = begin(tells, "A person goes back in the middle of a canary.")
    story.deploy(2)
    story.run(90)
    story.deploy(1)
    story.run(30)
    assert story.stage.releases() == [1] * 6
    assert story.settle() is Phase.CONVERGED
    story.compare("canary_rollback")
    assert (story.failed, story.fewest) == (0, 6)


def test_a_canary_survives_the_controller(tells: Tells) -> None:
    """Killed while the first step is judged, the next goes on where it was, and does not begin the step anew."""
    story = begin(tells, "The controller is killed in the middle of a step.")
    world = story.stage.world
    story.deploy(2)
    story.run(30)
    world.fault = lambda _number, _name, _chance: Fault.KILLED_BEFORE
    with pytest.raises(ControllerKilled):
        story.run(5)
    world.fault = None
    story.tell("the controller is killed, and started again")
    story.run(40)
    assert story.stage.releases() == [1] * 3 + [2] * 3
    assert story.settle() is Phase.CONVERGED
    story.compare("canary_killed")
    assert not story.stage.astray()


COLD = Behaviour(warms_up_seconds=45.0)
"""Whatever it runs, the first answers of an instance are slow."""


@pytest.mark.parametrize(("baseline", "answered"), [("fresh", [2] * 6), ("running", [1] * 6)])
def test_cold_caches_are_held_against_nobody(tells: Tells, baseline: str, answered: list[int]) -> None:
    """Beside others as young a slow start is no fault; beside those that run a good release would be sent back."""
    story = begin(
        tells, f"All instances start with cold caches: {baseline}.", rollout=replace(CANARY, baseline=baseline)
    )
    story.stage.want(1, 6, COLD)
    story.deploy(2, behaviour=COLD)
    assert story.settle() is Phase.CONVERGED
    assert story.stage.releases() == answered
    assert (story.failed, story.fewest) == (0, 6)


def test_a_baseline_that_does_not_come_up_holds_nothing_up(tells: Tells) -> None:
    """Nothing of the old release starts any more: the canary is compared with the old that run, and goes on."""
    story = begin(tells, "A canary is rolled out, and the old release cannot be started any more.")
    story.stage.want(1, 6, Behaviour(never_healthy=True))
    story.deploy(2)
    assert story.settle() is Phase.CONVERGED
    story.compare("canary_no_baseline")
    assert story.stage.releases() == [2] * 6
    assert (story.failed, story.fewest) == (0, 6)
    assert all("of the old" in message for message in told(story, "canary"))
