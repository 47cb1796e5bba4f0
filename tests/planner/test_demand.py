"""What metrics ask for: of what was measured, never of what was not."""

from dataclasses import replace

from scaled_fleets import (
    CPU,
    FULL,
    QUEUE,
    REQUESTS,
    SKETCH,
    decide,
    every,
    leaning,
    measured,
    scaling,
    waits,
    wanted,
)

from repave.model.metrics import MetricSighting
from repave.model.plan import Phase, Rule
from repave.model.scaling import MetricTarget
from repave.planner.explain import explain


def test_the_most_demanding_metric_wins() -> None:
    """One metric is enough for more; for fewer all must agree."""
    both = scaling(CPU, REQUESTS)
    busy = measured({number: {"cpu": 0.3, "requests_per_instance": 150} for number in (1, 2, 3, 4)})
    made = decide(busy, policy=both)
    assert made.resize is not None
    assert (made.resize.size, made.resize.reason) == (6, "requests_per_instance is 150 of 100")
    one_agrees = measured({number: {"cpu": 0.3, "requests_per_instance": 100} for number in (1, 2, 3, 4)})
    assert not decide(one_agrees, policy=both, target=leaning(2, 300)).resize
    both_agree = measured({number: {"cpu": 0.3, "requests_per_instance": 70} for number in (1, 2, 3, 4)})
    assert wanted(decide(both_agree, policy=both, target=leaning(2, 300))) == 3


def test_without_data_the_size_stays_and_says_so() -> None:
    """Never measured, nothing known of the metric, or too long ago: no change, whatever was leaned to."""
    stale = replace(every(0.9), at=SKETCH.ago(121))
    for metrics in (MetricSighting(), every(0.9, "memory"), measured({}), stale):
        made = decide(metrics, target=leaning(2, 9000))
        assert (wanted(made), waits(made), made.phase) == (None, {"size": Rule.NO_DATA}, Phase.CONVERGED)
    assert wanted(decide(replace(every(0.9), at=SKETCH.ago(120)))) == 6
    [told] = explain(decide(MetricSighting()))
    assert told.sentence == (
        "there is no data of cpu (nothing has been measured yet): it stays (what is not measured changes no size)"
    )


def test_a_metric_without_data_forbids_fewer_and_not_more() -> None:
    """What is known may ask for more; what is not known might need what is there."""
    both = scaling(CPU, QUEUE)
    assert wanted(decide(every(0.9), policy=both)) == 6
    made = decide(every(0.3), policy=both, target=leaning(2, 9000))
    assert (wanted(made), waits(made)) == (None, {"size": Rule.NO_DATA})


def test_an_instance_without_data_may_be_idle_or_full() -> None:
    """For more it counts as idle, for fewer as full: neither follows from what was not measured."""
    three = (1, 2, 3)
    assert wanted(decide(every(0.9, numbers=three))) == 5
    assert not decide(every(0.6, numbers=three)).changes
    made = decide(every(0.4, numbers=three), target=leaning(2, 300))
    assert wanted(made) == 3
    made = decide(every(0.6, numbers=three), target=leaning(2, 300))
    assert (wanted(made), waits(made)) == (None, {"size": Rule.NO_DATA})


def test_a_metric_of_the_whole_fleet_is_shared_out() -> None:
    """A queue of 280 at 50 for each needs six; an instance's own value of that name comes first."""
    made = decide(measured({}, queue=280.0), policy=scaling(QUEUE))
    assert made.resize is not None
    assert (made.resize.size, made.resize.reason) == (6, "queue is 70 of 50")


def test_the_rate_of_one_that_is_new_counts_for_its_time() -> None:
    """What it did in 15 s of 60 the others did before: counted in full, every launch would ask for another."""
    of_each = {number: {"requests_per_instance": 100.0} for number in (1, 2, 3)}
    new = {4: {"requests_per_instance": 200.0, "seconds": 15.0}}
    made = decide(measured({**of_each, **new}), policy=scaling(REQUESTS))
    assert (wanted(made), waits(made)) == (None, {})
    assert made.sizing is not None
    assert [(gauge.measured, gauge.needs) for gauge in made.sizing.gauges] == [(87.5, 4)]
    begun = {number: {"requests_per_instance": 150.0, "seconds": 5.0} for number in (1, 2, 3, 4)}
    assert wanted(decide(measured(begun), policy=scaling(REQUESTS))) == 6


def test_what_those_did_that_leave_has_to_be_done_by_others() -> None:
    """Requests and processor time of one that drains count; those of which nothing is known do not."""
    lines = (*FULL, "5 new b draining 5", "6 new c drained 5")
    rates = {number: {"requests_per_instance": 100.0} for number in (1, 2, 3, 4, 5)}
    assert wanted(decide(measured(rates), *lines, policy=scaling(REQUESTS))) == 5
    del rates[5]
    assert not decide(measured(rates), *lines, policy=scaling(REQUESTS)).resize


def test_memory_is_as_it_is_just_now() -> None:
    """However short a time it was looked at, and without what goes with those that leave."""
    memory = scaling(MetricTarget(metric="memory", value=0.6))
    lines = (*FULL, "5 new b draining 5")
    full = {number: {"memory": 0.9, "seconds": 15.0 * number} for number in (1, 2, 3, 4, 5)}
    assert wanted(decide(measured(full), *lines, policy=memory)) == 6
