"""What a person asked of a fleet holds: protection, replacement, a pause with an end."""

from dataclasses import replace
from datetime import timedelta

import pytest
from any_worlds import NOW, AnyWorld, worlds
from hypothesis import given

from repave.model.disruption import Drawer
from repave.model.names import ReleaseNumber, RevisionId, ZoneName
from repave.model.observation import MachineState, Observation, TrafficState
from repave.model.plan import Drain, Hold, Launch, Phase, Plan, Rule, Terminate
from repave.model.policy import FleetPolicy
from repave.model.target import Target, ZoneOut
from repave.model.wishes import Protection, Replacement
from repave.planner.check import UnsafePlan, check
from repave.planner.fleet import plan
from repave.simulation.sketch import Sketch

SKETCH = Sketch()
POLICY = FleetPolicy(fleet=SKETCH.fleet, zones=tuple(ZoneName(name) for name in "abc"))
OLD = ("1 old a serving", "2 old b serving", "3 old c serving")
NEW = ("7 new a serving", "8 new b serving", "9 new c serving")
ROLLING = Target(
    fleet=SKETCH.fleet,
    generation=5,
    revision=RevisionId("new"),
    release=ReleaseNumber(3),
    size=3,
    since=SKETCH.ago(300),
    next_slot=20,
    proven=(SKETCH.proof("old"),),
)
SETTLED = replace(ROLLING, since=SKETCH.ago(7000), proven=(SKETCH.proof("new", 6900),))
LATER = SKETCH.now + timedelta(hours=1)


def decide(seen: Observation, target: Target) -> Plan:
    """The plan, which the checker accepts."""
    made = plan(POLICY, target, seen, SKETCH.now)
    check(made, POLICY, target, seen, SKETCH.now)
    return made


def protecting(target: Target, *numbers: int, seconds: float = 3600) -> Target:
    """These are protected for so long from now on."""
    until = SKETCH.now + timedelta(seconds=seconds)
    known = (Protection(slot=SKETCH.slot(n), since=SKETCH.ago(60), until=until, reason="a test") for n in numbers)
    return replace(target, protections=tuple(known))


def asking(target: Target, *numbers: int) -> Target:
    """A person wants these replaced."""
    wishes = (Replacement(slot=SKETCH.slot(number), since=SKETCH.ago(60), reason="slow") for number in numbers)
    return replace(target, replacements=tuple(wishes))


def slots(made: Plan, kind: type[Drain | Launch | Terminate]) -> list[str]:
    """The slots that steps of a kind touch."""
    return [str(step.slot) for step in made.steps if isinstance(step, kind)]


def held(made: Plan, subject: str) -> Hold:
    """The one hold of a subject."""
    [hold] = [hold for hold in made.holds if hold.subject == subject]
    return hold


@given(worlds())
def test_never_a_protected_one_taken_out_for_what_can_wait(world: AnyWorld) -> None:
    """Promise 7: of those that are protected, only the sick, revoked, due, or named by a person leave."""
    policy, target, seen = world
    protected = {known.slot for known in target.protections if known.until > NOW}
    made = plan(policy, target, seen, NOW)
    serving = {backend.instance for backend in seen.traffic.backends if backend.state is TrafficState.SERVING}
    alive = {i.id for i in seen.machines.instances if i.state is not MachineState.STOPPED}
    drains = [step for step in made.steps if isinstance(step, Drain) and step.instance in serving & alive]
    drained = {step.slot for step in drains} & protected
    drawers = {draw.slot: draw.drawer for draw in made.draws if draw.granted}
    for slot in drained:
        assert drawers[slot] in {Drawer.REVOKED, Drawer.HEAL, Drawer.DEADLINE, Drawer.OPERATOR}


@given(worlds())
def test_never_a_wish_forgotten_before_it_is_fulfilled(world: AnyWorld) -> None:
    """A named instance is gone when its wish is; nothing is told to be over that is not."""
    policy, target, seen = world
    made = plan(policy, target, seen, NOW)
    there = {instance.slot for instance in seen.machines.instances}
    assert not there & set(made.replaced)
    until = target.paused_until
    assert made.resumes is (target.paused and until is not None and until <= NOW)


def test_a_rollout_waits_for_the_protected_one_and_says_so() -> None:
    """The others leave; when the time is over, it goes as well."""
    made = decide(SKETCH.see(*OLD, *NEW), protecting(ROLLING, 2))
    assert sorted(slots(made, Drain)) == ["web-1", "web-3"]
    hold = held(made, "web-2")
    assert (hold.rule, hold.until) == (Rule.PROTECTED, LATER)
    assert hold.detail == "it runs an old revision; but a person protects it: a test"
    alone = decide(SKETCH.see(OLD[1], *NEW), protecting(ROLLING, 2))
    assert not alone.steps
    assert (alone.phase, alone.wake_at) == (Phase.ROLLING, LATER)
    assert slots(decide(SKETCH.see(OLD[1], *NEW), protecting(ROLLING, 2, seconds=0)), Drain) == ["web-2"]


def test_fewer_wanted_another_one_leaves() -> None:
    """As long as there is one that is not protected; then it waits, and says for what."""
    made = decide(SKETCH.see(*NEW), protecting(replace(SETTLED, size=2), 7))
    assert slots(made, Drain) == ["web-8"]
    whole = decide(SKETCH.see(*NEW), protecting(replace(SETTLED, size=2), 7, 8, 9))
    assert not whole.steps
    assert held(whole, "web-7").rule is Rule.PROTECTED


