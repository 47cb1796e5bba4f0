"""The size follows metrics and the clock: quickly up, slowly down, within its range, and never in the dark."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from math import ceil
from random import Random
from zoneinfo import ZoneInfo

import pytest
from any_worlds import AGES, NOW, AnyWorld, choosers, digits, worlds
from hypothesis import given
from hypothesis import strategies as st

from repave.model.disruption import Drawer
from repave.model.metrics import InstanceMetrics, MetricSighting
from repave.model.names import InstanceId, ReleaseNumber, RevisionId, ZoneName
from repave.model.observation import Observation
from repave.model.plan import Phase, Plan, Rule
from repave.model.policy import FleetPolicy
from repave.model.revocation import Revoked
from repave.model.scaling import Leaning, MetricTarget, ScalePolicy, ScheduledSize, SizeHistory
from repave.model.target import FailureKind, Target
from repave.planner.check import check
from repave.planner.draft import Draft
from repave.planner.explain import explain
from repave.planner.fleet import plan
from repave.planner.scaling import scale
from repave.planner.sets import classify
from repave.simulation.sketch import Sketch

SKETCH = Sketch()
CPU = MetricTarget(metric="cpu", value=0.6)
REQUESTS = MetricTarget(metric="requests_per_instance", value=100)
QUEUE = MetricTarget(metric="queue", value=50)
SCALE = ScalePolicy(lowest=2, highest=8, targets=(CPU,))
POLICY = FleetPolicy(fleet=SKETCH.fleet, zones=tuple(ZoneName(name) for name in "abc"), scale=SCALE)
TARGET = Target(
    fleet=SKETCH.fleet,
    generation=5,
    revision=RevisionId("new"),
    release=ReleaseNumber(3),
    size=4,
    since=SKETCH.ago(7000),
    next_slot=20,
    proven=(SKETCH.proof("new", 6900),),
)
FULL = ("1 new a serving", "2 new b serving", "3 new c serving", "4 new a serving")
Rates = Mapping[int, Mapping[str, float]]


def measured(rates: Rates, *, seconds_ago: float = 0, **named: float) -> MetricSighting:
    """What is measured of instances by their numbers."""
    instances = tuple(
        InstanceMetrics(
            instance=InstanceId(f"i-{number}"),
            seconds=values.get("seconds", 60),
            cpu=values.get("cpu"),
            memory=values.get("memory"),
            requests_per_second=values.get("requests_per_instance"),
        )
        for number, values in rates.items()
    )
    return MetricSighting(
        at=SKETCH.ago(seconds_ago), window_seconds=60, instances=instances, named=tuple(named.items()), incomplete=""
    )


def every(value: float, metric: str = "cpu", numbers: Sequence[int] = (1, 2, 3, 4)) -> MetricSighting:
    """The same of each."""
    return measured({number: {metric: value} for number in numbers})


def decide(
    metrics: MetricSighting,
    *lines: str,
    policy: FleetPolicy = POLICY,
    target: Target = TARGET,
    now: datetime = SKETCH.now,
) -> Plan:
    """The plan, which the checker lets pass."""
    seen = replace(SKETCH.see(*(lines or FULL)), metrics=metrics)
    made = plan(policy, target, seen, now)
    check(made, policy, target, seen, now)
    return made


def scaling(*targets: MetricTarget, **changes: object) -> FleetPolicy:
    """The policy with another scale."""
    wanted = replace(SCALE, targets=targets or SCALE.targets, **changes)  # type: ignore[arg-type] # fields by name
    return replace(POLICY, scale=wanted)


def wanted(made: Plan) -> int | None:
    """The size from now on; None when it stays."""
    return made.resize.size if made.resize else None


def waits(made: Plan) -> dict[str, Rule]:
    """By which rule the size waits."""
    return {hold.subject: hold.rule for hold in made.holds if hold.subject == "size"}


def leaning(size: int, seconds: float) -> Target:
    """A fleet whose metrics have asked for another size for so long."""
    return replace(TARGET, size_history=SizeHistory(leaning=Leaning(since=SKETCH.ago(seconds), size=size)))


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


def test_a_zone_is_out_while_nobody_serves_there() -> None:
    """Though nothing speaks against it just now; unless the fleet is too small to be everywhere."""
    three = replace(leaning(2, 300), size=3)
    lines = ("1 new a serving", "2 new b serving", "3 new a serving")
    made = decide(every(0.3, numbers=(1, 2, 3)), *lines, target=three)
    assert [hold.detail for hold in made.holds if hold.subject == "size"] == [
        "2 would do (cpu is 30% of 60%), but zone c is out"
    ]
    lines = ("1 new a serving", "2 new a serving", "3 new a serving")
    made = decide(every(0.3, numbers=(1, 2, 3)), *lines, target=three)
    assert [hold.detail for hold in made.holds if hold.subject == "size"] == [
        "2 would do (cpu is 30% of 60%), but zones b, c are out"
    ]
    two = replace(leaning(1, 300), size=2)
    small = decide(every(0.2, numbers=(1, 2)), *lines[:2], target=two, policy=scaling(lowest=1))
    assert wanted(small) == 1


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


UNQUIET = {
    "rolling": ((*FULL[:3], "4 old a serving"), TARGET),
    "unproven": (FULL, replace(TARGET, proven=())),
    "missing": (FULL[:3], TARGET),
    "starting": ((*FULL[:3], "4 new a checking 5 5"), TARGET),
    "zone full": (FULL, replace(TARGET, failures=(SKETCH.failed(9, FailureKind.NO_CAPACITY, 5),))),
    "zone lost": (FULL, replace(TARGET, failures=(SKETCH.failed(9, FailureKind.ZONE_LOST, 5),))),
    "stopped": (FULL, replace(TARGET, stopped="bad")),
}


@pytest.mark.parametrize("case", UNQUIET)
def test_never_fewer_in_unquiet_times(case: str) -> None:
    """Promise 7: while instances are replaced, missing or coming, or a zone is out, fewer are not wanted; more are."""
    lines, before = UNQUIET[case]
    target = replace(before, size_history=leaning(2, 300).size_history)
    metrics = every(0.3) if case != "missing" else every(0.3, numbers=(1, 2, 3))
    made = decide(metrics, *lines, target=target)
    assert (wanted(made), waits(made)) == (None, {"size": Rule.UNSETTLED})
    opens = SKETCH.now + timedelta(seconds=25) if case.startswith("zone") else None
    assert [hold.until for hold in made.holds if hold.subject == "size"] == [opens], "a zone is tried again then"
    corrected = decide(MetricSighting(), *lines, target=target, policy=scaling(highest=3))
    assert (wanted(corrected), waits(corrected)) == (None, {"size": Rule.UNSETTLED})
    if case != "stopped":
        assert wanted(decide(every(1.0), *lines, target=before)) is not None


def test_never_fewer_while_instances_are_renewed() -> None:
    """A member that is to be replaced by another of its revision counts as unrest."""
    seen = SKETCH.see(*FULL)
    target = leaning(2, 300)
    draft = Draft(POLICY, target, classify(POLICY, target, seen, SKETCH.now), SKETCH.now)
    draft.replace(draft.sets.members[0], Drawer.AGE, "it is old")
    scale(draft, every(0.3))
    assert draft.size.resize is None
    assert [hold.rule for hold in draft.resting] == [Rule.UNSETTLED]


@pytest.mark.parametrize(
    "bad",
    [
        replace(TARGET, stopped="2 in a row failed"),
        replace(TARGET, revoked=(Revoked(revision=RevisionId("new"), reason="leaked", since=NOW),)),
        replace(TARGET, proven=(SKETCH.proof("new", 6900, bootable=False),)),
    ],
)
def test_never_more_of_what_is_stopped_or_revoked(bad: Target) -> None:
    """Need alone is no reason to launch what must not be launched."""
    made = decide(every(1.0), target=bad)
    assert (wanted(made), waits(made)) == (None, {"size": Rule.STOPPED})


def test_a_paused_fleet_and_one_not_wholly_seen_keep_their_size() -> None:
    """Nothing is changed then, the size included."""
    assert not decide(every(1.0), target=replace(TARGET, paused=True)).resize
    seen = SKETCH.see(*FULL)
    blind = replace(seen, metrics=every(1.0), traffic=replace(seen.traffic, incomplete="no answer"))
    assert not plan(POLICY, TARGET, blind, SKETCH.now).resize


def test_a_fleet_that_is_to_be_nobody_stays_so() -> None:
    """A fleet that is being destroyed is not brought back by its range."""
    assert not decide(MetricSighting(), target=replace(TARGET, size=0)).resize


def test_a_fleet_without_scaling_is_left_alone() -> None:
    """A fixed size is a person's word, whatever is measured."""
    made = decide(every(1.0), policy=replace(POLICY, scale=None))
    assert (made.changes, made.sizing) == (False, None)


