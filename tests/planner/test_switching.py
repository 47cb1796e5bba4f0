"""After the switch of blue/green: who is kept as a way back, for how long, and who is not."""

from dataclasses import replace
from datetime import timedelta

import pytest

from repave.model.names import FleetName, InstanceId, ReleaseNumber, RevisionId, ZoneName
from repave.model.observation import Neighbour, Observation
from repave.model.plan import Admit, Attach, Drain, Launch, Plan, Rule, StandBy, Terminate
from repave.model.policy import FleetPolicy, RolloutPolicy
from repave.model.target import Proof, Target, ZoneOut
from repave.model.wishes import Protection, Replacement
from repave.planner.check import UnsafePlan, check
from repave.planner.fleet import plan
from repave.simulation.sketch import Sketch

SKETCH = Sketch()
POLICY = FleetPolicy(
    fleet=SKETCH.fleet,
    zones=tuple(ZoneName(name) for name in "abc"),
    rollout=RolloutPolicy(strategy="blue-green", keep_seconds=600.0),
)
TARGET = Target(
    fleet=SKETCH.fleet,
    generation=5,
    revision=RevisionId("new"),
    release=ReleaseNumber(3),
    size=3,
    since=SKETCH.ago(300),
    next_slot=20,
    switched=SKETCH.ago(60),
    proven=(SKETCH.proof("old"),),
)
OLD = ("1 old a ready", "2 old b ready", "3 old c ready")
NEW = ("4 new a serving", "5 new b serving", "6 new c serving")
SWITCHED = SKETCH.see(*OLD, *NEW)


def decide(seen: Observation = SWITCHED, target: Target = TARGET, policy: FleetPolicy = POLICY) -> Plan:
    """The plan, which the checker accepts."""
    made = plan(policy, target, seen, SKETCH.now)
    check(made, policy, target, seen, SKETCH.now)
    return made


def slots(made: Plan, kind: type[Drain | StandBy | Admit]) -> list[str]:
    """Whom steps of a kind touch."""
    return [str(step.slot) for step in made.steps if isinstance(step, kind)]


def test_the_old_group_is_kept_and_it_is_told_until_when() -> None:
    """Ten minutes from the switch, not from now; then it is looked at again."""
    made = decide()
    assert not made.steps
    kept = {hold.subject: hold.until for hold in made.holds if hold.rule is Rule.KEPT}
    until = SKETCH.ago(60) + timedelta(seconds=600)
    assert kept == {"web-1": until, "web-2": until, "web-3": until}
    assert all(hold.detail for hold in made.holds)
    assert made.wake_at == until


@pytest.mark.parametrize(("ago", "leave"), [(599, []), (600, ["web-1", "web-2", "web-3"])])
def test_the_old_group_leaves_when_its_time_is_over(ago: int, leave: list[str]) -> None:
    """At the very moment that was told."""
    assert slots(decide(target=replace(TARGET, switched=SKETCH.ago(ago))), Drain) == leave


@pytest.mark.parametrize(
    "target",
    [
        replace(TARGET, proven=()),
        replace(TARGET, proven=(SKETCH.proof("old", bootable=False),)),
        replace(TARGET, revoked=(SKETCH.revoked("old"),)),
    ],
    ids=["unproven", "unbootable", "revoked"],
)
def test_what_is_no_way_back_is_not_kept(target: Target) -> None:
    """Nobody returns to what never carried the fleet, cannot be started, or must not be."""
    assert slots(decide(target=target), Drain) == ["web-1", "web-2", "web-3"]


def test_old_ones_that_serve_stand_by_once_all_of_the_new_do() -> None:
    """And none of them while one of the new is missing."""
    serving = tuple(line.replace("ready", "serving") for line in OLD)
    assert slots(decide(SKETCH.see(*serving, *NEW)), StandBy) == ["web-1", "web-2", "web-3"]
    early = decide(SKETCH.see(*serving, *NEW[:2], "6 new c ready"))
    assert slots(early, Admit) == ["web-6"]
    assert not slots(early, StandBy)


def protecting(target: Target, seconds: float) -> Target:
    """The second of the old group is protected for so long from now on."""
    until = SKETCH.now + timedelta(seconds=seconds)
    return replace(target, protections=(Protection(slot=SKETCH.slot(2), since=SKETCH.ago(60), until=until),))


@pytest.mark.parametrize("proven", [TARGET.proven, ()], ids=["a way back", "no way back"])
def test_a_switch_takes_the_requests_of_the_protected_and_ends_none_of_them(proven: tuple[Proof, ...]) -> None:
    """Whether or not anybody would return to what it runs."""
    serving = SKETCH.see(*(line.replace("ready", "serving") for line in OLD), *NEW)
    made = decide(serving, protecting(replace(TARGET, proven=proven), 3600))
    assert "web-2" in slots(made, StandBy)
    assert "web-2" not in slots(made, Drain)