def test_one_that_comes_and_is_protected_is_not_ended() -> None:
    """Neither as one too many, nor as an old one."""
    lines = ("7 new a serving", "8 new b serving", "9 new c checking 1 5")
    made = decide(SKETCH.see(*lines), protecting(replace(SETTLED, size=2), 9))
    assert not made.steps
    assert held(made, "web-7").rule is Rule.BUDGET
    coming = decide(SKETCH.see("1 old a checking 1 5", *NEW), protecting(ROLLING, 1))
    assert not slots(coming, Terminate)
    assert held(coming, "web-1").rule is Rule.PROTECTED


def test_one_that_comes_in_a_zone_that_was_taken_out_goes_although_protected() -> None:
    """A person wants nothing there."""
    out = replace(SETTLED, zones_out=(ZoneOut(zone=ZoneName("c"), since=SKETCH.ago(60), reason="power works"),))
    lines = ("7 new a serving", "8 new b serving", "10 new a serving", "9 new c checking 1 5")
    assert slots(decide(SKETCH.see(*lines), protecting(out, 9)), Terminate) == ["web-9"]


def test_the_sick_and_the_dead_are_replaced_although_protected() -> None:
    """Protection is from what can wait."""
    sick = decide(SKETCH.see(*NEW[:2], "9 new c failing 8"), protecting(SETTLED, 9))
    assert [heal.slot for heal in sick.heals] == ["web-9"]
    dead = decide(SKETCH.see(*NEW[:2], "9 new c stopped"), protecting(SETTLED, 9))
    assert slots(dead, Terminate) == ["web-9"]


def test_uneven_zones_wait_when_nobody_of_the_fullest_may_leave() -> None:
    """Nothing is launched that would have to leave again."""
    lines = ("7 new a serving", "8 new a serving", "9 new a serving", "10 new b serving")
    target = replace(SETTLED, size=4)
    assert len(slots(decide(SKETCH.see(*lines), target), Launch)) == 1
    made = decide(SKETCH.see(*lines), protecting(target, 7, 8, 9))
    assert not made.steps
    assert held(made, "fleet").rule is Rule.PROTECTED
    assert len(slots(decide(SKETCH.see(*lines), protecting(target, 7, 8)), Launch)) == 1


def test_one_that_a_person_names_is_replaced_launch_first() -> None:
    """By the operator's own draw; the wish is done when it is gone."""
    target = asking(SETTLED, 8)
    made = decide(SKETCH.see(*NEW), target)
    assert slots(made, Launch) == ["web-20"]
    assert not slots(made, Drain)
    after = decide(SKETCH.see(*NEW, "20 new b serving 1 5"), target)
    assert slots(after, Drain) == ["web-8"]
    assert [(d.drawer, d.reason) for d in after.draws] == [(Drawer.OPERATOR, "a person asked for it (slow)")]
    gone = decide(SKETCH.see(NEW[0], NEW[2], "20 new b serving 1 5"), target)
    assert gone.replaced == ("web-8",)
    assert gone.changes


def test_a_named_one_goes_although_protected_and_past_the_healing_limit() -> None:
    """A person named it."""
    protected = protecting(asking(SETTLED, 8), 8)
    assert slots(decide(SKETCH.see(*NEW, "20 new b serving 1 5"), protected), Drain) == ["web-8"]
    stopped = replace(asking(SETTLED, 8), healing_stopped=SKETCH.ago(10))
    sick = decide(SKETCH.see(NEW[0], "8 new b failing 8", NEW[2]), stopped)
    assert [heal.slot for heal in sick.heals] == ["web-8"]


@pytest.mark.parametrize(("seconds", "over"), [(1, False), (0, True)])
def test_a_pause_ends_by_its_time(seconds: int, *, over: bool) -> None:
    """Then the fleet goes on in the same plan; until then it says when."""
    until = SKETCH.now + timedelta(seconds=seconds)
    target = replace(SETTLED, paused=True, paused_since=SKETCH.ago(60), paused_until=until, paused_reason="a look")
    made = decide(SKETCH.see(*NEW[:2]), target)
    assert made.resumes is over
    assert bool(slots(made, Launch)) is over
    if not over:
        hold = held(made, "fleet")
        assert (hold.rule, hold.since, hold.until) == (Rule.PAUSED, SKETCH.ago(60), until)
        assert hold.detail == "an operator paused it: a look"
        assert made.wake_at == until


def test_the_checker_holds_wishes() -> None:
    """Each by its words."""
    seen = SKETCH.see(*OLD, *NEW)
    with pytest.raises(UnsafePlan, match="web-1 is protected, and would be taken out for rollout"):
        check(decide(seen, ROLLING), POLICY, protecting(ROLLING, 1), seen, SKETCH.now)
    coming = SKETCH.see(*NEW[:2], "9 new c checking 1 5")
    fewer = replace(SETTLED, size=2)
    with pytest.raises(UnsafePlan, match="web-9 is protected, and would be ended before it serves"):
        check(decide(coming, fewer), POLICY, protecting(fewer, 9), coming, SKETCH.now)
    whole = SKETCH.see(*NEW)
    with pytest.raises(UnsafePlan, match="is not gone, or nobody asked"):
        check(replace(decide(whole, SETTLED), replaced=(SKETCH.slot(7),)), POLICY, SETTLED, whole, SKETCH.now)
    with pytest.raises(UnsafePlan, match="its time is not over"):
        check(replace(decide(whole, SETTLED), resumes=True), POLICY, SETTLED, whole, SKETCH.now)
