"""How the fleet planner replaces what is sick, dead or lost, and avoids where nothing starts, one situation each."""

from dataclasses import replace
from datetime import timedelta

from mid_rollout import (
    NOW,
    POLICY,
    SETTLED,
    TARGET,
    ZONES,
    ago,
    decide,
    failed,
    launches,
    rules,
    see,
    slots,
)

from repave.model.names import SlotId
from repave.model.observation import MachineState
from repave.model.plan import Attach, Drain, Phase, Rule, Terminate
from repave.model.target import FailureKind, Heal


def test_a_sick_one_is_replaced_before_it_goes() -> None:
    """It may come back while its replacement starts; it goes when that serves."""
    made = decide(see("1 new a serving", "2 new b serving", "3 new c failing 5"), SETTLED)
    assert launches(made) == ["web-20 c"]
    assert [heal.slot for heal in made.heals] == ["web-3"]
    assert not slots(made, Terminate)
    assert rules(made)["web-3"] is Rule.BUDGET
    condemned = replace(SETTLED, heals=(Heal(slot=SlotId("web-3"), at=ago(5)),))
    seen = see("1 new a serving", "2 new b serving", "3 new c failing 5", "20 new c serving 1 5")
    after = decide(seen, condemned)
    assert slots(after, Terminate) == ["web-3"]
    assert not after.heals
    back = decide(see("1 new a serving", "2 new b serving", "3 new c serving 1", "20 new c serving 1 5"), condemned)
    assert slots(back, Drain) == ["web-3"], "well again, it is one too many, and leaves in peace"


def test_a_heal_that_was_cut_short_goes_on() -> None:
    """Detached and not yet ended: it is not attached again."""
    condemned = replace(SETTLED, heals=(Heal(slot=SlotId("web-3"), at=ago(5)),))
    seen = see("1 new a serving", "2 new b serving", "3 new c unknown", "20 new c serving 1 5")
    made = decide(seen, condemned)
    assert slots(made, Terminate) == ["web-3"]
    assert not slots(made, Attach)


def test_a_judged_one_goes_on_its_way_after_the_balancer_forgot_it() -> None:
    """One that had served is kept while too few serve, and not attached; one that never did is ended at once."""
    sick = replace(TARGET, failures=(failed(4, FailureKind.SICK, 5),))
    made = decide(see("1 old a serving", "2 old b serving", "4 new c unknown 0 30"), sick)
    assert not slots(made, Terminate)
    assert not slots(made, Attach)
    assert rules(made)["web-4"] is Rule.BUDGET
    never = replace(TARGET, failures=(failed(4, FailureKind.NEVER_HEALTHY, 5),))
    ended = decide(see("1 old a serving", "2 old b serving", "4 new c unknown 0 30"), never)
    assert slots(ended, Terminate) == ["web-4"]


def test_what_was_lost_is_healed_and_what_is_newly_wanted_is_scaled() -> None:
    """The phase tells the one from the other."""
    lost = replace(SETTLED, failures=(failed(9, FailureKind.RELAPSED, 60),))
    seen = see("1 new a serving", "2 new b serving")
    assert decide(seen, lost).phase is Phase.HEALING
    assert decide(seen, SETTLED).phase is Phase.SCALING
    other = replace(SETTLED, failures=(failed(9, FailureKind.RELAPSED, 60, revision="old"),))
    assert decide(seen, other).phase is Phase.SCALING


def test_the_dead_are_replaced_without_limit() -> None:
    """Ending them takes nothing from anybody: all are ended and replaced in one plan."""
    made = decide(see("1 new a stopped", "2 new b stopped", "3 new c stopped"), SETTLED)
    assert slots(made, Terminate) == ["web-1", "web-2", "web-3"]
    assert len(launches(made)) == 3
    assert {failure.kind for failure in made.failures} == {FailureKind.RELAPSED}
    assert not made.heals


def test_a_failure_is_counted_once() -> None:
    """The end did not work last time: it is tried again, and nothing is counted twice."""
    target = replace(SETTLED, failures=(failed(1, FailureKind.RELAPSED),))
    made = decide(see("1 new a stopped", "2 new b serving", "3 new c serving"), target)
    assert not made.failures
    assert slots(made, Terminate) == ["web-1"]


