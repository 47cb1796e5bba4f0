"""The checker's own view of sizes: each promise that a plan might break is named."""

from dataclasses import replace

import pytest

from repave.model.metrics import InstanceMetrics, MetricSighting
from repave.model.names import InstanceId, ReleaseNumber, RevisionId, ZoneName
from repave.model.observation import Observation
from repave.model.plan import Phase, Plan
from repave.model.policy import FleetPolicy
from repave.model.revocation import Revoked
from repave.model.scaling import MetricTarget, Resize, ScalePolicy, SizeHistory
from repave.model.target import FailureKind, Target
from repave.planner.check import UnsafePlan, check
from repave.simulation.sketch import Sketch

SKETCH = Sketch()
SCALE = ScalePolicy(lowest=2, highest=8, targets=(MetricTarget(metric="cpu", value=0.6),))
POLICY = FleetPolicy(fleet=SKETCH.fleet, zones=(ZoneName("a"), ZoneName("b")), scale=SCALE)
TARGET = Target(
    fleet=SKETCH.fleet,
    generation=7,
    revision=RevisionId("new"),
    release=ReleaseNumber(3),
    size=4,
    since=SKETCH.ago(7000),
    next_slot=6,
    proven=(SKETCH.proof("new", 6900),),
)
LINES = ("1 new a serving", "2 new b serving", "3 new a serving", "4 new b serving")


def seen(*lines: str, measured: bool = True) -> Observation:
    """These, of which the first was measured."""
    sighted = SKETCH.see(*(lines or LINES))
    if not measured:
        return sighted
    one = InstanceMetrics(instance=InstanceId("i-1"), seconds=60, cpu=0.9)
    return replace(sighted, metrics=MetricSighting(at=SKETCH.now, window_seconds=60, instances=(one,), incomplete=""))


def verdict(
    size: int, target: Target = TARGET, observation: Observation | None = None, policy: FleetPolicy = POLICY
) -> str:
    """What is said of a plan that does nothing but want this size."""
    made = Plan(
        fleet=SKETCH.fleet,
        parent=7,
        at=SKETCH.now,
        phase=Phase.SCALING,
        summary="",
        next_slot=6,
        resize=Resize(size=size, reason="cpu"),
    )
    try:
        check(made, policy, target, observation or seen(), SKETCH.now)
    except UnsafePlan as unsafe:
        return unsafe.message
    return ""


def test_a_size_that_may_be_is_let_pass() -> None:
    """Up and down within the range, in quiet times, by what was measured."""
    assert (verdict(6), verdict(3)) == ("", "")


def test_a_size_stays_in_its_range() -> None:
    """And is moved by what is declared, to another size, of a fleet that is wanted at all."""
    assert "2..8 is the range" in verdict(9)
    assert "2..8 is the range" in verdict(1)
    assert "which is no change" in verdict(4)
    assert "nothing is declared that moves it" in verdict(5, policy=replace(POLICY, scale=None))
    assert "a person wanted nobody" in verdict(2, replace(TARGET, size=0), seen("1 new a draining"))


def test_nothing_moves_in_the_dark_or_while_paused() -> None:
    """Nor twice in a short time."""
    assert "nothing was measured that it follows" in verdict(6, observation=seen(measured=False))
    assert "the fleet is paused" in verdict(6, replace(TARGET, paused=True))
    blind = replace(seen(), machines=replace(seen().machines, incomplete="a page is missing"))
    assert "not wholly seen" in verdict(6, observation=blind)
    assert "it was changed at" in verdict(6, replace(TARGET, size_history=SizeHistory(resized_at=SKETCH.ago(59))))
    assert verdict(6, replace(TARGET, size_history=SizeHistory(resized_at=SKETCH.ago(60)))) == ""


@pytest.mark.parametrize(
    "target",
    [
        replace(TARGET, stopped="bad"),
        replace(TARGET, proven=(SKETCH.proof("new", 6900, bootable=False),)),
        replace(TARGET, revoked=(Revoked(revision=RevisionId("new"), reason="leaked", since=SKETCH.now),)),
    ],
)
def test_no_more_of_what_must_not_be_launched(target: Target) -> None:
    """Stopped, gone or revoked."""
    assert "nothing of the wanted revision may be launched" in verdict(6, target)


def test_no_fewer_in_unquiet_times() -> None:
    """Each kind of unrest by its name."""
    assert "an old revision is still there" in verdict(3, observation=seen(*LINES, "5 old a draining"))
    assert "has yet to prove itself" in verdict(3, replace(TARGET, proven=()))
    assert "only 3 serve" in verdict(3, observation=seen(*LINES[:3]))
    for kind in (FailureKind.NO_CAPACITY, FailureKind.ZONE_LOST):
        assert "a zone is out" in verdict(3, replace(TARGET, failures=(SKETCH.failed(9, kind, 5),)))
    assert verdict(3, replace(TARGET, failures=(SKETCH.failed(9, FailureKind.NO_CAPACITY, 30),))) == ""
