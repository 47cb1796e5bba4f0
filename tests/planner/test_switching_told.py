"""What is told of those that stand by, are let in, or serve until the switch: by which rule, since when, until when."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from repave.model.canary import CanaryStage
from repave.model.disruption import Drawer
from repave.model.names import ReleaseNumber, RevisionId, ZoneName
from repave.model.observation import Observation
from repave.model.plan import Admit, Attach, Drain, Plan, Rule, StandBy, Terminate
from repave.model.policy import FleetPolicy, RolloutPolicy
from repave.model.target import FailureKind, Target
from repave.planner.check import check
from repave.planner.fleet import plan
from repave.simulation.sketch import Sketch

SKETCH = Sketch()
ROLLOUT = RolloutPolicy(strategy="blue-green", keep_seconds=600.0, pause_seconds=60.0)
POLICY = FleetPolicy(fleet=SKETCH.fleet, zones=tuple(ZoneName(name) for name in "abc"), rollout=ROLLOUT)
ROLLING = replace(POLICY, rollout=replace(ROLLOUT, strategy="rolling"))
BEFORE = Target(
    fleet=SKETCH.fleet,
    generation=5,
    revision=RevisionId("new"),
    release=ReleaseNumber(3),
    size=3,
    since=SKETCH.ago(300),
    next_slot=20,
    proven=(SKETCH.proof("old"),),
)
SWITCHED = replace(BEFORE, switched=SKETCH.ago(60))
FAILURES = (SKETCH.failed(7, FailureKind.CRASHED, 40), SKETCH.failed(8, FailureKind.CRASHED, 20))
STOPPED = replace(BEFORE, stopped="2 in a row failed", failures=FAILURES, proven=())
OLD = ("1 old a serving 100", "2 old b serving 200", "3 old c serving 400")
KEPT = ("1 old a ready 50", "2 old b ready 50", "3 old c ready 50")
READY = ("4 new a ready 7", "5 new b ready 8", "6 new c ready 9")
NEW = tuple(line.replace("ready", "serving") for line in READY)


def decide(target: Target, *lines: str, policy: FleetPolicy = POLICY) -> Plan:
    """The plan, which the checker accepts."""
    seen: Observation = SKETCH.see(*lines)
    made = plan(policy, target, seen, SKETCH.now)
    check(made, policy, target, seen, SKETCH.now)
    return made


def holds(made: Plan, *numbers: int) -> list[tuple[Rule, datetime, datetime | None]]:
    """What holds these: each by one rule."""
    told = []
    for number in numbers:
        [hold] = [hold for hold in made.holds if hold.subject == SKETCH.slot(number)]
        told.append((hold.rule, hold.since, hold.until))
    return told


def details(made: Plan, *numbers: int) -> set[str]:
    """In these words."""
    slots = {SKETCH.slot(number) for number in numbers}
    return {hold.detail for hold in made.holds if hold.subject in slots}


def touched(made: Plan, kind: type[Admit | Drain | StandBy]) -> list[tuple[str, str]]:
    """Whom steps of a kind touch, and why."""
    return [(str(step.slot), step.reason) for step in made.steps if isinstance(step, kind)]


def drawers(made: Plan) -> set[Drawer]:
    """In whose name something that serves is taken out."""
    return {draw.drawer for draw in made.draws if draw.granted}


def test_who_is_ready_early_waits_for_the_last_and_the_old_serve_until_then() -> None:
    """Since it is ready; the old since another release is wanted, or since they serve."""
    made = decide(BEFORE, *OLD, *READY[:2], "6 new c checking 5 5")
    assert holds(made, 4, 5) == [(Rule.SWITCH, SKETCH.ago(7), None), (Rule.SWITCH, SKETCH.ago(8), None)]
    assert details(made, 4, 5) == {"it is ready, and gets requests once 3 are"}
    assert holds(made, 1, 2, 3) == [(Rule.SWITCH, SKETCH.ago(ago), None) for ago in (100, 200, 300)]
    assert details(made, 1, 2, 3) == {"it serves until all 3 new ones do"}
    assert not made.switch
    assert not touched(made, Admit)


def test_who_is_let_in_is_told_why() -> None:
    """At the switch all are ready; before it too few serve, and the others go on waiting."""
    made = decide(BEFORE, *OLD, *READY)
    assert made.switch
    assert touched(made, Admit) == [(f"web-{number}", "all of it is ready") for number in (4, 5, 6)]
    early = decide(BEFORE, *OLD[:2], *READY[:2])
    assert not early.switch
    assert touched(early, Admit) == [("web-4", "too few serve")]
    assert holds(early, 5) == [(Rule.SWITCH, SKETCH.ago(8), None)]


def test_nothing_of_what_is_stopped_is_let_in() -> None:
    """Since its last failure; what was let in before goes on."""
    made = decide(STOPPED, *OLD, *READY)
    assert not made.switch
    assert not touched(made, Admit)
    assert holds(made, 4, 5, 6) == [(Rule.STOPPED, SKETCH.ago(20), None)] * 3
    assert details(made, 4) == {"the wanted revision is stopped: it stands by"}
    over = decide(replace(STOPPED, switched=SKETCH.ago(60)), *KEPT, *NEW[:2], READY[2])
    assert touched(over, Admit) == [("web-6", "all of it is ready")]


def test_the_kept_are_told_since_when_they_stand_by() -> None:
    """And until when, from the switch on."""
    made = decide(SWITCHED, *KEPT, *NEW)
    until = SKETCH.ago(60) + timedelta(seconds=600)
    assert holds(made, 1, 2, 3) == [(Rule.KEPT, SKETCH.ago(50), until)] * 3
    assert details(made, 1) == {"it stands by as an instant way back"}


@pytest.mark.parametrize(
    ("target", "policy"),
    [
        (SWITCHED, ROLLING),
        (replace(SWITCHED, switched=None, proven=(SKETCH.proof("older"),)), POLICY),
        (replace(SWITCHED, proven=(SKETCH.proof("old", bootable=False), SKETCH.proof("older"))), POLICY),
    ],
    ids=["rolls from now on", "never switched", "nothing to start it from"],
)
def test_who_is_no_way_back_leaves(target: Target, policy: FleetPolicy) -> None:
    """In the words that say so."""
    made = decide(target, *KEPT, *NEW, policy=policy)
    reason = "it stands by, and is not needed any more"
    assert touched(made, Drain) == [(f"web-{number}", reason) for number in (1, 2, 3)]


def test_a_fleet_of_nobody_keeps_nobody() -> None:
    """There is nothing to go back to."""
    made = decide(replace(SWITCHED, size=0), *KEPT)
    assert [slot for slot, _ in touched(made, Drain)] == ["web-1", "web-2", "web-3"]


def test_a_switch_takes_the_old_out_in_its_own_name_and_a_rollout_in_its() -> None:
    """Once all of the new serve."""
    made = decide(SWITCHED, *OLD, *NEW)
    assert drawers(made) == {Drawer.SWITCH}
    assert touched(made, StandBy) == [(f"web-{number}", "it runs an old revision") for number in (1, 2, 3)]
    rolling = decide(SWITCHED, *OLD, *NEW, policy=ROLLING)
    assert drawers(rolling) == {Drawer.ROLLOUT}
    assert not touched(rolling, StandBy)
    unproven = decide(replace(SWITCHED, proven=()), *OLD, *NEW)
    assert [slot for slot, _ in touched(unproven, Drain)] == ["web-1", "web-2", "web-3"]


@pytest.mark.parametrize(
    ("since", "until"),
    [
        (None, None),
        (SKETCH.ago(50), SKETCH.now + timedelta(seconds=10)),
        (SKETCH.ago(60), None),
        (SKETCH.ago(90), None),
    ],
)
def test_beside_a_canary_the_old_serve_until_its_pause_is_over(since: datetime | None, until: datetime | None) -> None:
    """When that is known; those of the baseline are compared with it."""
    rollout = replace(ROLLOUT, strategy="canary", checkpoint=True)
    stage = CanaryStage(since=since, baseline=(SKETCH.slot(3),))
    lines = (*OLD, "4 new a serving 7")
    made = decide(replace(BEFORE, size=4, canary=stage), *lines, policy=replace(POLICY, rollout=rollout))
    assert holds(made, 1, 3) == [(Rule.CANARY, SKETCH.ago(100), until), (Rule.CANARY, SKETCH.ago(300), until)]
    assert details(made, 1, 2) == {"it serves until the next step"}
    assert details(made, 3) == {"it serves until the next step, and the canary is compared with it"}


def attached(made: Plan) -> Sequence[tuple[str, bool]]:
    """Who is checked from now on, and whether it gets no requests."""
    return [(str(step.slot), step.standby) for step in made.steps if isinstance(step, Attach)]


def test_who_comes_while_its_group_gives_up_its_requests_stands_by_too() -> None:
    """By a switch; where instances are replaced one by one, it may serve until others do."""
    lines = ("1 old a unknown 5 5", "4 new a unknown 5 5", "5 new b unknown 5 5", "6 new c unknown 5 5")
    assert dict(attached(decide(SWITCHED, *lines))) == {"web-1": True, "web-4": False, "web-5": False, "web-6": False}
    assert dict(attached(decide(SWITCHED, *lines, policy=ROLLING)))["web-1"] is False


def test_of_two_old_groups_as_large_as_each_other_the_last_that_carried_has_the_requests() -> None:
    """However their names and numbers are sorted; the other leaves, but where all may serve."""
    lines = ("1 older a unknown 5 3000", "2 old a unknown 5 3000")
    for first, last, leaves, stays in (("older", "old", "web-1", "web-2"), ("old", "older", "web-2", "web-1")):
        proven = (SKETCH.proof(first, 7200), SKETCH.proof(last, 60))
        made = decide(replace(BEFORE, proven=proven), *lines)
        assert [step.slot for step in made.steps if isinstance(step, Terminate)] == [leaves]
        assert attached(made) == [(stays, False)]
    larger = decide(replace(BEFORE, proven=proven), *lines, "4 new a checking 5 5", *READY[1:])
    assert "web-2" in [step.slot for step in larger.steps if isinstance(step, Terminate)]
    rolling = decide(replace(BEFORE, proven=proven), *lines, policy=ROLLING)
    assert attached(rolling) == [("web-1", False), ("web-2", False)]
