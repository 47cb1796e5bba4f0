"""Healing guarded: the grace ends at the first good answer, flapping is damped, a mass failure stops it."""

from dataclasses import replace
from datetime import timedelta

import pytest
from any_worlds import NOW, AnyWorld, worlds
from hypothesis import given

from repave.model.disruption import Disruption, Drawer
from repave.model.names import ReleaseNumber, RevisionId, ZoneName
from repave.model.observation import Observation
from repave.model.plan import Drain, Launch, Phase, Plan, Rule
from repave.model.policy import FleetPolicy, HealingPolicy
from repave.model.target import Heal, Sickness, Target
from repave.planner.check import UnsafePlan, check
from repave.planner.fleet import plan
from repave.simulation.sketch import Sketch

SKETCH = Sketch()
POLICY = FleetPolicy(fleet=SKETCH.fleet, zones=tuple(ZoneName(name) for name in "abc"))
TARGET = Target(
    fleet=SKETCH.fleet,
    generation=5,
    revision=RevisionId("new"),
    release=ReleaseNumber(3),
    size=3,
    since=SKETCH.ago(7000),
    next_slot=20,
    proven=(SKETCH.proof("new", 6900),),
)
WELL = ("1 new a serving", "2 new b serving", "3 new c serving")
ONE_SICK = ("1 new a serving", "2 new b serving", "3 new c failing 8")
TWO_SICK = ("1 new a serving", "2 new b failing 8", "3 new c failing 9")


def decide(seen: Observation, target: Target = TARGET) -> Plan:
    """The plan, which the checker accepts."""
    made = plan(POLICY, target, seen, SKETCH.now)
    check(made, POLICY, target, seen, SKETCH.now)
    return made


def healed(seconds: float, number: int = 9) -> Heal:
    """One that was replaced for looking sick so long ago."""
    return Heal(slot=SKETCH.slot(number), at=SKETCH.ago(seconds))


def fell_sick(number: int, *seconds: float) -> tuple[Sickness, ...]:
    """One that fell sick so long ago, as often as is said."""
    return tuple(Sickness(slot=SKETCH.slot(number), since=SKETCH.ago(each)) for each in seconds)


def slots(made: Plan, kind: type[Drain | Launch]) -> list[str]:
    """The slots that steps of a kind touch."""
    return [str(step.slot) for step in made.steps if isinstance(step, kind)]


@given(worlds())
def test_never_more_healed_than_the_limit_but_for_what_a_person_allowed(world: AnyWorld) -> None:
    """Promise 6: whatever falls sick; and nothing at all while healing is stopped and has not gone on."""
    policy, target, seen = world
    made = plan(policy, target, seen, NOW)
    since = {backend.instance: backend.since for backend in seen.traffic.backends}
    onset = {i.slot: since.get(i.id, i.started_at) for i in seen.machines.instances}
    allowed = target.healing_allowed
    asked = [heal for heal in made.heals if allowed is None or allowed > NOW or onset[heal.slot] > allowed]
    assert len(asked) <= max(1, policy.healing.limit.of(target.size)), "more were healed than the limit"
    if target.healing_stopped and made.healing != "goes on":
        assert not asked, "healed although healing is stopped"


@pytest.mark.parametrize("age", [1, 30, 3600])
def test_the_grace_ends_at_the_first_good_answer(age: int) -> None:
    """However young: one that has served and fails its checks is sick at once, not still coming."""
    made = decide(SKETCH.see(*WELL[:2], f"3 new c failing 0 {age}"))
    assert [heal.slot for heal in made.heals] == ["web-3"]
    assert slots(made, Launch) == ["web-20"]


def test_one_flap_draws_once() -> None:
    """It is replaced; well again before another serves, it stays, and the same sickness is not noticed twice."""
    first = decide(SKETCH.see(*ONE_SICK))
    assert first.sicknesses == fell_sick(3, 8)
    assert [draw.drawer for draw in first.draws] == [Drawer.HEAL]
    kept = replace(TARGET, heals=first.heals, sicknesses=first.sicknesses, disruptions=first.disruptions)
    again = decide(SKETCH.see("1 new a serving", "2 new b serving", "3 new c failing 7"), kept)
    assert not again.sicknesses
    assert not again.draws
    well = decide(SKETCH.see(*WELL), kept)
    assert not well.steps
    assert well.phase is Phase.CONVERGED


def test_one_that_falls_sick_again_and_again_is_replaced_although_it_is_well() -> None:
    """Three times in ten minutes: another is launched first, then it leaves; two times are not enough."""
    target = replace(TARGET, sicknesses=fell_sick(3, 590, 300, 60))
    made = decide(SKETCH.see(*WELL), target)
    assert slots(made, Launch) == ["web-20"]
    assert not slots(made, Drain)
    assert made.phase is Phase.HEALING
    assert made.wake_at == SKETCH.now + timedelta(seconds=10), "then its first time no longer counts"
    after = decide(SKETCH.see(*WELL, "20 new c serving 1 5"), target)
    assert slots(after, Drain) == ["web-3"]
    assert [(draw.drawer, draw.reason) for draw in after.draws] == [(Drawer.HEAL, "it fell sick 3 times lately")]
    assert not decide(SKETCH.see(*WELL), replace(target, sicknesses=fell_sick(3, 600, 300, 60))).steps