def test_one_that_ends_while_it_leaves_has_not_failed() -> None:
    """It was asked to go."""
    seen = see("1 new a serving", "2 new b serving", "3 new c serving", "4 new a draining 1")
    dead = tuple(replace(i, state=MachineState.STOPPED) if i.slot == "web-4" else i for i in seen.machines.instances)
    made = decide(replace(seen, machines=replace(seen.machines, instances=dead)), SETTLED)
    assert not made.failures
    assert slots(made, Terminate) == ["web-4"]


def test_a_crash_loop_waits_longer_and_longer() -> None:
    """Losing the whole fleet once is healed at once; from then on each loss doubles the wait."""
    crashes = [failed(number, FailureKind.RELAPSED, 1) for number in range(10, 20)]
    at_once = decide(see(), replace(SETTLED, failures=tuple(crashes[:3])))
    assert len(launches(at_once)) == 3
    waits = []
    for count in (4, 5, 6):
        made = decide(see(), replace(SETTLED, failures=tuple(replace(f, at=NOW) for f in crashes[:count])))
        assert not launches(made)
        assert rules(made)["fleet"] is Rule.BACKOFF
        waits.append(made.wake_at)
    assert waits == [NOW + timedelta(seconds=seconds) for seconds in (1, 2, 4)]
    longest = decide(see(), replace(SETTLED, failures=tuple(failed(n, FailureKind.RELAPSED, 0) for n in range(40))))
    assert longest.wake_at == NOW + timedelta(seconds=60)


def test_a_sick_old_fleet_does_not_hold_up_its_cure() -> None:
    """Promise 3: the new ones are launched at once in full; the sick old ones go as they come to serve."""
    seen = see("1 old a failing", "2 old b failing", "3 old c failing")
    made = decide(seen)
    assert len(launches(made)) == 3
    assert not slots(made, Terminate)
    assert "3 old ones are sick and hold nothing up" in made.summary
    one = decide(see("1 old a failing 9", "2 old b failing 5", "3 old c failing 7", "19 new a serving 1 5"))
    assert slots(one, Terminate) == ["web-1"], "the longest sick first"


def test_a_zone_without_room_is_left_alone_for_longer_and_longer() -> None:
    """Half a minute first, and double after each new refusal; two refusals of one batch are one."""

    def refused(*seconds: float) -> list[str]:
        failures = tuple(failed(n, FailureKind.NO_CAPACITY, s, zone="a") for n, s in enumerate(seconds, 1))
        return launches(decide(see(), replace(SETTLED, size=1, failures=failures)))

    assert refused(29) == ["web-20 b"]
    assert refused(30) == ["web-20 a"]
    assert refused(29.5, 29) == ["web-20 b"]
    assert refused(30.5, 30) == ["web-20 a"]
    assert refused(100, 59) == ["web-20 b"]
    assert refused(100, 60) == ["web-20 a"]
    assert refused(3600, 3500, 3000, 2500, 2000, 299) == ["web-20 b"]
    assert refused(3600, 3500, 3000, 2500, 2000, 300) == ["web-20 a"]


def test_no_zone_with_room_is_said_with_the_time_of_the_next_try() -> None:
    """Promise 4: what is missing waits for the first zone that is tried again."""
    failures = tuple(
        failed(n, FailureKind.NO_CAPACITY, s, zone=z) for n, (z, s) in enumerate((("a", 5), ("b", 20), ("c", 10)))
    )
    made = decide(see(), replace(SETTLED, failures=failures))
    assert not launches(made)
    [hold] = made.holds
    assert (hold.rule, hold.until, made.wake_at) == (Rule.BACKOFF, NOW + timedelta(seconds=10), hold.until)


def test_a_lost_zone_is_avoided_at_once() -> None:
    """Several were there and all are dead: their replacements go elsewhere; one alone proves nothing."""
    lines = ("1 new a serving", "2 new b serving", "3 new a serving", "4 new b serving")
    lost = decide(see(*lines, "5 new c stopped", "6 new c stopped"), replace(SETTLED, size=6))
    assert launches(lost) == ["web-20 a", "web-21 b"]
    one = decide(see(*lines, "5 new c stopped"), replace(SETTLED, size=5))
    assert launches(one) == ["web-20 c"]
    everywhere = decide(
        see("1 new a stopped", "2 new a stopped"), replace(SETTLED, size=2), replace(POLICY, zones=ZONES[:1])
    )
    assert launches(everywhere) == ["web-20 a", "web-21 a"]
