"""The size follows metrics: quickly up, slowly down, within its range and at most so much within an hour."""

from dataclasses import replace
from datetime import timedelta

import pytest
from scaled_fleets import FULL, POLICY, SKETCH, TARGET, decide, every, leaning, measured, scaling, waits, wanted

from repave.model.amount import Amount
from repave.model.disruption import Disruption, Drawer
from repave.model.metrics import MetricSighting
from repave.model.names import ZoneName
from repave.model.plan import Phase, Rule
from repave.model.scaling import Leaning, SizeHistory
from repave.planner.check import UnsafePlan, check


def test_more_is_wanted_at_once() -> None:
    """Four at 90 % of 60 % are the load of six; the plan says why, and the next one launches."""
    made = decide(every(0.9))
    assert made.resize is not None
    assert (made.resize.size, made.resize.reason) == (6, "cpu is 90% of 60%")
    assert made.size_history == SizeHistory(resized_at=SKETCH.now, reason="cpu is 90% of 60%")
    assert made.phase is Phase.SCALING
    assert made.summary == "scaling: 4 of 4 serve r3, 6 are wanted from now on (cpu is 90% of 60%)"


def test_near_the_target_nothing_changes() -> None:
    """Within the tolerance of a tenth, above and below, the fleet is as wanted and nothing is remembered."""
    for value in (0.54, 0.6, 0.66):
        made = decide(every(value))
        assert (made.changes, made.phase, waits(made)) == (False, Phase.CONVERGED, {})
    assert wanted(decide(every(0.661))) == 5


def test_fewer_are_wanted_slowly() -> None:
    """What is leaned to is remembered first, waits for five minutes, and holds up no deploy meanwhile."""
    first = decide(every(0.3))
    assert first.size_history == SizeHistory(leaning=Leaning(since=SKETCH.now, size=2))
    assert (wanted(first), waits(first), first.phase) == (None, {"size": Rule.STEADY}, Phase.CONVERGED)
    assert [hold.until for hold in first.holds] == [SKETCH.now + timedelta(seconds=300)]
    waiting = decide(every(0.3), target=leaning(2, 299))
    assert (waiting.changes, waits(waiting)) == (False, {"size": Rule.STEADY})
    assert waiting.wake_at == SKETCH.now + timedelta(seconds=1)
    assert wanted(decide(every(0.3), target=leaning(2, 300))) == 2


def test_the_most_that_was_asked_for_meanwhile_counts() -> None:
    """A moment of more load in the window keeps what it needs; one of less does not."""
    made = decide(every(0.45), target=leaning(2, 299))
    assert made.size_history == SizeHistory(leaning=Leaning(since=SKETCH.ago(299), size=3))
    assert wanted(decide(every(0.3), target=leaning(3, 300))) == 3


def test_load_that_comes_back_ends_the_leaning() -> None:
    """Then it begins anew with the next time that less would do."""
    made = decide(every(0.6), target=leaning(2, 299))
    assert made.size_history == SizeHistory()
    assert not waits(made)


def test_a_fleet_may_be_patient_with_more_too() -> None:
    """Where the file says so, more waits as well, and the least that was asked for counts."""
    patient = scaling(out_after_seconds=60.0)
    made = decide(every(0.9), policy=patient)
    assert (wanted(made), waits(made)) == (None, {"size": Rule.STEADY})
    assert wanted(decide(every(1.0), policy=patient, target=leaning(6, 60))) == 6
    assert decide(every(1.0), policy=patient, target=leaning(3, 60)).size_history == SizeHistory(
        leaning=Leaning(since=SKETCH.now, size=7)
    )


def test_after_a_change_its_effect_is_awaited() -> None:
    """A minute long metrics change nothing more, and it is said until when."""
    just = replace(TARGET, size_history=SizeHistory(resized_at=SKETCH.ago(59), reason="cpu"))
    made = decide(every(0.9), target=just)
    assert (wanted(made), made.changes, waits(made)) == (None, False, {"size": Rule.COOL_DOWN})
    assert made.wake_at == SKETCH.now + timedelta(seconds=1)
    assert wanted(decide(every(0.9), target=replace(TARGET, size_history=SizeHistory(resized_at=SKETCH.ago(60))))) == 6


def test_a_clock_that_was_set_back_blocks_nothing() -> None:
    """A change of the future is no reason to wait until then, nor does a leaning last longer for it."""
    assert (
        wanted(decide(every(0.9), target=replace(TARGET, size_history=SizeHistory(resized_at=SKETCH.ago(-9000))))) == 6
    )
    made = decide(every(0.3), target=leaning(2, -9000))
    assert made.size_history == SizeHistory(leaning=Leaning(since=SKETCH.now, size=2))


