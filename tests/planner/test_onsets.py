"""Since when things wait, and until when or until what."""

from dataclasses import replace
from datetime import timedelta

from any_worlds import NOW, AnyWorld, worlds
from hypothesis import given

from repave.model.amount import Amount
from repave.model.canary import CanaryStage
from repave.model.disruption import Disruption, Drawer
from repave.model.names import RevisionId, ZoneName
from repave.model.observation import Observation
from repave.model.plan import Hold, Plan, Rule
from repave.model.policy import BudgetPolicy, FleetPolicy, RolloutPolicy
from repave.model.target import FailureKind, Target
from repave.planner.explain import ENDS, dated, explain
from repave.planner.fleet import plan
from repave.simulation.sketch import Sketch
from repave.simulation.stage import POLICY

SKETCH = Sketch()
SINCE = SKETCH.ago(300)
"""Since when the newest revision is wanted."""

SERVING = ("1 old a serving 9000", "2 old b serving 9000", "3 new a serving 20", "4 new b serving 20")


def wanting(**changes: object) -> Target:
    """Two of the new revision, wanted for five minutes."""
    target = Target(
        fleet=SKETCH.fleet,
        generation=3,
        revision=RevisionId("new"),
        release=SKETCH.release("new"),
        size=2,
        since=SINCE,
        next_slot=9,
        proven=(SKETCH.proof("old"),),
    )
    return replace(target, **changes)  # type: ignore[arg-type] # fields of a target


def hold(made: Plan, subject: str) -> Hold:
    """The one hold of a subject."""
    [found] = [one for one in made.holds if one.subject == subject]
    return found


def planned(target: Target, seen: Observation, policy: FleetPolicy = POLICY) -> Plan:
    """Now."""
    return plan(policy, target, seen, SKETCH.now)


@given(worlds())
def test_never_a_wait_without_an_end_in_words_or_in_time(world: AnyWorld) -> None:
    """Promise 4: each wait says when time ends it, or what does; never both, and the time is never over."""
    policy, target, seen = world
    for told in explain(plan(policy, target, seen, NOW)):
        assert bool(told.until) is not bool(told.ends), f"{told.subject} by {told.rule}"
        assert told.until is None or told.until > NOW or told.rule in {Rule.STARTING, Rule.DRAINING}


def test_every_rule_says_what_ends_it() -> None:
    """A new rule has its words."""
    assert set(ENDS) == set(Rule)


def test_an_old_one_waits_to_leave_since_another_is_wanted() -> None:
    """Not since it began to serve, hours ago: nothing held it then."""
    policy = replace(POLICY, budget=BudgetPolicy(per_hour=Amount(value=1)))
    taken = Disruption(slot=SKETCH.slot(8), zone=ZoneName("a"), drawer=Drawer.ROLLOUT, at=SKETCH.ago(60))
    made = planned(wanting(disruptions=(taken,)), SKETCH.see(*SERVING), policy)
    held = hold(made, "web-1")
    assert (held.rule, held.since) == (Rule.HOURLY, SINCE)
    assert held.until == taken.at + timedelta(hours=1)


def test_what_is_stopped_is_so_since_it_failed() -> None:
    """Not since it was wanted."""
    failures = (SKETCH.failed(5, FailureKind.CRASHED, 120), SKETCH.failed(6, FailureKind.CRASHED, 90))
    made = planned(wanting(stopped="2 failed", failures=failures), SKETCH.see(*SERVING[:2]))
    assert (hold(made, "fleet").rule, hold(made, "fleet").since) == (Rule.STOPPED, SKETCH.ago(90))
    assert hold(made, "web-1").since == SKETCH.ago(90)


def test_a_crowded_zone_is_free_when_those_who_leave_have_had_their_time() -> None:
    """The drain time-out bounds it."""
    policy = replace(POLICY, zones=(ZoneName("a"),), budget=BudgetPolicy(per_zone=Amount(value=1)))
    lines = ("1 old a serving", "2 old a draining 4", "3 new a serving 20", "4 new a serving 20")
    held = hold(planned(wanting(), SKETCH.see(*lines), policy), "web-1")
    assert (held.rule, held.until) == (Rule.ZONE_BUDGET, SKETCH.now + timedelta(seconds=6))


def test_what_waits_for_a_canary_waits_until_its_step_is_judged() -> None:
    """As the fleet does."""
    policy = replace(POLICY, rollout=RolloutPolicy(strategy="canary", pause_seconds=100.0))
    target = wanting(size=4, canary=CanaryStage(step=0, since=SKETCH.ago(40)))
    lines = ("1 old a serving", "2 old b serving", "3 old c serving", "4 new a serving 50")
    made = planned(target, SKETCH.see(*lines), policy)
    ends = SKETCH.now + timedelta(seconds=60)
    assert {(one.rule, one.until) for one in made.holds} == {(Rule.CANARY, ends)}


def test_a_wait_that_a_plan_cannot_date_began_when_it_was_first_told() -> None:
    """Two looks at a provider that does not answer: it is since the first, for as long as the same is told."""
    seen = SKETCH.see(*SERVING)
    blind = replace(seen, machines=replace(seen.machines, incomplete="no answer"))
    first = planned(wanting(), blind)
    later = SKETCH.now + timedelta(seconds=30)
    second = plan(POLICY, wanting(), replace(blind, at=later), later)
    assert hold(second, "fleet").since == later
    assert hold(dated(second, first), "fleet").since == SKETCH.now
    third = plan(POLICY, wanting(), replace(blind, at=later + timedelta(seconds=30)), later + timedelta(seconds=30))
    assert hold(dated(third, dated(second, first)), "fleet").since == SKETCH.now
    assert hold(dated(third, planned(wanting(), seen)), "fleet").since == third.at
    assert dated(first, None) == first