def test_flapping_keeps_to_the_healing_limit() -> None:
    """A check that is wrong makes many flap: no more of them are replaced than of the sick."""
    target = replace(TARGET, sicknesses=(*fell_sick(2, 90, 80, 70), *fell_sick(3, 91, 81, 71)))
    made = decide(SKETCH.see(*WELL), target)
    assert len(slots(made, Launch)) == 1
    spent = decide(SKETCH.see(*WELL), replace(target, heals=(healed(50),)))
    assert not spent.steps
    assert spent.healing == "stops"


@pytest.mark.parametrize(("used_ago", "count"), [(599, 0), (600, 1)])
def test_healing_has_a_limit_in_its_window(used_ago: int, count: int) -> None:
    """One of three in ten minutes: past it healing stops, and goes on when the window has been quiet."""
    made = decide(SKETCH.see(*ONE_SICK), replace(TARGET, heals=(healed(used_ago),)))
    assert len(made.heals) == count
    if not count:
        [hold] = [hold for hold in made.holds if hold.subject == "web-3"]
        assert (hold.rule, hold.until) == (Rule.HEALING_LIMIT, SKETCH.ago(8) + timedelta(seconds=600))
        assert made.wake_at == hold.until
        assert made.healing == "stops"


def test_a_mass_failure_stops_healing_until_a_person_or_health_lets_it_go_on() -> None:
    """More sick than the limit after a quiet window: nothing by itself; fewer, or a person: it goes on."""
    stopped = replace(TARGET, size=4, heals=(healed(900),), healing_stopped=SKETCH.ago(880))
    many = decide(SKETCH.see("1 new a serving", "2 new b failing 890", "3 new c failing 890"), stopped)
    assert not many.heals
    assert not many.healing
    assert {hold.until for hold in many.holds if hold.rule is Rule.HEALING_LIMIT} == {None}
    few = decide(SKETCH.see("1 new a serving", "2 new b serving", "3 new c failing 890"), stopped)
    assert [heal.slot for heal in few.heals] == ["web-3"]
    assert few.healing == "goes on"
    none = decide(SKETCH.see(*WELL, "4 new a serving"), stopped)
    assert none.healing == "goes on"
    asked = replace(stopped, healing_allowed=SKETCH.ago(1), healing_stopped=None)
    allowed = decide(SKETCH.see("1 new a serving", "2 new b failing 890", "3 new c failing 890"), asked)
    assert [heal.slot for heal in allowed.heals] == ["web-2", "web-3"]


def test_what_falls_sick_after_a_person_allowed_healing_has_its_limit_again() -> None:
    """Nobody has looked at that."""
    target = replace(TARGET, healing_allowed=SKETCH.ago(8.5))
    made = decide(SKETCH.see("1 new a failing 7", *TWO_SICK[1:]), target)
    assert {heal.slot for heal in made.heals} == {"web-2", "web-3"}
    assert made.healing == "stops"


def test_the_checker_refuses_healing_past_its_limit_and_while_it_is_stopped() -> None:
    """By words; and turns that are none."""
    seen = SKETCH.see(*ONE_SICK)
    made = decide(seen)
    ledger = (Disruption(slot=SKETCH.slot(9), zone=ZoneName("a"), drawer=Drawer.HEAL, at=SKETCH.ago(20)),)
    for target, words in (
        (replace(TARGET, heals=(healed(10),)), "2 would be healed within the window, and 1 may be"),
        (replace(TARGET, disruptions=ledger), "2 would be healed within the window, and 1 may be"),
        (replace(TARGET, healing_stopped=SKETCH.ago(10)), "healing is stopped"),
    ):
        with pytest.raises(UnsafePlan, match=words):
            check(made, POLICY, target, seen, SKETCH.now)
    with pytest.raises(UnsafePlan, match="was not stopped"):
        check(replace(made, healing="goes on"), POLICY, TARGET, seen, SKETCH.now)
    stopped = replace(TARGET, healing_stopped=SKETCH.ago(10))
    with pytest.raises(UnsafePlan, match="would be stopped, and is"):
        check(replace(made, healing="stops", heals=()), POLICY, stopped, seen, SKETCH.now)


def test_what_left_for_other_reasons_is_no_healing() -> None:
    """Neither to the planner nor to its checker."""
    ledger = (Disruption(slot=SKETCH.slot(9), zone=ZoneName("a"), drawer=Drawer.ROLLOUT, at=SKETCH.ago(20)),)
    made = decide(SKETCH.see(*ONE_SICK), replace(TARGET, disruptions=ledger))
    assert [heal.slot for heal in made.heals] == ["web-3"]


def test_how_often_is_too_often_is_declared() -> None:
    """As ``healing.flaps``."""
    policy = replace(POLICY, healing=HealingPolicy(flaps=1))
    target = replace(TARGET, sicknesses=fell_sick(3, 60))
    assert slots(plan(policy, target, SKETCH.see(*WELL), SKETCH.now), Launch) == ["web-20"]


def test_the_checker_counts_who_fell_sick_after_a_person_allowed_healing() -> None:
    """However long ago it was started: when it fell sick is what counts."""
    seen = SKETCH.see(*WELL[:2], "3 new c failing 8 5000")
    target = replace(TARGET, healing_allowed=SKETCH.ago(60))
    made = decide(seen, target)
    assert [heal.slot for heal in made.heals] == ["web-3"]
    with pytest.raises(UnsafePlan, match="2 would be healed within the window, and 1 may be"):
        check(made, POLICY, replace(target, heals=(healed(30),)), seen, SKETCH.now)