PRAGUE = ZoneInfo("Europe/Prague")
DAY = ScheduledSize(cron="0 8 * * Mon-Fri", time_zone=PRAGUE, size=6)
NIGHT = ScheduledSize(cron="0 18 * * *", time_zone=PRAGUE, size=3)
SCHEDULED = replace(POLICY, scale=replace(SCALE, targets=(), schedule=(DAY, NIGHT)))
MONDAY = datetime(2026, 3, 2, tzinfo=PRAGUE)


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


# ---- properties


@st.composite
def scaled_worlds(draw: st.DrawFn) -> AnyWorld:
    """Any fleet in any state, of a size that follows whatever was measured of it."""
    policy, target, seen = draw(worlds())
    chooser = draw(choosers)
    lowest = chooser.of((1, 2, 4))
    targets = chooser.of(((CPU,), (CPU, QUEUE), (REQUESTS,), ()))
    wished = ScalePolicy(
        lowest=lowest,
        highest=lowest + chooser.of((0, 2, 9)),
        targets=targets,
        schedule=chooser.of(((), (), (DAY, NIGHT))),
        out_after_seconds=chooser.of((0.0, 30.0)),
        in_after_seconds=chooser.of((300.0, 0.0, 60.0)),
        cool_down_seconds=chooser.of((60.0, 0.0)),
    )
    sizing = draw(choosers)
    history = SizeHistory(
        resized_at=sizing.of((None, sizing.ago())),
        leaning=sizing.of((None, Leaning(since=sizing.ago(), size=sizing.of(range(9))))),
    )
    metrics = draw(sightings([instance.id for instance in seen.machines.instances]))
    return replace(policy, scale=wished), replace(target, size_history=history), replace(seen, metrics=metrics)


