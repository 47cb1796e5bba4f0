"""The disruption budget: one ledger, limits per hour and zone, the most urgent first."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from any_worlds import NOW, AnyWorld, worlds
from hypothesis import given

from repave.model.amount import Amount
from repave.model.disruption import HOUR, Disruption, Drawer
from repave.model.names import ReleaseNumber, RevisionId, ZoneName
from repave.model.observation import Observation
from repave.model.plan import Drain, Draw, Launch, Phase, Plan, Rule
from repave.model.policy import BudgetPolicy, FleetPolicy
from repave.model.target import Target
from repave.model.wishes import Replacement
from repave.planner.check import UnsafePlan, check
from repave.planner.fleet import plan
from repave.planner.hourly import Hourly
from repave.simulation.sketch import Sketch

SKETCH = Sketch()
POLICY = FleetPolicy(fleet=SKETCH.fleet, zones=tuple(ZoneName(name) for name in "abc"))
OLD = ("1 old a serving", "2 old b serving", "3 old c serving", "4 old a serving", "5 old b serving", "6 old c serving")
NEW = ("7 new a serving", "8 new b serving", "9 new c serving")
ROLLING = Target(
    fleet=SKETCH.fleet,
    generation=5,
    revision=RevisionId("new"),
    release=ReleaseNumber(3),
    size=6,
    since=SKETCH.ago(300),
    next_slot=20,
    proven=(SKETCH.proof("old"),),
)
SETTLED = replace(ROLLING, since=SKETCH.ago(7000), proven=(SKETCH.proof("new", 6900),))


def decide(seen: Observation, target: Target = ROLLING, budget: BudgetPolicy | None = None) -> Plan:
    """The plan, which the checker accepts."""
    policy = replace(POLICY, budget=budget or BudgetPolicy())
    made = plan(policy, target, seen, SKETCH.now)
    check(made, policy, target, seen, SKETCH.now)
    return made


def taken(number: int, seconds: float, drawer: Drawer = Drawer.ROLLOUT) -> Disruption:
    """One that was taken out so long ago."""
    return Disruption(slot=SKETCH.slot(number), zone=ZoneName("a"), drawer=drawer, at=SKETCH.ago(seconds))


def drained(made: Plan) -> list[str]:
    """Who is taken out."""
    return [str(step.slot) for step in made.steps if isinstance(step, Drain)]


@given(worlds())
def test_never_does_a_gentle_draw_take_what_an_urgent_one_needs(world: AnyWorld) -> None:
    """Promise 7: answers go by urgency, and once the floor has refused one, nobody after it is granted anything."""
    policy, target, seen = world
    draws = [draw for draw in plan(policy, target, seen, NOW).draws if draw.drawer is not Drawer.HEAL]
    order = [draw.drawer.urgency for draw in draws]
    assert order == sorted(order), "someone gentle was answered first"
    refused = [place for place, draw in enumerate(draws) if draw.rule is Rule.BUDGET]
    granted = [place for place, draw in enumerate(draws) if draw.granted]
    assert not (refused and granted) or max(granted) < min(refused), "a gentle draw was granted past an urgent one"


@given(worlds())
def test_never_more_within_an_hour_than_declared(world: AnyWorld) -> None:
    """Promise 6: what is not urgent waits for its hour; a way back and the end of a fleet are not slowed."""
    policy, target, seen = world
    made = plan(policy, target, seen, NOW)
    proofs = [proof.at for proof in target.proven if proof.revision == target.revision]
    returning = bool(proofs) and max(proofs) < target.since
    limit = policy.budget.per_hour
    paced = [d for d in made.disruptions if d.drawer in {Drawer.ROLLOUT, Drawer.SCALE_IN, Drawer.AGE}]
    if limit is None or not paced or returning or target.size == 0:
        return
    before = [entry for entry in target.disruptions if timedelta(0) <= NOW - entry.at < HOUR]
    fresh = [entry for entry in made.disruptions if entry.drawer is not Drawer.REBALANCE]
    assert len(before) + len(fresh) <= max(1, limit.of(target.size)), "more than an hour may hold"


@given(worlds())
def test_never_a_draw_without_its_entry_nor_a_refusal_without_its_hold(world: AnyWorld) -> None:
    """Every answer is in the plan: what is granted enters the ledger once, what is refused waits by the same rule."""
    policy, target, seen = world
    made = plan(policy, target, seen, NOW)
    known = {entry.slot for entry in target.disruptions}
    assert {d.slot for d in made.disruptions} == {d.slot for d in made.draws if d.granted} - known
    holds = {hold.subject: hold for hold in made.holds}
    for draw in made.draws:
        if not draw.granted:
            hold = holds[draw.slot]
            assert (hold.rule, hold.until) == (draw.rule, draw.until), f"{draw.slot} waits by another rule than it says"


@given(worlds())
def test_what_the_hour_refused_is_granted_when_it_is_over(world: AnyWorld) -> None:
    """The moment that is told is honest: then, with nothing else changed, one is taken out, and not a moment before."""
    policy, target, seen = world
    made = plan(policy, target, seen, NOW)
    refused = [draw for draw in made.draws if draw.rule is Rule.HOURLY]
    if not refused or made.steps or made.changes:
        return
    until = refused[0].until
    assert until is not None
    assert made.wake_at is not None
    assert NOW < made.wake_at <= until
    before = plan(policy, target, seen, until - timedelta(microseconds=1))
    after = plan(policy, target, seen, until)
    assert not [draw for draw in before.draws if draw.granted]
    assert [draw for draw in after.draws if draw.granted] or made.wake_at < until


def test_without_a_limit_a_rollout_is_as_fast_as_the_floor() -> None:
    """Whatever was taken out before."""
    ledger = tuple(taken(number, 60) for number in range(30, 90))
    made = decide(SKETCH.see(*OLD, *NEW), replace(ROLLING, disruptions=ledger))
    assert len(drained(made)) == 3


def test_the_hour_limits_a_rollout_and_says_until_when() -> None:
    """Two an hour, one of them 40 minutes ago: one goes, the others wait 20 minutes."""
    limit = BudgetPolicy(per_hour=Amount(value=2))
    target = replace(ROLLING, disruptions=(taken(30, 4000), taken(31, 2400)))
    made = decide(SKETCH.see(*OLD, *NEW), target, limit)
    assert drained(made) == ["web-1"]
    assert [(d.slot, d.drawer, d.at) for d in made.disruptions] == [("web-1", Drawer.ROLLOUT, SKETCH.now)]
    [hold] = [hold for hold in made.holds if hold.subject == "web-2"]
    assert (hold.rule, hold.until) == (Rule.HOURLY, SKETCH.now + timedelta(minutes=20))
    assert hold.detail == "it runs an old revision; but 2 may be taken out within an hour"
    assert made.wake_at == hold.until


def test_no_more_are_launched_than_may_leave_within_the_hour() -> None:
    """Or those above the wanted number would wait, and be paid, for the hour to pass."""
    limit = BudgetPolicy(per_hour=Amount(value=1))
    made = decide(SKETCH.see(*OLD), ROLLING, limit)
    assert sum(isinstance(step, Launch) for step in made.steps) == 1
    spent = decide(SKETCH.see(*OLD), replace(ROLLING, disruptions=(taken(30, 600),)), limit)
    assert not spent.steps
    [hold] = [hold for hold in spent.holds if hold.subject == "fleet"]
    assert (hold.rule, hold.until) == (Rule.HOURLY, SKETCH.now + timedelta(minutes=50))


def test_what_is_missing_is_launched_whatever_the_hour_says() -> None:
    """The limit is of what is taken out, never of what is wanted."""
    limit = BudgetPolicy(per_hour=Amount(value=1))
    target = replace(SETTLED, disruptions=(taken(30, 600),))
    made = decide(SKETCH.see(*NEW, "10 new a stopped"), target, limit)
    assert sum(isinstance(step, Launch) for step in made.steps) == 3


def test_a_drain_that_did_not_work_is_drawn_again_and_counted_once() -> None:
    """It is in the ledger, and serves still: it leaves although the hour has nothing left."""
    limit = BudgetPolicy(per_hour=Amount(value=1))
    made = decide(SKETCH.see(*OLD, *NEW[:1]), replace(ROLLING, disruptions=(taken(1, 5),)), limit)
    assert drained(made) == ["web-1"]
    assert not made.disruptions


def test_a_way_back_is_not_slowed() -> None:
    """To what carried the fleet: the floor is the only limit."""
    target = replace(ROLLING, proven=(SKETCH.proof("new"),), disruptions=(taken(30, 600),))
    made = decide(SKETCH.see(*OLD, *NEW), target, BudgetPolicy(per_hour=Amount(value=1)))
    assert made.phase is Phase.ROLLING_BACK
    assert len(drained(made)) == 3


def test_a_fleet_of_nobody_is_emptied_at_once() -> None:
    """As `repave destroy` asks."""
    target = replace(SETTLED, size=0, disruptions=(taken(30, 600),))
    made = decide(SKETCH.see(*NEW), target, BudgetPolicy(per_hour=Amount(value=1), per_zone=Amount(value=1)))
    assert len(drained(made)) == 3


def test_a_zone_gives_up_no_more_at_once_than_declared() -> None:
    """Those that are leaving it count."""
    limit = BudgetPolicy(per_zone=Amount(value=1))
    made = decide(SKETCH.see(*OLD, *NEW, "10 old a draining 1"), ROLLING, limit)
    assert drained(made) == ["web-2", "web-3"]
    holds = {hold.subject: hold for hold in made.holds}
    assert holds["web-1"].rule is Rule.ZONE_BUDGET
    assert holds["web-1"].detail.endswith("but 1 of zone a leave, and 1 may at the same time")


def test_what_is_urgent_does_not_wait_for_its_zone() -> None:
    """A person asked for both, and both are in one zone."""
    asked = tuple(Replacement(slot=SKETCH.slot(number), since=SKETCH.ago(60)) for number in (1, 4))
    young = tuple(line.replace("old", "new") for line in OLD)
    seen = SKETCH.see(*young, "7 new b serving", "8 new c serving")
    made = decide(seen, replace(SETTLED, replacements=asked), BudgetPolicy(per_zone=Amount(value=1)))
    assert drained(made) == ["web-1", "web-4"]


def test_uneven_zones_wait_for_the_gentle_hour_before_anything_is_launched() -> None:
    """The fleet is as wanted meanwhile; it says what may still be bettered, and when."""
    lines = ("1 new a serving", "2 new a serving", "3 new a serving", "4 new b serving", "5 new b serving")
    seen = SKETCH.see(*lines, "6 new b serving")
    target = replace(SETTLED, disruptions=(taken(30, 1200, Drawer.AGE), taken(31, 600, Drawer.REBALANCE)))
    assert len([step for step in decide(seen, SETTLED).steps if isinstance(step, Launch)]) == 1
    made = decide(seen, target)
    assert made.phase is Phase.CONVERGED
    assert not made.steps
    [hold] = made.holds
    assert (hold.subject, hold.rule, hold.until) == ("fleet", Rule.HOURLY, SKETCH.now + timedelta(minutes=40))
    assert "2 may be taken out within an hour without need" in hold.detail


def test_a_heal_is_a_draw() -> None:
    """Granted and refused: with the healing limit's own moment."""
    seen = SKETCH.see(*NEW, "10 new a failing 30", "11 new b failing 20", "12 new c failing 10")
    made = decide(seen, SETTLED)
    draws = {draw.slot: draw for draw in made.draws}
    assert [slot for slot, draw in draws.items() if draw.granted] == ["web-10", "web-11"]
    assert draws[SKETCH.slot(12)].rule is Rule.HEALING_LIMIT
    assert {entry.drawer for entry in made.disruptions} == {Drawer.HEAL}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda made: replace(made, draws=()), "without a draw"),
        (lambda made: replace(made, disruptions=()), "the ledger would be given 0 draws"),
        (lambda made: replace(made, steps=()), "was granted, and would not be taken out"),
    ],
)
def test_the_checker_holds_the_ledger_against_the_steps(change: Callable[[Plan], Plan], words: str) -> None:
    """Each granted draw is carried out and remembered; nothing is taken out without one."""
    seen = SKETCH.see(*OLD, *NEW)
    with pytest.raises(UnsafePlan, match=words):
        check(change(decide(seen)), POLICY, ROLLING, seen, SKETCH.now)


