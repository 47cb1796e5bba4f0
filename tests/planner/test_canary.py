"""One moment of a canary, and what the checker refuses of one."""

from dataclasses import replace
from datetime import timedelta

import pytest

from repave.model.amount import Amount
from repave.model.canary import CanaryStage
from repave.model.metrics import InstanceMetrics, MetricSighting
from repave.model.names import InstanceId, RevisionId, ZoneName
from repave.model.observation import Observation
from repave.model.plan import Drain, Launch, Plan, Rule
from repave.model.policy import AgePolicy, RolloutPolicy
from repave.model.target import Failure, FailureKind, Target, ZoneOut
from repave.model.wishes import Replacement
from repave.planner.check import UnsafePlan, check
from repave.planner.fleet import plan
from repave.simulation.sketch import Sketch
from repave.simulation.stage import POLICY

SKETCH = Sketch()
CANARY = replace(POLICY, rollout=RolloutPolicy(strategy="canary", pause_seconds=60.0))
TARGET = Target(
    fleet=SKETCH.fleet,
    generation=5,
    revision=RevisionId("new"),
    release=SKETCH.release("new"),
    size=6,
    since=SKETCH.ago(300),
    next_slot=20,
    canary=CanaryStage(since=SKETCH.ago(30)),
    proven=(SKETCH.proof("old"),),
)
FIRST_STEP = SKETCH.see(
    "2 old b serving", "3 old c serving", "4 old a serving", "5 old b serving", "6 old c serving", "7 new a serving 30"
)


def measured(new: float, old: float, samples: int = 1000) -> Observation:
    """The first step, with these shares of failed answers."""
    instances = tuple(
        InstanceMetrics(instance=InstanceId(f"i-{number}"), seconds=30, samples=samples, error_rate=rate)
        for number, rate in [(7, new), *((number, old) for number in range(2, 7))]
    )
    return replace(FIRST_STEP, metrics=MetricSighting(at=SKETCH.now, window_seconds=60, instances=instances))


def planned(seen: Observation, target: Target = TARGET) -> Plan:
    """The plan, held against the promises."""
    made = plan(CANARY, target, seen, SKETCH.now)
    check(made, CANARY, target, seen, SKETCH.now)
    return made


def test_a_step_waits_for_its_pause() -> None:
    """Nothing is started or taken out, and it is told until when."""
    made = planned(measured(0.0, 0.0))
    assert not made.steps
    [hold] = [hold for hold in made.holds if hold.subject == "fleet"]
    assert (hold.rule, hold.until) == (Rule.CANARY, SKETCH.ago(30) + timedelta(seconds=60))
    assert made.wake_at == hold.until


def test_a_step_that_is_over_begins_the_next() -> None:
    """By what it was judged is kept, and the next ones start at once."""
    made = planned(measured(0.0, 0.0), replace(TARGET, canary=CanaryStage(since=SKETCH.ago(60))))
    assert made.canary is not None
    assert (made.canary.step, made.canary.since) == (1, None)
    assert len([step for step in made.steps if isinstance(step, Launch)]) == 2


def test_one_that_is_lost_begins_the_pause_anew() -> None:
    """What is judged must be there."""
    seen = SKETCH.see(*(f"{number} old a serving" for number in range(2, 7)), "7 new a failing 1")
    running = replace(CANARY, rollout=replace(CANARY.rollout, baseline="running"))
    assert plan(running, TARGET, seen, SKETCH.now).canary == CanaryStage()


def test_unavailable_ones_do_not_let_it_creep_on() -> None:
    """Two may be missing, yet no more old ones leave than new ones have come."""
    policy = replace(CANARY, rollout=replace(CANARY.rollout, unavailable=Amount(value=2)))
    made = plan(policy, TARGET, FIRST_STEP, SKETCH.now)
    assert not [step for step in made.steps if isinstance(step, Drain | Launch)]


def test_one_that_is_worse_is_remembered_and_goes_back() -> None:
    """One accusation is enough: it stands on hundreds of answers."""
    made = planned(measured(0.2, 0.0))
    assert [(failure.kind, failure.zone) for failure in made.failures] == [(FailureKind.WORSE, "a")]
    assert made.retarget is not None
    assert made.retarget.revision == "old"
    assert made.retarget.reason.startswith("the canary is worse: ")


def test_a_clock_that_was_set_back_hides_no_worse_release() -> None:
    """It is judged after it was wanted, whatever the clock says."""
    made = planned(measured(0.2, 0.0), replace(TARGET, since=SKETCH.now + timedelta(seconds=49)))
    assert made.retarget is not None
    assert made.retarget.revision == "old"


def test_the_checker_wants_evidence() -> None:
    """What is called worse by few answers, or answers no worse, is refused."""
    worse = planned(measured(0.2, 0.0))
    for seen, words in ((measured(0.2, 0.0, samples=10), "too few answers"), (measured(0.0, 0.0), "answers as well")):
        with pytest.raises(UnsafePlan, match=words):
            check(worse, CANARY, TARGET, seen, SKETCH.now)


