"""The checker's promises about switches, each tried with a plan that breaks it."""

from dataclasses import replace

import pytest

from repave.model.disruption import Disruption, Drawer
from repave.model.names import FleetName, InstanceId, ReleaseNumber, RevisionId, ZoneName
from repave.model.observation import Observation
from repave.model.plan import Admit, Attach, Draw, Phase, Plan, StandBy
from repave.model.policy import FleetPolicy, RolloutPolicy
from repave.model.target import FailureKind, Target
from repave.planner.check import UnsafePlan, check
from repave.simulation.sketch import Sketch

SKETCH = Sketch()
POLICY = FleetPolicy(
    fleet=SKETCH.fleet,
    zones=tuple(ZoneName(name) for name in "abc"),
    rollout=RolloutPolicy(strategy="blue-green"),
)
TARGET = Target(
    fleet=SKETCH.fleet,
    generation=5,
    revision=RevisionId("new"),
    release=ReleaseNumber(3),
    size=2,
    since=SKETCH.ago(300),
    next_slot=20,
    proven=(SKETCH.proof("old"),),
)
SWITCHED = replace(TARGET, switched=SKETCH.ago(60))
READY = SKETCH.see("1 old a serving", "2 old b serving", "3 new a ready", "4 new b ready")
HALF = SKETCH.see("1 old a serving", "2 old b serving", "3 new a ready", "4 new b checking 5 5")
EMPTY = Plan(fleet=SKETCH.fleet, parent=5, at=SKETCH.now, phase=Phase.ROLLING, summary="", next_slot=20)


def admit(number: int, slot: int | None = None) -> Admit:
    """One is let in, under its own slot or another."""
    return Admit(instance=InstanceId(f"i-{number}"), slot=SKETCH.slot(slot or number), reason="")


def attach(number: int, *, standby: bool) -> Attach:
    """One is checked from now on."""
    address = f"10.0.0.{number}"
    return Attach(
        instance=InstanceId(f"i-{number}"),
        slot=SKETCH.slot(number),
        address=address,
        port=8080,
        reason="",
        standby=standby,
    )


def rest(number: int) -> StandBy:
    """One gets no new requests, and stays."""
    return StandBy(instance=InstanceId(f"i-{number}"), slot=SKETCH.slot(number), reason="")


def refused(unsafe: Plan, seen: Observation, target: Target = TARGET) -> str:
    """What the checker says."""
    with pytest.raises(UnsafePlan) as caught:
        check(unsafe, POLICY, target, seen, SKETCH.now)
    return caught.value.message


def test_all_requests_go_over_to_a_whole_group_only() -> None:
    """Ready, seen, not paused and not stopped."""
    switch = replace(EMPTY, switch=True)
    check(switch, POLICY, TARGET, READY, SKETCH.now)
    assert "and 1 of 2 are ready" in refused(switch, HALF)
    partial = replace(READY, traffic=replace(READY.traffic, incomplete="no answer"))
    for seen, target in ((partial, TARGET), (READY, replace(TARGET, paused=True))):
        assert "paused or not everything could be seen" in refused(switch, seen, target)
    assert "over to what is stopped" in refused(switch, READY, replace(TARGET, stopped="2 in a row failed"))


def test_only_who_stands_by_and_is_wanted_is_let_in() -> None:
    """Under its own name."""
    check(replace(EMPTY, steps=(admit(3), admit(4))), POLICY, SWITCHED, READY, SKETCH.now)
    for step in (admit(3, slot=4), admit(1)):
        assert "would be let in, and does not stand by" in refused(replace(EMPTY, steps=(step,)), READY, SWITCHED)
    old = SKETCH.see("1 old a ready", "3 new a serving", "4 new b serving")
    assert "would be let in, and runs an old revision" in refused(replace(EMPTY, steps=(admit(1),)), old, SWITCHED)
    paused = replace(SWITCHED, paused=True)
    assert "paused or not everything" in refused(replace(EMPTY, steps=(admit(3),)), READY, paused)


def test_before_the_switch_only_so_many_are_let_in_as_are_lacking() -> None:
    """Old ones were lost, and fewer serve than must."""
    one = replace(EMPTY, steps=(admit(3),))
    assert "1 would be let in before all are, and 0 are lacking" in refused(one, READY)
    lacking = SKETCH.see("1 old a serving", "3 new a ready", "4 new b ready")
    check(one, POLICY, TARGET, lacking, SKETCH.now)
    two = replace(EMPTY, steps=(admit(3), admit(4)))
    assert "2 would be let in before all are, and 1 are lacking" in refused(two, lacking)
    check(replace(two, switch=True), POLICY, TARGET, lacking, SKETCH.now)