def test_the_protected_stands_by_for_longer_than_its_group() -> None:
    """Until its time is over as well, which is told."""
    over = replace(TARGET, switched=SKETCH.ago(600))
    made = decide(target=protecting(over, 60))
    assert slots(made, Drain) == ["web-1", "web-3"]
    [hold] = [hold for hold in made.holds if hold.subject == "web-2"]
    until = SKETCH.now + timedelta(seconds=60)
    assert (hold.rule, hold.since, hold.until) == (Rule.PROTECTED, SKETCH.ago(600), until)
    assert made.wake_at is not None
    assert made.wake_at <= until
    assert slots(decide(target=protecting(over, 0)), Drain) == ["web-1", "web-2", "web-3"]


def test_the_protected_stands_by_again_when_the_balancer_has_forgotten_it() -> None:
    """It gets no requests beside the new group."""
    seen = SKETCH.see("2 old b unknown 5 3000", *NEW)
    [attach] = [step for step in decide(seen, protecting(TARGET, 3600)).steps if isinstance(step, Attach)]
    assert attach.standby


THIRD = replace(TARGET, switched=None, proven=(SKETCH.proof("older"), SKETCH.proof("old", 60)))
"""Deployed while the first stands by and the second serves, before its own switch."""

FORGOTTEN = ("4 old a unknown 5 3000", "5 old b unknown 5 3000", "6 old c unknown 5 3000")
"""The second, as seen by a balancer that was started anew, empty."""


def standing_by(made: Plan) -> dict[str, bool]:
    """Of each slot that is attached, whether it gets no requests."""
    return {str(step.slot): step.standby for step in made.steps if isinstance(step, Attach)}


def test_before_a_third_switch_a_balancer_that_has_forgotten_all_sends_requests_to_one_release_only() -> None:
    """To that which carried the fleet last; the protected of the first gets none, and the rest of its group leaves."""
    seen = SKETCH.see("1 older a unknown 5 3000", "2 older b unknown 5 3000", *FORGOTTEN)
    made = decide(seen, protecting(THIRD, 3600))
    assert standing_by(made) == {"web-2": True, "web-4": False, "web-5": False, "web-6": False}
    assert [step.slot for step in made.steps if isinstance(step, Terminate)] == ["web-1"]


def test_who_was_never_switched_to_gets_no_requests_either() -> None:
    """A second release that was given up before its switch carried nothing, however many of it are protected."""
    seen = SKETCH.see(*(line.replace("old", "older") for line in FORGOTTEN), "8 old b unknown 5 3000")
    protections = (Protection(slot=SKETCH.slot(8), since=SKETCH.ago(60), until=SKETCH.now + timedelta(hours=1)),)
    made = decide(seen, replace(THIRD, proven=THIRD.proven[:1], protections=protections))
    assert standing_by(made) == {"web-4": False, "web-5": False, "web-6": False, "web-8": True}


@pytest.mark.parametrize("proven", [(), THIRD.proven[:1]], ids=["none was proven", "fewer run what was proven last"])
def test_where_it_is_not_certain_who_had_the_requests_nobody_stands_by(proven: tuple[Proof, ...]) -> None:
    """Rather two releases that serve than none."""
    made = decide(SKETCH.see("2 older b unknown 5 3000", *FORGOTTEN), replace(protecting(THIRD, 3600), proven=proven))
    assert not any(standing_by(made).values())


OLDER = tuple(line.replace("ready", "unknown 5 3000").replace("old", "older") for line in OLD)
"""The first, as seen by a balancer that was started anew."""

SPOILT = {
    "revoked": replace(THIRD, revoked=(SKETCH.revoked("old"),)),
    "gone": replace(THIRD, proven=(THIRD.proven[0], SKETCH.proof("old", 60, bootable=False))),
}


@pytest.mark.parametrize("target", SPOILT.values(), ids=SPOILT)
def test_nobody_is_ended_for_what_is_revoked_or_gone(target: Target) -> None:
    """Although it carried the fleet last: both are attached, and whoever serves first does."""
    made = decide(SKETCH.see(*OLDER, *FORGOTTEN), target)
    assert standing_by(made) == dict.fromkeys(("web-1", "web-2", "web-3", "web-4", "web-5", "web-6"), False)
    assert not [step for step in made.steps if isinstance(step, Terminate)]


def test_a_release_that_serves_has_the_requests_whatever_was_proven_last() -> None:
    """The balancer's word is believed; where more run another, nobody is ended for the one."""
    made = decide(SKETCH.see("1 older a serving", "2 older b serving", OLDER[2], *FORGOTTEN), THIRD)
    assert standing_by(made) == {"web-3": False}
    fewer = decide(SKETCH.see("1 older a serving", *FORGOTTEN), THIRD)
    assert standing_by(fewer) == {"web-4": False, "web-5": False, "web-6": False}


