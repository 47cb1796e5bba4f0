"""Whatever is measured, and whatever is remembered: what a size never does."""

from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache, lru_cache
from math import ceil

from any_worlds import MOMENTS, NOW, WORLD_DIGITS, AnyWorld, world_of
from chooser import Chooser, choosers
from hypothesis import given
from hypothesis import strategies as st
from scaled_fleets import (
    CPU,
    DAY,
    NIGHT,
    POLICY,
    QUEUE,
    REQUESTS,
    SKETCH,
    TARGET,
)

from repave.model.metrics import InstanceMetrics, MetricSighting
from repave.model.names import InstanceId
from repave.model.observation import Observation
from repave.model.scaling import Leaning, MetricTarget, ScalePolicy, SizeHistory
from repave.planner.check import check
from repave.planner.fleet import plan

SCALED_DIGITS = 42
"""As many as all choices take that are made here."""

MetricNames = tuple[tuple[str, float], ...]
NAMED: tuple[MetricNames, ...] = ((), (("queue", 0.0),), (("queue", 170.0),))


def scaled_worlds() -> st.SearchStrategy[AnyWorld]:
    """Any fleet in any state, of a size that follows whatever was measured of it."""
    return choosers(WORLD_DIGITS + SCALED_DIGITS).map(scaled_world_of)


def scaled_world_of(chooser: Chooser) -> AnyWorld:
    """The world of these choices."""
    lowest = chooser.of((1, 2, 4))
    wished = ScalePolicy(
        lowest=lowest,
        highest=lowest + chooser.of((0, 2, 9)),
        targets=chooser.of(((CPU,), (CPU, QUEUE), (REQUESTS,), ())),
        schedule=chooser.of(((), (), (DAY, NIGHT))),
        out_after_seconds=chooser.of((0.0, 30.0)),
        in_after_seconds=chooser.of((300.0, 0.0, 60.0)),
        cool_down_seconds=chooser.of((60.0, 0.0)),
    )
    history = SizeHistory(
        resized_at=chooser.of((None, chooser.of(MOMENTS))),
        leaning=chooser.of((None, Leaning(since=chooser.of(MOMENTS), size=chooser.of(range(9))))),
    )
    policy, target, seen = world_of(chooser)
    metrics = sighting(chooser, [instance.id for instance in seen.machines.instances])
    return replace(policy, scale=wished), replace(target, size_history=history), replace(seen, metrics=metrics)


def sighting(chooser: Chooser, instances: list[InstanceId]) -> MetricSighting:
    """Anything that may be measured of these."""
    return MetricSighting(
        at=chooser.of((NOW, NOW, None, chooser.of(MOMENTS))),
        window_seconds=60,
        named=chooser.of(NAMED),
        instances=tuple(
            InstanceMetrics(
                instance=instance,
                seconds=60,
                cpu=chooser.of((None, 0.0, 0.3, 0.57, 0.6, 0.9, 1.0)),
                requests_per_second=chooser.of((None, 0.0, 10.0, 99.0, 500.0)),
            )
            for instance in instances
            if chooser.of((True, True, True, True, False))
        ),
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


@given(scaled_worlds(), choosers(28))
def test_the_order_of_what_is_seen_does_not_matter(world: AnyWorld, chooser: Chooser) -> None:
    """Instances, metrics and targets in any order make the same plan."""
    policy, target, seen = world
    other = replace(
        seen,
        machines=replace(seen.machines, instances=tuple(chooser.mixed(seen.machines.instances))),
        traffic=replace(seen.traffic, backends=tuple(chooser.mixed(seen.traffic.backends))),
        metrics=replace(seen.metrics, instances=tuple(chooser.mixed(seen.metrics.instances))),
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


@cache
def fleet_that_serves(size: int) -> Observation:
    """So many serve, for long."""
    return SKETCH.see(*(f"{number} new {'abc'[number % 3]} serving" for number in range(1, size + 1)))


@lru_cache(maxsize=1)
def shared_out(size: int, load: float) -> tuple[InstanceMetrics, ...]:
    """What is measured of each, the same for as long as the size is."""
    instances = fleet_that_serves(size).machines.instances
    return tuple(InstanceMetrics(instance=each.id, seconds=60, cpu=min(1.0, load / size)) for each in instances)


def loaded(size: int, load: float, moment: datetime) -> Observation:
    """So many serve, and share a load that is counted in whole processors."""
    seen = fleet_that_serves(size)
    return replace(
        seen,
        at=moment,
        machines=replace(seen.machines, at=moment),
        traffic=replace(seen.traffic, at=moment),
        metrics=MetricSighting(at=moment, window_seconds=60, instances=shared_out(size, load), incomplete=""),
    )


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
        seen = loaded(target.size, load, moment)
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