@pytest.mark.parametrize(
    ("stage", "checkpoint", "words"),
    [
        (CanaryStage(step=1), False, "before its pause"),
        (CanaryStage(step=2), False, "from step 0 to 2"),
        (CanaryStage(step=1), True, "nobody let it"),
    ],
)
def test_the_checker_lets_no_step_be_skipped(stage: CanaryStage, checkpoint: bool, words: str) -> None:
    """One after the other, each in its time, and with a person's word where the policy wants it."""
    seen = measured(0.0, 0.0)
    since = SKETCH.ago(90 if checkpoint else 30)
    target = replace(TARGET, canary=CanaryStage(since=since))
    policy = replace(CANARY, rollout=replace(CANARY.rollout, checkpoint=checkpoint))
    made = replace(plan(policy, target, seen, SKETCH.now), canary=stage)
    with pytest.raises(UnsafePlan, match=words):
        check(made, policy, target, seen, SKETCH.now)


def test_the_checker_counts_the_new_ones() -> None:
    """A rolling plan is too fast for a canary."""
    rolling = plan(POLICY, TARGET, FIRST_STEP, SKETCH.now)
    with pytest.raises(UnsafePlan, match="the step allows 1"):
        check(rolling, CANARY, TARGET, FIRST_STEP, SKETCH.now)


@pytest.mark.parametrize(
    "asked",
    [
        replace(TARGET, zones_out=(ZoneOut(zone=ZoneName("a"), since=SKETCH.ago(60), reason="power works"),)),
        replace(TARGET, replacements=(Replacement(slot=SKETCH.slot(7), since=SKETCH.ago(60)),)),
    ],
    ids=["its zone was taken out", "a person named it"],
)
def test_a_new_one_that_must_go_makes_room_for_another(asked: Target) -> None:
    """The step has as many as before; where nothing was asked, it would have one too many."""
    made = planned(FIRST_STEP, asked)
    assert [step.revision for step in made.steps if isinstance(step, Launch)].count(RevisionId("new")) == 1
    with pytest.raises(UnsafePlan, match="2 new ones would be there, and the step allows 1"):
        check(made, CANARY, TARGET, FIRST_STEP, SKETCH.now)
    over = tuple(replace(out, until=SKETCH.now) for out in asked.zones_out)
    elsewhere = tuple(replace(wish, slot=SKETCH.slot(2)) for wish in asked.replacements)
    with pytest.raises(UnsafePlan, match="2 new ones would be there, and the step allows 1"):
        check(made, CANARY, replace(asked, zones_out=over, replacements=elsewhere), FIRST_STEP, SKETCH.now)


def test_a_new_one_past_its_hard_limit_makes_room_for_another() -> None:
    """It ran here before. Four of five are gone, so four may be started; its own place is taken by none of them."""
    policy = replace(
        CANARY,
        rollout=replace(CANARY.rollout, surge=Amount(value=0, percent=True)),
        age=AgePolicy(hard_seconds=900.0),
    )
    target = replace(TARGET, size=5, since=SKETCH.ago(61), canary=CanaryStage())
    seen = SKETCH.see("1 old a checking 0 0", "2 new a serving 60 5000")
    made = plan(policy, target, seen, SKETCH.now)
    check(made, policy, target, seen, SKETCH.now)
    assert len([step for step in made.steps if isinstance(step, Launch)]) == 4


def test_a_hundred_answers_are_enough_on_each_side() -> None:
    """To the planner and to its checker."""
    assert planned(measured(0.2, 0.0, samples=100)).retarget is not None
    assert planned(measured(0.2, 0.0, samples=99)).retarget is None


def test_the_checker_weighs_times_by_the_answer() -> None:
    """One that is slow spends less time in all than five that are quick, and is worse all the same."""
    seen = measured(0.0, 0.0)
    slow = tuple(
        replace(each, latency_seconds=0.3 if each.instance == "i-7" else 0.1) for each in seen.metrics.instances
    )
    seen = replace(seen, metrics=replace(seen.metrics, instances=slow))
    assert planned(seen, replace(TARGET, canary=CanaryStage(since=SKETCH.ago(90)))).retarget is not None


def test_a_failed_canary_is_not_forgotten_by_its_slot() -> None:
    """It still serves when it is judged, and is counted once."""
    target = replace(
        TARGET,
        failures=(
            Failure(
                slot=SKETCH.slot(7),
                revision=RevisionId("new"),
                zone=CANARY.zones[0],
                kind=FailureKind.WORSE,
                at=SKETCH.ago(1),
            ),
        ),
    )
    assert not plan(CANARY, target, measured(0.2, 0.0), SKETCH.now).failures


def test_the_checker_weighs_shares_and_not_sums() -> None:
    """One new instance gives fewer failed answers than five old ones, and is worse all the same."""
    assert planned(measured(0.2, 0.05)).failures
