"""No size is lowered in unquiet times, and none is raised for what must not be launched."""

from dataclasses import replace
from datetime import timedelta

import pytest
from any_worlds import NOW
from scaled_fleets import FULL, POLICY, SKETCH, TARGET, decide, every, leaning, scaling, waits, wanted

from repave.model.disruption import Drawer
from repave.model.metrics import MetricSighting
from repave.model.names import RevisionId
from repave.model.plan import Rule
from repave.model.revocation import Revoked
from repave.model.target import FailureKind, Target
from repave.planner.draft import Draft
from repave.planner.fleet import plan
from repave.planner.scaling import scale
from repave.planner.sets import classify


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