def test_a_fleet_that_waits_for_another_has_switched_already() -> None:
    """What it is kept as has all requests, before and after the balancer forgot: none are to go over to what waits."""
    first = replace(SKETCH.fleet, fleet=FleetName("db"))
    policy = replace(POLICY, after=(first,))
    neighbours = (Neighbour(fleet=first, release=ReleaseNumber(2), carried=True),)
    for seen in (
        SKETCH.see(*(line.replace("old", "older") for line in OLD), *(line.replace("new", "old") for line in NEW)),
        SKETCH.see("2 older b unknown 5 3000", *FORGOTTEN),
    ):
        made = decide(replace(seen, neighbours=neighbours), protecting(THIRD, 3600), policy)
        assert [hold.rule for hold in made.holds if hold.subject == "fleet"] == [Rule.AFTER]
        assert not made.switch
        attached = standing_by(made)
        assert not attached or attached == {"web-2": True, "web-4": False, "web-5": False, "web-6": False}
        assert not slots(made, Drain)


def test_one_that_is_revoked_or_named_or_in_a_zone_taken_out_leaves_although_it_is_protected() -> None:
    """None of it can wait."""
    over = protecting(replace(TARGET, switched=SKETCH.ago(600)), 60)
    revoked = replace(over, revoked=(SKETCH.revoked("old"),))
    named = replace(over, replacements=(Replacement(slot=SKETCH.slot(2), since=SKETCH.ago(60)),))
    zone_out = replace(over, zones_out=(ZoneOut(zone=ZoneName("b"), since=SKETCH.ago(60), reason="works"),))
    for target in (revoked, named, zone_out):
        assert "web-2" in slots(decide(target=target), Drain)


def test_the_checker_keeps_the_protected_standing_by() -> None:
    """At the switch, and afterwards."""
    protected = protecting(replace(TARGET, switched=SKETCH.ago(600), proven=()), 60)
    serving = SKETCH.see(*(line.replace("ready", "serving") for line in OLD), *NEW)
    for seen in (SWITCHED, serving):
        unprotected = decide(seen, replace(protected, protections=()))
        assert "web-2" in slots(unprotected, Drain)
        with pytest.raises(UnsafePlan, match="web-2 is protected, and would leave where it can stand by"):
            check(unprotected, POLICY, protected, seen, SKETCH.now)


@pytest.mark.parametrize(("target", "standby"), [(replace(TARGET, switched=None), True), (TARGET, False)])
def test_the_new_stand_by_until_the_switch(target: Target, *, standby: bool) -> None:
    """From when they are attached; one that comes later gets requests like all others."""
    serving = [line.replace("ready", "serving") for line in OLD]
    made = decide(SKETCH.see(*serving, *NEW[:2], "6 new c unknown 5 5"), target)
    assert [step.standby for step in made.steps if isinstance(step, Attach)] == [standby]


def test_a_group_that_is_kept_takes_the_place_of_one_that_is_yet_to_start() -> None:
    """There are never three: the new group begins when the kept one is gone."""
    kept = [line.replace("old", "older") for line in OLD]
    serving = [line.replace("new", "old") for line in NEW]
    made = decide(SKETCH.see(*kept, *serving), THIRD)
    assert slots(made, Drain) == ["web-1", "web-2", "web-3"]
    assert not [step for step in made.steps if isinstance(step, Launch)]


def test_one_line_tells_who_is_let_in_and_who_is_still_to_be() -> None:
    """All at the switch; before it only those that are lacking, and the others are counted as ready."""
    before = replace(TARGET, switched=None)
    new = tuple(line.replace("serving", "ready") for line in NEW)
    whole = decide(SKETCH.see(*(line.replace("ready", "serving") for line in OLD), *new), before)
    assert slots(whole, Admit) == ["web-4", "web-5", "web-6"]
    assert "letting 3 in" in whole.summary
    assert "for the switch" not in whole.summary
    lacking = decide(SKETCH.see("1 old a serving", "2 old b serving", *new[:2]), before)
    assert slots(lacking, Admit) == ["web-4"]
    assert "letting 1 in, 1 ready for the switch" in lacking.summary


def test_the_checker_refuses_to_cut_off_who_stands_by() -> None:
    """The balancer may know of requests that are still open."""
    end = Terminate(instance=InstanceId("i-1"), slot=SKETCH.slot(1), reason="")
    with pytest.raises(UnsafePlan, match="i-1 stands by, and would be cut off without a drain"):
        check(replace(decide(), steps=(end,)), POLICY, TARGET, SWITCHED, SKETCH.now)


def test_while_it_is_paused_nothing_new_gets_requests_before_the_switch() -> None:
    """The whole new group is ready; who comes to the balancer late stands by like them until people let it go on."""
    group = ("1 old a serving", "2 old b serving", "3 old c serving", "4 new a ready", "5 new b ready", "6 new c ready")
    paused = replace(TARGET, switched=None, paused=True)
    made = decide(SKETCH.see(*group, "7 new a unknown 5 5"), paused)
    assert [step.standby for step in made.steps if isinstance(step, Attach)] == [True]
    assert not made.switch
