"""What a canary is compared with: as many of the old release as of the new, started beside it, where there is room."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from repave.model.amount import Amount
from repave.model.canary import CanaryStage
from repave.model.exposure import Exposure, FixWithin, Flaw
from repave.model.finding import Severity
from repave.model.metrics import InstanceMetrics, MetricSighting
from repave.model.names import InstanceId, RevisionId
from repave.model.observation import Observation
from repave.model.plan import Launch, Plan, Rule
from repave.model.policy import BudgetPolicy, FleetPolicy, RolloutPolicy
from repave.model.target import FailureKind, Order, Target
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
    proven=(SKETCH.proof("old"),),
)
SIX = tuple(f"{number} old {'abc'[number % 3]} serving" for number in range(1, 7))
BESIDE = replace(TARGET, canary=CanaryStage(baseline=(SKETCH.slot(8),)))


def planned(*lines: str, target: Target = TARGET, policy: FleetPolicy = CANARY) -> Plan:
    """The plan, held against the promises."""
    seen = SKETCH.see(*(lines or SIX))
    made = plan(policy, target, seen, SKETCH.now)
    check(made, policy, target, seen, SKETCH.now)
    return made


def started(made: Plan, revision: str) -> list[str]:
    """In which zones so many of this revision are launched."""
    return [str(step.zone) for step in made.steps if isinstance(step, Launch) and step.revision == revision]


def rolled_out(**changes: object) -> FleetPolicy:
    """The policy with another rollout."""
    return replace(CANARY, rollout=replace(CANARY.rollout, **changes))  # type: ignore[arg-type] # fields by name


def test_as_many_of_the_old_release_start_beside_it() -> None:
    """In the same zone, at the same time; the plan keeps which they are."""
    made = planned()
    assert (started(made, "new"), started(made, "old")) == (["a"], ["a"])
    assert made.canary == CanaryStage(baseline=(SKETCH.slot(21),))


def test_the_pause_begins_once_both_serve() -> None:
    """Neither is judged while the other is not there; who failed is not waited for."""
    lines = (*SIX[1:], "7 new a serving 5", "8 old a checking 5 5")
    assert planned(*lines, target=BESIDE).canary is None
    for late in ("8 old a serving 1", "8 old a stopped", "8 old a failing 1", "8 old a checking 30 30"):
        made = planned(*SIX[1:], "7 new a serving 5", late, target=BESIDE)
        assert made.canary is not None, late
        assert made.canary.since == SKETCH.now
        assert not started(made, "old"), "what failed is not started again"


def test_old_ones_that_ran_leave_before_the_baseline() -> None:
    """It is the last of the old to go, whatever its place in its zone."""
    made = planned(*SIX, "7 new a serving 5", "8 old a serving 5", target=BESIDE)
    granted = {draw.slot for draw in made.draws if draw.granted}
    assert len(granted) == 2
    assert SKETCH.slot(8) not in granted


@pytest.mark.parametrize(
    ("target", "policy"),
    [
        (TARGET, rolled_out(baseline="running")),
        (TARGET, rolled_out(strategy="rolling")),
        (TARGET, rolled_out(steps=(Amount(value=60, percent=True),))),
        (replace(TARGET, proven=(SKETCH.proof("old", bootable=False),)), CANARY),
        (replace(TARGET, revoked=(SKETCH.revoked("old"),)), CANARY),
        (replace(TARGET, canary=CanaryStage(step=2)), CANARY),
    ],
)
def test_none_is_started_where_it_cannot_or_need_not_be(target: Target, policy: FleetPolicy) -> None:
    """Not wanted, no canary, more new than old, gone, revoked, or all steps are over."""
    seen = SKETCH.see(*SIX)
    made = plan(policy, target, seen, SKETCH.now)
    check(made, policy, target, seen, SKETCH.now)
    assert not started(made, "old")
    assert started(made, "new")


def test_none_is_waited_for_whose_place_new_ones_have() -> None:
    """Four old ones were gone when the release came, so more are new than the step says: it goes on to be judged."""
    lines = ("1 old b serving", "8 old a serving 5", *(f"{n} new {'abc'[n % 3]} serving 5" for n in range(10, 15)))
    beside = replace(TARGET, canary=CanaryStage(step=1, baseline=(SKETCH.slot(8),)))
    made = planned(*lines, target=beside, policy=rolled_out(surge=Amount(value=1)))
    assert made.canary is not None
    assert made.canary.since == SKETCH.now
    assert not started(made, "old")


def test_old_ones_make_room_for_it_where_more_are_new_than_the_step_says() -> None:
    """Else it would wait for a room that nobody leaves, and nothing would go on."""
    new = [f"{n} new {'abc'[n % 3]} serving 5" for n in range(10, 14)]
    lines = ("1 old b serving", "2 old c serving", "8 old a serving 5", *new)
    beside = replace(TARGET, canary=CanaryStage(step=1, baseline=(SKETCH.slot(8),)))
    policy = rolled_out(surge=Amount(value=1))
    made = planned(*lines, target=beside, policy=policy)
    assert [draw.slot for draw in made.draws if draw.granted] == [SKETCH.slot(1)]
    assert started(planned(*lines[1:], target=beside, policy=policy), "old") == ["b"]


def test_none_is_started_of_what_must_leave_in_haste() -> None:
    """A flaw that is due is not started anew to be compared with."""
    flaw = Flaw(advisory="CVE-2026-1", severity=Severity.CRITICAL, published_at=SKETCH.ago(7200))
    exposed = replace(TARGET, exposures=(Exposure(revision=RevisionId("old"), flaw=flaw),))
    for days, zones in ((30, ["a"]), (0.01, [])):
        policy = replace(CANARY, fix_within=FixWithin(critical_seconds=days * 86400))
        assert started(planned(target=exposed, policy=policy), "old") == zones


def test_an_order_is_given_again_until_it_is_seen() -> None:
    """And closed as soon as nothing of the old release may be started any more."""
    ordered = replace(BESIDE, orders=(SKETCH.ordered(8, revision="old"),))
    lines = (*SIX[1:], "7 new a serving 5")
    [again] = [step for step in planned(*lines, target=ordered).steps if isinstance(step, Launch)]
    assert (again.slot, again.revision, again.zone, again.standby) == (SKETCH.slot(8), "old", "a", False)
    revoked = planned(*lines, target=replace(ordered, revoked=(SKETCH.revoked("old"),)))
    assert (started(revoked, "old"), revoked.closed) == ([], (SKETCH.slot(8),))
    over = replace(ordered, canary=replace(ordered.canary, step=2))
    assert planned(*lines, target=over).closed == (SKETCH.slot(8),)


def test_an_order_that_has_no_room_any_more_is_given_up() -> None:
    """Fewer are wanted than when it was given."""
    made = planned(target=replace(BESIDE, size=3, orders=(SKETCH.ordered(8, revision="old"),)))
    assert not started(made, "old")
    assert SKETCH.slot(8) in made.closed


SHUT = tuple(SKETCH.failed(n, FailureKind.NO_CAPACITY, zone=zone) for n, zone in enumerate("abc", 90))
HOURLY = replace(CANARY, budget=BudgetPolicy(per_hour=Amount(value=1)))
NEW = (*SIX[1:], "7 new a serving 5")


def waits(made: Plan) -> list[tuple[str, Rule, datetime, datetime | None, str]]:
    """For what more of the baseline waits."""
    told = [hold for hold in made.holds if "stand beside" in hold.detail]
    return [(hold.subject, hold.rule, hold.since, hold.until, hold.detail) for hold in told]


def test_what_it_waits_for_is_told() -> None:
    """No zone with room, no place above the size, or no draw left within the hour; and until when."""
    words = "1 more of the old release are to stand beside the canary; "
    shut = planned(*SIX[:5], "7 new a serving 5", target=replace(TARGET, failures=SHUT))
    [(subject, rule, since, until, detail)] = waits(shut)
    assert (subject, rule, since, detail) == ("fleet", Rule.BACKOFF, SKETCH.now, f"{words}no zone has room")
    assert until == min(hold.until for hold in shut.holds if hold.until)
    full = planned(*SIX, "7 new a serving 5", "9 new b checking 1 1", policy=rolled_out(steps=(Amount(value=2),)))
    [(subject, rule, since, until, detail)] = waits(full)
    assert (subject, rule, since, until) == ("fleet", Rule.SURGE, TARGET.since, None)
    assert detail == f"{words.replace('1', '2')}6 and 2 above it are taken"
    spent = replace(TARGET, disruptions=planned(*SIX, "7 new a serving 5", policy=HOURLY).disruptions)
    [(subject, rule, since, until, detail)] = waits(planned(*NEW, target=spent, policy=HOURLY))
    assert (subject, rule, since) == ("fleet", Rule.HOURLY, SKETCH.now)
    assert until == SKETCH.now + timedelta(hours=1)
    assert detail == f"{words}others may not leave within the hour"


def test_it_is_spread_like_all_that_is_launched() -> None:
    """With those of it that are there, come, or are ordered; each serves as it comes, and is remembered."""
    many = rolled_out(steps=(Amount(value=3),), surge=Amount(value=6))
    stage = CanaryStage(baseline=(SKETCH.slot(8),))
    new = ("7 new a serving 5", "9 new b serving 5", "10 new c serving 5")
    ordered = replace(TARGET, canary=stage, orders=(SKETCH.ordered(8, revision="old", zone="b"),))
    for eighth, target in (
        ("8 old b serving 5", replace(TARGET, canary=stage)),
        ("8 old b checking 5 5", replace(TARGET, canary=stage)),
        (None, ordered),
    ):
        made = planned(*SIX, *new, *([eighth] if eighth else []), target=target, policy=many)
        launched = [step for step in made.steps if isinstance(step, Launch) and step.slot != SKETCH.slot(8)]
        assert [(step.slot, str(step.zone), step.standby) for step in launched] == [
            (SKETCH.slot(20), "a", False),
            (SKETCH.slot(21), "c", False),
        ]
        assert made.canary == CanaryStage(baseline=(SKETCH.slot(8), SKETCH.slot(20), SKETCH.slot(21)))
        assert not waits(made)
    fewer = planned(
        *SIX,
        *new,
        "8 old b serving 5",
        target=replace(TARGET, canary=stage),
        policy=rolled_out(steps=(Amount(value=3),), surge=Amount(value=5)),
    )
    [(_, rule, _, _, detail)] = waits(fewer)
    assert (len(started(fewer, "old")), rule) == (1, Rule.SURGE)
    assert detail.startswith("1 more of the old release")


def test_up_to_half_of_the_fleet_has_a_baseline() -> None:
    """As many as the step has new ones; with more new than old there are enough old ones as they are."""
    for most, beside in ((3, 3), (4, 0)):
        policy = rolled_out(steps=(Amount(value=most),), surge=Amount(value=6))
        made = planned(policy=policy)
        assert (len(started(made, "new")), len(started(made, "old"))) == (most, beside)


def test_of_several_old_releases_it_runs_the_one_that_was_proven_last() -> None:
    """Of those that serve."""
    older = ("1 older a serving", "2 older b serving", *SIX[2:])
    for first, last in (("older", "old"), ("old", "older")):
        target = replace(TARGET, proven=(SKETCH.proof(last, 60), SKETCH.proof(first)))
        assert started(planned(*older, target=target), last)
        assert not started(planned(*older, target=target), first)
    absent = replace(TARGET, proven=(SKETCH.proof("older", 60), SKETCH.proof("old")))
    assert started(planned(target=absent), "old")


def test_no_pause_begins_while_more_of_it_is_ordered_or_lacking() -> None:
    """Then they would be compared with too few."""
    ordered = replace(BESIDE, orders=(SKETCH.ordered(8, revision="old"),))
    assert planned(*NEW, target=ordered).canary is None
    lacking = planned(*NEW, target=replace(TARGET, failures=SHUT))
    assert lacking.canary is None
    assert planned(*NEW, "8 old a serving 5", target=BESIDE).canary == replace(BESIDE.canary, since=SKETCH.now)


def measured(rates: dict[int, float], *lines: str) -> Observation:
    """What is seen, with these shares of failed answers."""
    instances = tuple(
        InstanceMetrics(instance=InstanceId(f"i-{number}"), seconds=30, samples=1000, error_rate=rate)
        for number, rate in rates.items()
    )
    return replace(SKETCH.see(*lines), metrics=MetricSighting(at=SKETCH.now, window_seconds=60, instances=instances))


@pytest.mark.parametrize("orders", [(), (SKETCH.ordered(8, revision="old"),)])
@pytest.mark.parametrize("stopped", ["", "2 in a row failed"])
def test_none_is_started_beside_what_goes_no_further(orders: tuple[Order, ...], stopped: str) -> None:
    """Stopped before, or found worse just now; what was ordered is closed."""
    target = replace(BESIDE if orders else TARGET, orders=orders, stopped=stopped)
    seen = measured({7: 0.5, **dict.fromkeys(range(2, 7), 0.0)}, *NEW)
    made = plan(CANARY, target, seen, SKETCH.now)
    check(made, CANARY, target, seen, SKETCH.now)
    assert bool(made.retarget) is not bool(stopped)
    assert not started(made, "old")
    assert list(made.closed) == [order.slot for order in orders]
    assert not waits(made)


def test_only_the_baseline_is_compared_with() -> None:
    """As bad as what is as young as it, it is no worse; worse than that, it is, however bad the old are."""
    lines = (*SIX[2:], "7 new a serving 30", "8 old a serving 30")
    target = replace(BESIDE, canary=replace(BESIDE.canary, since=SKETCH.ago(30)))
    old = dict.fromkeys(range(3, 7), 0.0)
    alike = measured({**old, 7: 0.2, 8: 0.2}, *lines)
    made = plan(CANARY, target, alike, SKETCH.now)
    check(made, CANARY, target, alike, SKETCH.now)
    assert not made.failures
    bad = measured({**dict.fromkeys(range(3, 7), 0.3), 7: 0.2, 8: 0.0}, *lines)
    worse = plan(CANARY, target, bad, SKETCH.now)
    check(worse, CANARY, target, bad, SKETCH.now)
    assert worse.failures[0].detail == "20.0 % of 1000 answers failed, 0.0 % of 1000 of the baseline"
    with pytest.raises(UnsafePlan, match="answers as well as the others"):
        check(worse, CANARY, target, alike, SKETCH.now)


def test_the_checker_knows_a_baseline() -> None:
    """Of a good old release that serves, for a canary, as many as the step has new ones, and never forgotten."""
    seen = SKETCH.see(*SIX)
    made = plan(CANARY, TARGET, seen, SKETCH.now)

    def refused(plan: Plan, policy: FleetPolicy = CANARY, target: Target = TARGET) -> str:
        with pytest.raises(UnsafePlan) as caught:
            check(plan, policy, target, seen, SKETCH.now)
        return caught.value.message

    assert made.canary is not None
    *others, last = made.steps
    assert isinstance(last, Launch)
    assert "is not of a good old release" in refused(made, target=replace(TARGET, proven=()))
    assert "there is none to compare with" in refused(made, rolled_out(baseline="running"))
    assert "the step has 1 of 1" in refused(made, target=replace(TARGET, size=1))
    assert "would run old" in refused(replace(made, canary=None))
    second = replace(last, slot=SKETCH.slot(22))
    more = replace(made.canary, baseline=(*made.canary.baseline, second.slot))
    assert "2 would stand beside" in refused(replace(made, steps=(*made.steps, second), next_slot=23, canary=more))
    assert "would be forgotten" in refused(replace(made, steps=(*others,)), target=BESIDE)