def test_a_fleet_that_is_as_wanted_is_looked_at_again() -> None:
    """When all that was measured has left the window; and what waits says whether more or fewer are meant."""
    assert decide(every(0.6)).wake_at == SKETCH.now + timedelta(seconds=60)
    assert decide(measured({n: {"cpu": 0.6} for n in (1, 2, 3, 4)}, seconds_ago=20)).wake_at == SKETCH.now + timedelta(
        seconds=40
    )
    [fewer] = decide(every(0.3)).holds
    assert fewer.detail == "2 would do (cpu is 30% of 60%); it must be so for 300 s"
    [more] = decide(every(0.9), policy=scaling(out_after_seconds=60.0)).holds
    assert more.detail == "6 are needed (cpu is 90% of 60%); it must be so for 60 s"


def test_the_size_stays_within_its_range() -> None:
    """What is asked for above it is said; what the range no longer holds is corrected without any metrics."""
    assert wanted(decide(every(1.0), policy=scaling(highest=5))) == 5
    made = decide(every(1.0), policy=scaling(highest=4))
    assert (wanted(made), waits(made)) == (None, {"size": Rule.SIZE_RANGE})
    assert wanted(decide(every(0.0), policy=scaling(lowest=3), target=leaning(3, 300))) == 3
    assert wanted(decide(MetricSighting(), policy=scaling(lowest=5))) == 5
    above = decide(MetricSighting(), policy=scaling(highest=3))
    assert above.resize is not None
    assert (above.resize.size, above.resize.reason) == (3, "the range is 2..3")


def taken(*ago: float) -> tuple[Disruption, ...]:
    """So many left because fewer were wanted, so many seconds ago."""
    return tuple(
        Disruption(slot=SKETCH.slot(50 + n), zone=ZoneName("a"), drawer=Drawer.SCALE_IN, at=SKETCH.ago(seconds))
        for n, seconds in enumerate(ago)
    )


def test_metrics_take_half_of_a_fleet_within_an_hour() -> None:
    """Of the size that it had before, whatever they ask for; the rest waits, and it is said until when."""
    assert wanted(decide(every(0.1), policy=scaling(lowest=1), target=leaning(1, 300))) == 2
    target = replace(leaning(1, 300), disruptions=taken(3599, 10))
    assert wanted(decide(every(0.1), policy=scaling(lowest=1), target=target)) == 3
    target = replace(leaning(1, 300), disruptions=taken(3599, 60, 50, 40))
    made = decide(every(0.1), policy=scaling(lowest=1), target=target)
    assert (wanted(made), waits(made), made.phase) == (None, {"size": Rule.HOURLY}, Phase.CONVERGED)
    [hold] = made.holds
    assert hold.detail == "1 would do (cpu is 10% of 60%); 4 may leave for it within an hour"
    assert hold.until == SKETCH.now + timedelta(seconds=1)
    assert wanted(decide(every(0.1), policy=scaling(lowest=1), target=replace(target, disruptions=taken(3600)))) == 2


def test_one_that_is_about_to_leave_counts() -> None:
    """What serves above the size has been taken already."""
    lines = (*FULL, "5 new b serving")
    made = decide(every(0.1, numbers=(1, 2, 3, 4, 5)), *lines, policy=scaling(lowest=1), target=leaning(1, 300))
    assert wanted(made) == 3


def test_a_person_and_the_range_are_not_slowed() -> None:
    """The limit is for metrics, which may be wrong."""
    spent = replace(TARGET, disruptions=taken(60, 50, 40, 30))
    assert wanted(decide(MetricSighting(), policy=scaling(highest=2), target=spent)) == 2
    assert wanted(decide(every(0.1), policy=scaling(in_per_hour=Amount(value=3)), target=leaning(2, 300))) == 2


def test_the_checker_knows_the_hour() -> None:
    """A size that follows metrics falls no faster."""
    seen = replace(SKETCH.see(*FULL), metrics=every(0.1))
    made = decide(every(0.1), target=leaning(2, 300))
    assert wanted(made) == 2
    spent = replace(leaning(2, 300), disruptions=taken(60, 50))
    with pytest.raises(UnsafePlan, match="4 fewer would be there within an hour, and 3 may be"):
        check(made, POLICY, spent, seen, SKETCH.now)


def test_a_fleet_that_is_to_be_nobody_stays_so() -> None:
    """A fleet that is being destroyed is not brought back by its range."""
    assert not decide(MetricSighting(), target=replace(TARGET, size=0)).resize


def test_a_fleet_without_scaling_is_left_alone() -> None:
    """A fixed size is a person's word, whatever is measured."""
    made = decide(every(1.0), policy=replace(POLICY, scale=None))
    assert (made.changes, made.sizing) == (False, None)
