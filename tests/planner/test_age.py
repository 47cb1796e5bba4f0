"""Age: who is replaced for it, when, how fast, and what is said when a limit cannot be kept."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repave.model.amount import Amount
from repave.model.disruption import Disruption, Drawer
from repave.model.freshness import DeclaredLimit
from repave.model.names import ReleaseNumber, RevisionId, ZoneName
from repave.model.observation import Observation
from repave.model.plan import Launch, Phase, Plan, Rule
from repave.model.policy import AgePolicy, BudgetPolicy, FleetPolicy, HealthPolicy, RolloutPolicy
from repave.model.target import Target
from repave.planner.age import renewals
from repave.planner.check import check
from repave.planner.draft import Draft
from repave.planner.fleet import plan
from repave.planner.haste import lasting
from repave.planner.sets import classify
from repave.simulation.sketch import Sketch

SKETCH = Sketch()
NOW, DAY, HOUR = SKETCH.now, 86400.0, 3600.0
LIMITS = AgePolicy(soft_seconds=30 * DAY, hard_seconds=90 * DAY)
POLICY = FleetPolicy(fleet=SKETCH.fleet, zones=tuple(ZoneName(name) for name in "abc"), age=LIMITS)
TARGET = Target(
    fleet=SKETCH.fleet,
    generation=7,
    revision=RevisionId("new"),
    release=ReleaseNumber(3),
    size=4,
    since=SKETCH.ago(100 * DAY),
    next_slot=20,
    proven=(SKETCH.proof("old", 101 * DAY), SKETCH.proof("new", 99 * DAY)),
)


def aged(*days: float, revision: str = "new") -> Observation:
    """Instances of these ages, all serving since they were started."""
    lines = (
        f"{number} {revision} {'abc'[number % 3]} serving {age * DAY - 10} {age * DAY}"
        for number, age in enumerate(days, 1)
    )
    return SKETCH.see(*lines)


def decide(seen: Observation, target: Target = TARGET, policy: FleetPolicy = POLICY, now: datetime = NOW) -> Plan:
    """The plan, which the checker has passed."""
    made = plan(policy, target, seen, now)
    check(made, policy, target, seen, now)
    return made


def asked(made: Plan, drawer: Drawer) -> list[str]:
    """Who is to go by this drawer, granted or not."""
    return [draw.slot for draw in made.draws if draw.drawer is drawer]


def test_whose_limits_they_are_is_told() -> None:
    """Those of the project need no words."""
    ages = decide(aged(1, 1, 2, 3)).ages
    assert ages is not None
    assert ages.limits == ()
    own = DeclaredLimit(key="max_age", seconds=7 * DAY, by="fleets.web.policy")
    ages = decide(aged(1, 1, 2, 3), policy=replace(POLICY, declared=(own,))).ages
    assert ages is not None
    assert ages.limits == ("max_age is 7 d by fleets.web.policy",)


def test_the_old_are_replaced_launch_first() -> None:
    """Its replacement is started, and it serves until that does."""
    made = decide(aged(31, 1, 2, 3))
    assert asked(made, Drawer.AGE) == ["web-1"]
    assert sum(isinstance(step, Launch) for step in made.steps) == 1
    assert (made.phase, [draw.granted for draw in made.draws]) == (Phase.RENEWING, [False])
    assert made.draws[0].reason.startswith("it is 31 d old, and 30 d is the most")


def test_nobody_is_replaced_before_the_last_third_of_the_limit() -> None:
    """And the plan says when the first will be, and wakes then."""
    made = decide(aged(19.9, 1, 2, 3))
    assert (made.changes, made.phase) == (False, Phase.CONVERGED)
    assert made.ages is not None
    assert made.ages.oldest == SKETCH.ago(19.9 * DAY)
    assert made.ages.next_renewal == made.wake_at
    assert made.ages.next_renewal is not None
    assert NOW < made.ages.next_renewal <= SKETCH.ago(-10.1 * DAY)
    there = decide(replace(aged(19.9, 1, 2, 3), at=made.ages.next_renewal), now=made.ages.next_renewal)
    assert asked(there, Drawer.AGE) == ["web-1"]


def test_without_a_limit_nobody_grows_old() -> None:
    """Whatever their age."""
    made = decide(aged(400, 1, 2, 3), policy=replace(POLICY, age=AgePolicy()))
    assert (made.changes, made.ages, made.wake_at) == (False, None, None)


@pytest.mark.parametrize("size", [3, 60, 1000])
def test_those_born_together_are_renewed_apart(size: int) -> None:
    """Promise 6: in no tenth of the window more than a tenth of them and two, however large the fleet."""
    seen = aged(*[0.0] * size)
    target = replace(TARGET, size=size)
    draft = Draft(POLICY, target, classify(POLICY, target, seen, NOW), NOW)
    days = sorted((at - NOW).total_seconds() / DAY for at, _ in renewals(draft, draft.sets.members))
    assert 20 <= days[0] <= days[-1] <= 30
    for day in range(20, 30):
        assert sum(day <= each < day + 1 for each in days) <= size / 10 + 2


def test_a_herd_that_was_overlooked_keeps_to_the_budget_of_the_hour() -> None:
    """A fifth of the fleet within an hour: who waits is told, with the time at which the next may go."""
    target = replace(TARGET, size=10)
    made = decide(aged(*[40.0] * 10), target)
    assert len(asked(made, Drawer.AGE)) == 2
    (hold,) = [hold for hold in made.holds if hold.subject == "fleet" and hold.rule is Rule.HOURLY]
    assert hold.detail == "8 more are old enough to be replaced, which waits for the next hour"
    gone = tuple(
        Disruption(slot=SKETCH.slot(number), zone=ZoneName("a"), drawer=Drawer.AGE, at=SKETCH.ago(600))
        for number in (18, 19)
    )
    spent = decide(aged(*[40.0] * 10), replace(target, disruptions=gone))
    assert (spent.steps, spent.phase) == ((), Phase.CONVERGED)
    assert spent.wake_at == SKETCH.ago(600 - HOUR)


def test_a_rollout_is_not_disturbed_by_age() -> None:
    """What it brings is young; what it takes away goes anyway."""
    seen = SKETCH.see("1 old a serving", "2 old b serving", f"3 new c serving 9 {31 * DAY}", "4 new a serving")
    assert asked(decide(seen), Drawer.AGE) == []


def test_replacing_begins_in_time_for_the_hard_limit_and_the_budget() -> None:
    """Promise 5: one an hour may go, so of four of one age the first goes hours before the limit is reached."""
    policy = replace(
        POLICY,
        age=AgePolicy(hard_seconds=90 * DAY),
        budget=BudgetPolicy(gentle_per_hour=Amount(value=1)),
        health=HealthPolicy(grace_seconds=60.0),
    )
    before = decide(aged(*[90 - 5 / 24] * 4), policy=policy)
    assert before.ages is not None
    assert before.ages.start_by == before.wake_at
    assert (before.changes, before.ages.deadline) == (False, SKETCH.ago(-5 * HOUR))
    assert before.ages.start_by is not None
    assert before.ages.start_by == SKETCH.ago(-HOUR + 9 * 40), "four hours, each with twice 40 s, and 40 s in reserve"
    began = decide(aged(*[90 - 3 / 24] * 4), policy=policy)
    assert asked(began, Drawer.AGE) == ["web-1"], "within the budget of the hour"


def test_what_nears_the_hard_limit_goes_before_what_is_merely_due() -> None:
    """Its drawer is more urgent than a roll-out, and waits for no hour."""
    gone = Disruption(slot=SKETCH.slot(19), zone=ZoneName("a"), drawer=Drawer.AGE, at=SKETCH.ago(600))
    made = decide(aged(31, 90 - 70 / DAY, 2, 3), replace(TARGET, disruptions=(gone,)))
    assert asked(made, Drawer.DEADLINE) == ["web-2"]
    assert sum(isinstance(step, Launch) for step in made.steps) == 1
    rolling = aged(1, 90 - 70 / DAY, 2, 3, revision="old")
    assert asked(decide(rolling), Drawer.DEADLINE) == ["web-2"]


def test_a_limit_that_cannot_be_kept_is_told_ahead_of_time_by_name_with_both_numbers() -> None:
    """Promise 5: capacity is not broken for it; one after the other, as the surge allows."""
    policy = replace(POLICY, rollout=RolloutPolicy(surge=Amount(value=1)), health=HealthPolicy(grace_seconds=60.0))
    made = decide(aged(*[90 - 90 / DAY] * 4), policy=policy)
    (hold,) = [hold for hold in made.holds if hold.rule is Rule.DEADLINE]
    assert hold.detail == ("web-3 reaches the hard limit of 90 d in 90 s; replacing it and 2 before it takes 2 min")
    assert hold.subject == "fleet"
    assert asked(made, Drawer.DEADLINE) == ["web-1", "web-2", "web-3", "web-4"]
    assert not any(draw.granted for draw in made.draws)
    late = decide(aged(90 + 3 / 24, 1, 2, 3), policy=policy)
    (hold,) = [hold for hold in late.holds if hold.rule is Rule.DEADLINE]
    assert hold.detail.startswith("web-1 has been past the hard limit of 90 d for 3 h; replacing it takes 40 s")


@pytest.mark.parametrize(
    "stuck",
    [
        replace(TARGET, stopped="2 in a row failed"),
        replace(TARGET, paused=True),
        replace(TARGET, proven=(), revoked=(SKETCH.revoked("new"),)),
    ],
)
def test_a_fleet_that_may_start_nothing_says_that_its_limit_will_be_missed(stuck: Target) -> None:
    """Whatever stops it."""
    made = decide(aged(90 - 30 / DAY, 1, 2, 3), stuck)
    (hold,) = [hold for hold in made.holds if hold.rule is Rule.DEADLINE]
    assert hold.detail.endswith("takes 40 s, and nothing may be started now")
    assert not [step for step in made.steps if isinstance(step, Launch)]


births = st.lists(st.integers(0, 100 * 24), min_size=1, max_size=40)
"""Ages in hours."""

limits = st.sampled_from(
    [LIMITS, AgePolicy(soft_seconds=30 * DAY), AgePolicy(hard_seconds=90 * DAY), AgePolicy(hard_seconds=2 * DAY)]
)
budgets = st.sampled_from([BudgetPolicy(), BudgetPolicy(gentle_per_hour=Amount(value=1), per_hour=Amount(value=2))])


@given(births, limits, budgets, st.integers(0, 2**20))
def test_no_plan_changes_before_it_says_so(
    hours: list[int], age: AgePolicy, budget: BudgetPolicy, fraction: int
) -> None:
    """`wake_at` is honest about ages: what is seen unchanged before then is decided unchanged."""
    seen, target = aged(*[each / 24 + 0.001 for each in hours]), replace(TARGET, size=len(hours))
    policy = replace(POLICY, age=age, budget=budget)
    first = decide(seen, target, policy)
    until = first.wake_at or NOW + timedelta(days=400)
    between = NOW + (until - NOW) * (fraction / 2**20)
    if NOW < between < until:
        second = decide(replace(seen, at=between), target, policy, between)
        assert second.steps == first.steps
        assert [(hold.subject, hold.rule) for hold in second.holds] == [(h.subject, h.rule) for h in first.holds]
        assert (second.phase, second.wake_at) == (first.phase, first.wake_at)


@given(births, limits, budgets)
def test_capacity_and_the_budget_of_the_hour_hold_whatever_the_ages(
    hours: list[int], age: AgePolicy, budget: BudgetPolicy
) -> None:
    """The checker agrees, nobody who serves leaves before another does, and age keeps to the hour."""
    target, policy = replace(TARGET, size=len(hours)), replace(POLICY, age=age, budget=budget)
    made = decide(aged(*[each / 24 for each in hours]), target, policy)
    assert not any(draw.granted for draw in made.draws)
    assert len(asked(made, Drawer.AGE)) <= max(1, budget.gentle_per_hour.of(len(hours)))
    if age.hard_seconds is None:
        assert not asked(made, Drawer.DEADLINE)
    else:
        overdue = [SKETCH.slot(n) for n, each in enumerate(hours, 1) if each * HOUR >= age.hard_seconds]
        assert set(overdue) <= set(asked(made, Drawer.DEADLINE))


def test_times_are_told_as_people_say_them() -> None:
    """In the largest unit of which there are two, or that fits exactly."""
    told = [
        lasting(timedelta(seconds=seconds)) for seconds in (0, 90, 120, 5400, HOUR, 3 * HOUR, DAY, 47 * HOUR, 90 * DAY)
    ]
    assert told == ["0 s", "90 s", "2 min", "90 min", "1 h", "3 h", "1 d", "47 h", "90 d"]
