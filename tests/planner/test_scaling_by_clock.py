"""The clock moves the size; metrics choose above what is scheduled."""

from dataclasses import replace
from datetime import UTC, datetime

from scaled_fleets import (
    DAY,
    MONDAY,
    NIGHT,
    SCALE,
    SCHEDULED,
    TARGET,
    every,
    wanted,
)

from repave.model.plan import Plan
from repave.model.policy import FleetPolicy
from repave.model.scaling import Leaning, SizeHistory
from repave.planner.check import check
from repave.planner.fleet import plan
from repave.simulation.sketch import Sketch


def at(hour: int, minute: int = 0, second: int = 0) -> datetime:
    """Of the Monday of the sketch, in Prague."""
    return MONDAY.replace(hour=hour, minute=minute, second=second).astimezone(UTC)


def by_clock(now: datetime, size: int, policy: FleetPolicy = SCHEDULED) -> Plan:
    """A fleet of this size that has long been quiet."""
    sketch = Sketch(now=now)
    target = replace(TARGET, size=size, since=sketch.ago(7000), proven=(sketch.proof("new", 6900),))
    seen = sketch.see(*(f"{number} new {'abc'[number % 3]} serving" for number in range(1, size + 1)))
    made = plan(policy, target, seen, now)
    check(made, policy, target, seen, now)
    return made


def test_the_clock_moves_the_size() -> None:
    """From the minute of the schedule on, and not before; the plan wakes for it and names it."""
    before = by_clock(at(7, 59, 59), 3)
    assert (wanted(before), before.wake_at) == (None, at(8))
    made = by_clock(at(8), 3)
    assert made.resize is not None
    assert (made.resize.size, made.resize.reason) == (6, "scheduled by 0 8 * * Mon-Fri, Europe/Prague")
    assert wanted(by_clock(at(12), 3)) == 6
    assert (wanted(by_clock(at(12), 6)), by_clock(at(12), 6).wake_at) == (None, at(18))
    assert wanted(by_clock(at(18), 6)) == 3


def test_metrics_choose_above_what_is_scheduled() -> None:
    """With targets the schedule is a floor: nobody waits for a load that is known to come."""
    both = replace(SCHEDULED, scale=replace(SCALE, schedule=(DAY, NIGHT)))
    assert wanted(by_clock(at(8), 3, both)) == 6
    assert wanted(by_clock(at(18), 6, both)) is None
    sketch = Sketch(now=at(12))
    target = replace(
        TARGET,
        size=7,
        since=sketch.ago(7000),
        proven=(sketch.proof("new", 6900),),
        size_history=SizeHistory(leaning=Leaning(since=sketch.ago(300), size=2)),
    )
    numbers = range(1, 8)
    seen = sketch.see(*(f"{number} new {'abc'[number % 3]} serving" for number in numbers))
    idle = replace(every(0.1, numbers=numbers), at=sketch.now)
    assert wanted(plan(both, target, replace(seen, metrics=idle), sketch.now)) == 6


def test_a_scheduled_size_outside_the_range_is_brought_into_it() -> None:
    """The range of the environment has the last word."""
    assert (
        wanted(by_clock(at(12), 3, replace(SCHEDULED, scale=replace(SCALE, targets=(), schedule=(DAY,), highest=5))))
        == 5
    )