@st.composite
def sightings(draw: st.DrawFn, instances: list[InstanceId]) -> MetricSighting:
    """Anything that may be measured of these."""
    chance = Random(draw(digits))  # noqa: S311 - hypothesis draws the seed

    def one(instance: InstanceId) -> InstanceMetrics:
        return InstanceMetrics(
            instance=instance,
            seconds=60,
            cpu=chance.choice((None, 0.0, 0.3, 0.57, 0.6, 0.9, 1.0)),
            requests_per_second=chance.choice((None, 0.0, 10.0, 99.0, 500.0)),
        )

    return MetricSighting(
        at=chance.choice((NOW, NOW, None, NOW - chance.choice(AGES))),
        window_seconds=60,
        instances=tuple(one(instance) for instance in instances if chance.random() < 0.8),
        named=chance.choice(((), (("queue", 0.0),), (("queue", 170.0),))),
        incomplete="",
    )


@given(scaled_worlds())
def test_never_a_plan_that_the_checker_refuses(world: AnyWorld) -> None:
    """Whatever is measured, and whatever is remembered."""
    policy, target, seen = world
    check(plan(policy, target, seen, NOW), policy, target, seen, NOW)


@given(scaled_worlds())
def test_never_a_size_outside_the_range(world: AnyWorld) -> None:
    """Nor a change that is none."""
    policy, target, seen = world
    made = plan(policy, target, seen, NOW).resize
    assert policy.scale
    assert made is None or (policy.scale.lowest <= made.size <= policy.scale.highest and made.size != target.size)