def test_the_checker_refuses_haste_crowding_and_the_wrong_order() -> None:
    """A limit per hour, one per zone, and urgency, each by its words."""
    seen = SKETCH.see(*OLD, *NEW)
    made = decide(seen)
    hasty = replace(POLICY, budget=BudgetPolicy(per_hour=Amount(value=1)))
    with pytest.raises(UnsafePlan, match="3 would be taken out within an hour, and 1 may"):
        check(made, hasty, ROLLING, seen, SKETCH.now)
    crowded = SKETCH.see(*OLD, *NEW, "10 old a draining 1")
    narrow = replace(POLICY, budget=BudgetPolicy(per_zone=Amount(value=1)))
    with pytest.raises(UnsafePlan, match="2 would leave zone a at the same time, and 1 may"):
        check(decide(crowded), narrow, ROLLING, crowded, SKETCH.now)
    starved = Draw(slot=SKETCH.slot(9), drawer=Drawer.HEAL, granted=False, reason="", rule=Rule.BUDGET)
    with pytest.raises(UnsafePlan, match="something more urgent waits"):
        check(replace(made, draws=(*made.draws, starved)), POLICY, ROLLING, seen, SKETCH.now)
    gentle = tuple(replace(draw, drawer=Drawer.AGE) for draw in made.draws)
    with pytest.raises(UnsafePlan, match="3 would be taken out within an hour, and 2 may"):
        check(replace(made, draws=gentle), POLICY, ROLLING, seen, SKETCH.now)
    silent = replace(made.draws[-1], rule=None)
    with pytest.raises(UnsafePlan, match="refused by no rule"):
        check(replace(made, draws=(*made.draws[:-1], silent)), POLICY, ROLLING, seen, SKETCH.now)


def test_what_was_granted_a_moment_ago_holds_the_next_for_an_hour() -> None:
    """The second of two that ask at one time is told when the first is an hour old."""
    entry = taken(1, 0)
    limit = Hourly(1, frozenset({Drawer.ROLLOUT}), frozenset({Drawer.ROLLOUT}), (taken(8, 3600),), SKETCH.now)
    assert limit.left == 1, "what is an hour old takes nothing"
    assert limit.grows_at is None
    limit.count(taken(9, 0, Drawer.HEAL))
    assert limit.left == 1, "what is not counted takes nothing"
    limit.count(entry)
    assert limit.left == 0
    assert limit.grows_at == limit.frees_at == SKETCH.now + HOUR
