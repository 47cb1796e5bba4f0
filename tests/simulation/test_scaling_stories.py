"""A size that follows its load, told as stories: see ``storytelling``."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

from storytelling import Story, Tells

from repave.model.amount import Amount
from repave.model.names import ZoneName
from repave.model.plan import Phase
from repave.model.scaling import MetricTarget, Scale, ScalePolicy, ScheduledSize
from repave.simulation.stage import POLICY, Stage
from repave.simulation.world import World

SCALE = ScalePolicy(
    lowest=3,
    highest=9,
    targets=(MetricTarget(metric="requests_per_instance", value=10),),
    in_after_seconds=60.0,
    in_per_hour=Amount(value=100, percent=True),
    cool_down_seconds=20.0,
    window_seconds=12.0,
)
"""Quick, that a story stays short."""


def loaded(tells: Tells, title: str, scale: ScalePolicy = SCALE) -> Story:
    """Six instances, each of which answers the ten requests a second that it should."""
    stage = Stage(world=World(seed=1), policy=replace(POLICY, scale=scale))
    stage.world.load[stage.fleet] = constant(60)
    return tells(title, stage)


def constant(rate: float) -> Callable[[datetime], float]:
    """So many requests a second, always."""
    return lambda _: rate


def turn_to(story: Story, rate: float) -> None:
    """From now on so many requests a second arrive."""
    story.stage.world.load[story.stage.fleet] = constant(rate)
    story.tell(f"{rate:g} requests a second arrive from now on")


def test_the_size_follows_the_load(tells: Tells) -> None:
    """Up at once, down once the load has been gone for a minute, and never beyond the range."""
    story = loaded(tells, "The load of six instances becomes that of eight, then that of two.")
    turn_to(story, 80)
    story.run(60)
    assert story.stage.target.size == 8
    turn_to(story, 20)
    story.run(120)
    assert story.settle() is Phase.CONVERGED
    story.compare("scaling")
    assert (story.failed, story.stage.releases()) == (0, [1] * 3)


def test_without_data_the_size_stays(tells: Tells) -> None:
    """What measures is silent just when the load falls: that nothing is measured is not that nothing is asked."""
    story = loaded(tells, "What measures falls silent, and then the load is gone.")
    story.stage.world.unmeasured = "the monitoring system is down"
    story.tell("nothing is measured any more")
    turn_to(story, 0)
    story.run(300)
    assert story.stage.target.size == 6
    story.stage.world.unmeasured = ""
    story.tell("it is measured again")
    story.run(120)
    story.compare("scaling_unmeasured")
    assert (story.failed, story.stage.releases()) == (0, [1] * 3)


def test_nothing_is_taken_away_while_a_zone_is_out(tells: Tells) -> None:
    """Promise 7: the scaler waits for the healer, and says so."""
    story = loaded(tells, "The load is gone while a zone is out.")
    story.stage.world.stop_zone(ZoneName("c"))
    story.tell("zone c is lost")
    turn_to(story, 20)
    sizes = set()
    for _ in range(8):
        story.run(30)
        sizes.add(story.stage.target.size)
    assert sizes == {6}
    story.stage.world.start_zone(ZoneName("c"))
    story.tell("zone c is back")
    story.run(600)
    story.compare("scaling_zone")
    assert story.stage.releases() == [1] * 3


def test_a_rollout_is_no_time_to_take_away(tells: Tells) -> None:
    """The load falls in the middle of a roll-out: the new release takes over six places, and then the size falls."""
    story = loaded(tells, "The load is gone in the middle of a roll-out.")
    story.stage.world.drain_seconds = 8.0
    story.deploy(2)
    story.run(5)
    turn_to(story, 20)
    story.run(300)
    story.compare("scaling_rollout")
    assert (story.failed, story.stage.releases()) == (0, [2] * 3)


def test_a_schedule_raises_the_size_before_the_load_comes(tells: Tells) -> None:
    """The story begins on a Monday at ten in Prague; at five past, eight are wanted."""
    prague = ZoneInfo("Europe/Prague")
    day = ScheduledSize(cron="5 10 * * Mon-Fri", time_zone=prague, size=8)
    night = ScheduledSize(cron="0 20 * * *", time_zone=prague, size=4)
    scheduled = replace(SCALE, schedule=(day, night))
    story = loaded(tells, "On weekdays eight instances are scheduled for five past ten.", scheduled)
    story.run(600)
    story.compare("scaling_schedule")
    assert (story.failed, story.stage.target.size) == (0, 8)


def test_metrics_take_half_of_a_fleet_within_an_hour(tells: Tells) -> None:
    """Whatever they say: the rest waits for its hour, and it is told until when."""
    story = loaded(
        tells, "The load of six instances is gone.", replace(SCALE, lowest=1, in_per_hour=Scale().in_per_hour)
    )
    turn_to(story, 1)
    story.run(3500)
    assert story.stage.target.size == 3
    story.run(3600)
    assert story.stage.target.size == 1
    story.compare("scaling_hourly")