@given(scaled_worlds())
def test_never_by_what_was_not_measured(world: AnyWorld) -> None:
    """Without data nothing changes but what the range and the clock have changed."""
    policy, target, seen = world
    blind = plan(policy, target, replace(seen, metrics=MetricSighting()), NOW)
    assert policy.scale
    by_itself = replace(policy, scale=replace(policy.scale, targets=()))
    if (
        policy.scale.targets
        and policy.scale.lowest <= target.size <= policy.scale.highest
        and not policy.scale.schedule
    ):
        assert blind.resize is None
    elif blind.resize:
        assert blind.resize == plan(by_itself, target, seen, NOW).resize


@given(scaled_worlds(), st.randoms(use_true_random=False))
def test_the_order_of_what_is_seen_does_not_matter(world: AnyWorld, chance: object) -> None:
    """Instances, metrics and targets in any order make the same plan."""
    policy, target, seen = world
    assert policy.scale

    def mixed(items: Sequence[object]) -> tuple[object, ...]:
        shuffled = list(items)
        chance.shuffle(shuffled)  # type: ignore[attr-defined] # a random.Random
        return tuple(shuffled)

    other = replace(
        seen,
        machines=replace(seen.machines, instances=mixed(seen.machines.instances)),  # type: ignore[arg-type] # the same
        traffic=replace(seen.traffic, backends=mixed(seen.traffic.backends)),  # type: ignore[arg-type] # the same
        metrics=replace(seen.metrics, instances=mixed(seen.metrics.instances)),  # type: ignore[arg-type] # the same
    )
    assert plan(policy, target, other, NOW) == plan(policy, target, seen, NOW)


@given(scaled_worlds())
def test_what_was_remembered_is_not_remembered_again(world: AnyWorld) -> None:
    """A plan made again from what the last one committed changes no size and no memory."""
    policy, target, seen = world
    first = plan(policy, target, seen, NOW)
    later = replace(
        target,
        size=first.resize.size if first.resize else target.size,
        size_history=first.size_history or target.size_history,
    )
    again = plan(policy, later, seen, NOW)
    if first.resize is None:
        assert (again.resize, again.size_history) == (None, None)
    elif policy.scale and policy.scale.cool_down_seconds:
        assert again.resize is None


def serving_fleet(size: int, load: float, moment: datetime) -> Observation:
    """So many serve, and share a load that is counted in whole processors."""
    sketch = Sketch(now=moment)
    seen = sketch.see(*(f"{number} new {'abc'[number % 3]} serving" for number in range(1, size + 1)))
    shared = [
        InstanceMetrics(instance=instance.id, seconds=60, cpu=min(1.0, load / size))
        for instance in seen.machines.instances
    ]
    return replace(seen, metrics=MetricSighting(at=moment, window_seconds=60, instances=tuple(shared), incomplete=""))


@given(
    size=st.integers(1, 40),
    load=st.floats(0, 30, allow_nan=False),
    wished=st.integers(10, 100).map(lambda percent: percent / 100),
    out_after=st.sampled_from([0.0, 30.0]),
)
def test_a_constant_load_settles_the_size_for_good(size: int, load: float, wished: float, out_after: float) -> None:
    """Promise 7: within an hour of any constant load the size is what it needs, and then nothing moves any more."""
    policy = replace(
        POLICY,
        scale=ScalePolicy(
            lowest=1, highest=40, targets=(MetricTarget(metric="cpu", value=wished),), out_after_seconds=out_after
        ),
    )
    target = replace(TARGET, size=size)
    moment, changed = SKETCH.now, SKETCH.now
    directions: list[bool] = []
    while moment < SKETCH.now + timedelta(hours=1):
        seen = serving_fleet(target.size, load, moment)
        made = plan(policy, target, seen, moment)
        check(made, policy, target, seen, moment)
        if made.resize:
            directions.append(made.resize.size > target.size)
            target = replace(target, size=made.resize.size)
        if made.size_history:
            target, changed = replace(target, size_history=made.size_history), moment
        assert made.wake_at is not None
        moment = made.wake_at
    assert changed < SKETCH.now + timedelta(minutes=40), "it does not come to rest"
    assert len(set(directions)) <= 1, "it goes up and down under a constant load"
    needed = min(40, max(1, ceil(load / wished - 1e-9)))
    saturated = load / target.size >= 1
    assert target.size == needed or saturated or abs(load / wished / target.size - 1) <= 0.1 + 1e-9
