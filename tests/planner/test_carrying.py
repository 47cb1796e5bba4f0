"""What carried the fleet when the next release was deployed may be returned to, and nothing else."""

from dataclasses import replace

import pytest

from repave.model.names import RevisionId
from repave.model.plan import Plan
from repave.model.target import FailureKind, Target
from repave.planner.check import UnsafePlan, check
from repave.planner.fleet import plan
from repave.simulation.sketch import Sketch
from repave.simulation.stage import POLICY

SKETCH = Sketch()
TARGET = Target(
    fleet=SKETCH.fleet,
    generation=5,
    revision=RevisionId("new"),
    release=SKETCH.release("new"),
    size=3,
    since=SKETCH.ago(0),
    next_slot=20,
    proven=(SKETCH.proof("older"),),
)
WHOLE = ("1 older a ready", "4 old a serving", "5 old b serving", "6 old c serving")


def planned(*lines: str, target: Target = TARGET) -> Plan:
    """The plan, held against the promises."""
    seen = SKETCH.see(*(lines or WHOLE))
    made = plan(POLICY, target, seen, SKETCH.now)
    check(made, POLICY, target, seen, SKETCH.now)
    return made


def test_what_serves_the_whole_fleet_is_proven_when_the_next_is_deployed() -> None:
    """Though an older group stands by beside it."""
    assert planned().proven == "old"


def test_what_failed_of_others_does_not_speak_against_it() -> None:
    """Nor what was lost with a zone."""
    failures = (
        SKETCH.failed(3, FailureKind.WORSE, revision="older"),
        SKETCH.failed(3, FailureKind.ZONE_LOST, revision="old"),
    )
    assert planned(target=replace(TARGET, failures=failures)).proven == "old"


@pytest.mark.parametrize("unseen", ["machines", "traffic"])
def test_nothing_is_called_proven_by_half_a_look(unseen: str) -> None:
    """Something else may run in what was not seen."""
    seen = SKETCH.see(*WHOLE)
    if unseen == "machines":
        seen = replace(seen, machines=replace(seen.machines, incomplete="no answer"))
    else:
        seen = replace(seen, traffic=replace(seen.traffic, incomplete="no answer"))
    assert plan(POLICY, TARGET, seen, SKETCH.now).proven is None


def test_a_release_that_is_revoked_at_once_goes_back_to_it() -> None:
    """In the very plan that calls it proven."""
    made = planned(target=replace(TARGET, revoked=(SKETCH.revoked("new"),)))
    assert made.retarget is not None
    assert made.retarget.revision == "old"


UNTRUE = {
    "not whole": (WHOLE[:3], TARGET),
    "not alone": ((*WHOLE[:3], "6 older c serving"), TARGET),
    "failed": (WHOLE, replace(TARGET, failures=(SKETCH.failed(3, FailureKind.WORSE, revision="old"),))),
    "revoked": (WHOLE, replace(TARGET, revoked=(SKETCH.revoked("old"),))),
    "gone back from": (WHOLE, replace(TARGET, proven=(SKETCH.proof("new"), SKETCH.proof("older")))),
}
NO_NEWS = {
    "one fails": ((*WHOLE, "7 old a failing"), TARGET),
    "one ended": ((*WHOLE, "7 old a stopped"), TARGET),
    "known": (WHOLE, replace(TARGET, proven=(SKETCH.proof("older"), SKETCH.proof("old", 60)))),
    "nobody is wanted": ((), replace(TARGET, size=0)),
    "cannot be started": (WHOLE, replace(TARGET, proven=(SKETCH.proof("old", 9000, bootable=False), *TARGET.proven))),
}


@pytest.mark.parametrize("case", [*UNTRUE, *NO_NEWS])
def test_nothing_else_is(case: str) -> None:
    """Neither what does not carry the fleet in good health, nor what speaks against itself, nor what is known."""
    lines, target = (UNTRUE | NO_NEWS)[case]
    seen = SKETCH.see(*lines)
    made = plan(POLICY, target, seen, SKETCH.now)
    check(made, POLICY, target, seen, SKETCH.now)
    assert made.proven is None


@pytest.mark.parametrize("case", UNTRUE)
def test_the_checker_lets_nothing_else_be_called_so(case: str) -> None:
    """It looks for itself."""
    lines, target = UNTRUE[case]
    seen = SKETCH.see(*lines)
    forged = replace(plan(POLICY, target, seen, SKETCH.now), proven=RevisionId("old"))
    with pytest.raises(UnsafePlan, match="calls old proven"):
        check(forged, POLICY, target, seen, SKETCH.now)