def test_only_old_ones_that_serve_stand_by_and_only_when_all_the_new_serve() -> None:
    """Not one of the new, nor before the switch."""
    whole = SKETCH.see("1 old a serving", "2 old b ready", "3 new a serving", "4 new b serving")
    for number in (2, 3):
        words = f"i-{number} would stand by, and is not an old one that serves"
        assert words in refused(replace(EMPTY, steps=(rest(number),)), whole, SWITCHED)
    early = SKETCH.see("1 old a serving", "2 old b serving", "3 new a serving", "4 new b ready")
    assert "1 of 2 new ones serve" in refused(replace(EMPTY, steps=(rest(1),)), early, SWITCHED)
    assert "2 of 2 new ones serve" in refused(replace(EMPTY, steps=(rest(1),)), whole, TARGET)


def test_until_the_switch_only_what_carried_the_fleet_last_is_attached_to_get_requests() -> None:
    """By a balancer that has forgotten who stood by. Where more run another, it is not certain which that is."""
    third = replace(TARGET, proven=(SKETCH.proof("older"), SKETCH.proof("old", 60)))
    seen = SKETCH.see("1 older a unknown 5 3000", "2 old a unknown 5 3000", "3 old b unknown 5 3000")
    carrying = (attach(2, standby=False), attach(3, standby=False))
    check(replace(EMPTY, steps=(attach(1, standby=True), *carrying)), POLICY, third, seen, SKETCH.now)
    both = replace(EMPTY, steps=(attach(1, standby=False), *carrying))
    assert "i-1 would get requests, and until the switch old has them" in refused(both, seen, third)
    rolling = replace(POLICY, rollout=RolloutPolicy(strategy="rolling"))
    for policy, target in (
        (rolling, third),
        (POLICY, replace(third, switched=SKETCH.ago(60))),
        (POLICY, replace(third, proven=third.proven[:1])),
        (POLICY, replace(third, failures=(SKETCH.failed(2, FailureKind.SICK), SKETCH.failed(3, FailureKind.SICK)))),
        (POLICY, replace(third, proven=())),
        (POLICY, replace(third, revoked=(SKETCH.revoked("old"),))),
        (POLICY, replace(third, proven=(third.proven[0], SKETCH.proof("old", 60, bootable=False)))),
    ):
        check(both, policy, target, seen, SKETCH.now)


def test_what_serves_has_the_requests_whatever_was_proven_last() -> None:
    """By the balancer's word; where several serve, it is not certain which of them."""
    third = replace(TARGET, proven=(SKETCH.proof("older"), SKETCH.proof("old", 60)))
    steps = replace(EMPTY, steps=(attach(3, standby=False),))
    seen = SKETCH.see("1 older a serving", "2 older b serving", "3 old b unknown 5 3000")
    assert "i-3 would get requests, and until the switch older has them" in refused(steps, seen, third)
    several = SKETCH.see("1 older a serving", "2 old b serving", "3 old b unknown 5 3000")
    check(steps, POLICY, third, several, SKETCH.now)


def test_no_requests_go_over_to_what_waits_for_its_turn() -> None:
    """However whole the group is that the fleet is kept as; that one may have old ones stand by, as it has switched."""
    first = replace(SKETCH.fleet, fleet=FleetName("db"))
    policy = replace(POLICY, after=(first,))
    seen = SKETCH.see("1 older a serving", "2 old a serving", "3 old b serving")
    waits = replace(TARGET, proven=(SKETCH.proof("older"), SKETCH.proof("old", 60)))
    with pytest.raises(UnsafePlan, match="all requests would go over, and 0 of 2 are ready"):
        check(replace(EMPTY, switch=True), policy, waits, seen, SKETCH.now)
    draw = Draw(slot=SKETCH.slot(1), drawer=Drawer.SWITCH, granted=True, reason="")
    kept = Disruption(slot=SKETCH.slot(1), zone=ZoneName("a"), drawer=Drawer.SWITCH, at=SKETCH.now)
    rests = replace(EMPTY, steps=(rest(1),), draws=(draw,), disruptions=(kept,))
    check(rests, policy, waits, seen, SKETCH.now)
