"""Stories of false alarms: one instance that flaps, and many that fall sick at once."""

from storytelling import Tells

from repave.model.plan import Phase
from repave.simulation.world import Behaviour


def test_one_that_flaps_is_replaced_for_good(tells: Tells) -> None:
    """Promise 7: well and sick in turns: the third time within the window its replacement stays, and it goes."""
    story = tells("One of six falls sick for three seconds, every fifteen.")
    world = story.stage.world
    world.behaviours[story.stage.target.revision] = Behaviour(healthy_after_seconds=12.0)
    flapping = world.living(story.stage.fleet)[0]
    for _ in range(4):
        if not flapping.ended:
            world.hang(flapping.id)
            story.tell(f"{flapping.slot} hangs")
            story.run(4)
            world.cure(flapping.id)
            story.tell(f"{flapping.slot} answers again")
            story.run(11)
    assert story.settle() is Phase.CONVERGED
    story.compare("flapping")
    assert flapping.ended
    assert len(world.machines) - 6 <= 3, "it was replaced again and again"
    assert story.fewest == 5


def test_a_mass_failure_waits_for_a_person(tells: Tells) -> None:
    """Promise 6: all six hang: two are replaced, then nothing, for as long as nobody says that they are truly sick."""
    story = tells("All six hang, and nobody looks for a while.")
    for machine in story.stage.world.living(story.stage.fleet):
        story.stage.world.hang(machine.id)
    story.tell("all of r1 hang")
    story.run(300)
    assert len(story.stage.world.machines) == 8, "more were replaced than the limit"
    story.stage.store.allow_healing(story.stage.fleet, story.stage.world.clock.now())
    story.tell("a person has looked, and allows it")
    assert story.settle() is Phase.CONVERGED
    story.compare("mass_failure")
    assert story.stage.releases() == [1] * 6
