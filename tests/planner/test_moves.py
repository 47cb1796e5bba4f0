"""How the fleet planner moves capacity, one situation each."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from mid_rollout import (
    NOW,
    POLICY,
    SETTLED,
    SKETCH,
    TARGET,
    ZONES,
    ago,
    decide,
    failed,
    launches,
    ordered,
    proof,
    rollout,
    rules,
    see,
    slots,
)

from repave.model.disruption import Drawer
from repave.model.names import InstanceId, SlotId
from repave.model.observation import Backend, TrafficState
from repave.model.plan import Attach, Detach, Drain, Draw, Phase, Rule, Terminate
from repave.model.target import FailureKind
from repave.planner.explain import RULES, explain


def test_a_store_that_was_lost_gives_no_slot_twice() -> None:
    """Promise 8: numbers go on above everything that is seen or remembered."""
    made = decide(see("7 old a serving", "41 old b serving"), replace(TARGET, next_slot=1, size=2))
    assert launches(made) == ["web-42 a"]
    assert made.next_slot == 43


def test_an_empty_fleet_is_filled_at_once_over_its_zones() -> None:
    """Every launch has a slot of its own, in the zone that has fewest."""
    made = decide(see(), replace(TARGET, size=4))
    assert launches(made) == ["web-20 a", "web-21 b", "web-22 c", "web-23 a"]
    assert made.next_slot == 24
    assert made.phase is Phase.ROLLING


def test_open_orders_are_given_again_and_count() -> None:
    """The same slot in the same zone; nothing is launched in its place."""
    made = decide(see(), replace(TARGET, orders=(ordered(18, zone="c"), ordered(19, zone="b"))))
    assert launches(made) == ["web-18 c", "web-19 b", "web-20 a"]


def test_an_order_is_closed_once_its_instance_is_seen() -> None:
    """From then on the provider's list speaks for it."""
    made = decide(see("19 new a starting 0 1"), replace(TARGET, orders=(ordered(19),)))
    assert made.closed == ("web-19",)
    assert launches(made) == ["web-20 b", "web-21 c"]


def test_orders_that_nobody_needs_any_more_are_given_up() -> None:
    """Fewer are wanted than when they were given: the newest are not given again."""
    seen = see("1 new a serving", "2 new b serving")
    made = decide(seen, replace(TARGET, orders=(ordered(18, zone="c"), ordered(19, zone="b"))))
    assert launches(made) == ["web-18 c"]
    assert made.closed == ("web-19",)


def test_orders_that_have_no_room_any_more_are_given_up() -> None:
    """The size came down while many old ones serve: whoever is launched now would be too many."""
    seen = see(*(f"{number} old a serving" for number in range(1, 5)))
    made = decide(seen, replace(TARGET, size=2, orders=(ordered(18), ordered(19))))
    assert launches(made) == []
    assert made.closed == ("web-18", "web-19")


def test_an_order_of_what_is_no_longer_wanted_is_closed() -> None:
    """It is not given again; if its instance comes all the same, it is an old one."""
    made = decide(see(), replace(TARGET, orders=(ordered(19, revision="older"),)))
    assert made.closed == ("web-19",)
    assert "web-19 a" not in launches(made)


def test_what_has_an_address_is_attached() -> None:
    """Also an old one that the balancer forgot, while too few serve without it; never what has no address yet."""
    made = decide(see("1 old a unknown", "2 old b serving", "3 new c unknown 0 5", "4 new a starting 0 5"))
    assert slots(made, Attach) == ["web-1", "web-3"]
    assert rules(made)["web-1"] is Rule.BUDGET


def test_a_batch_is_as_large_as_the_surge() -> None:
    """A quarter of six, rounded up, above the wanted number; the old ones wait for the budget."""
    made = decide(
        see(*(f"{number} old {'abcabc'[number - 1]} serving" for number in range(1, 7))), replace(TARGET, size=6)
    )
    assert launches(made) == ["web-20 a", "web-21 b"]
    assert not slots(made, Drain)
    assert {rules(made)[f"web-{number}"] for number in range(1, 7)} == {Rule.BUDGET}
    assert rules(made)["fleet"] is Rule.SURGE


def test_old_ones_leave_as_new_ones_serve() -> None:
    """As many as the budget grants, from the fullest zone, the oldest first; and no launch until they are gone."""
    seen = see("1 old a serving", "2 old b serving", "3 old b serving", "4 new c serving")
    made = decide(seen)
    assert slots(made, Drain) == ["web-2"]
    assert not launches(made)
    assert (
        Draw(slot=SlotId("web-2"), drawer=Drawer.ROLLOUT, granted=True, reason="it runs an old revision") in made.draws
    )
    assert sum(draw.granted for draw in made.draws) == 1


def test_what_leaves_keeps_its_place_until_it_is_gone() -> None:
    """Launch and drain take turns: never more alive than the surge allows."""
    gone = decide(see("1 old a serving", "2 old b serving", "4 new c serving"))
    assert launches(gone) == ["web-20 a"]
    for state in ("draining 1", "drained 1"):
        still = decide(see("1 old a serving", "2 old b serving", f"3 old c {state}", "4 new c serving"))
        assert not launches(still)


def test_with_unavailable_the_old_ones_leave_first() -> None:
    """No surge: one below the wanted number is what was asked for, and no more than one."""
    policy = rollout(surge=0, unavailable=1)
    made = decide(see("1 old a serving", "2 old b serving", "3 old c serving"), policy=policy)
    assert slots(made, Drain) == ["web-1"]
    assert not launches(made)
    after = decide(see("2 old b serving", "3 old c serving"), policy=policy)
    assert launches(after) == ["web-20 a"]
    assert not slots(after, Drain)


@pytest.mark.parametrize(
    ("state", "goes"),
    [("drained 1", True), ("draining 29", False), ("draining 30", True), ("draining 1", False)],
)
def test_a_leaving_one_goes_when_idle_or_when_its_time_is_over(state: str, goes: bool) -> None:
    """Drain, then detach, then end; else it is held by its open requests, and it is told until when."""
    made = decide(see("1 new a serving", "2 new b serving", "3 new c serving", f"4 old a {state}"))
    assert slots(made, Detach) == slots(made, Terminate) == (["web-4"] if goes else [])
    if not goes:
        [hold] = [hold for hold in made.holds if hold.subject == "web-4"]
        assert (hold.rule, hold.until) == (Rule.DRAINING, hold.since + timedelta(seconds=30))
        assert made.wake_at == hold.until


def test_fewer_wanted_the_fullest_zone_gives_up_its_oldest() -> None:
    """Through the balancer's drain, and as far as the budget goes."""
    seen = see("1 new a serving", "2 new a serving", "3 new b serving", "4 new c serving", "5 new a serving")
    made = decide(seen, replace(SETTLED, size=3))
    assert slots(made, Drain) == ["web-1", "web-2"]
    assert {draw.drawer for draw in made.draws} == {Drawer.SCALE_IN}
    assert made.phase is Phase.SCALING


def test_fewer_wanted_one_that_does_not_serve_yet_goes_first() -> None:
    """Of equals; it is ended at once."""
    seen = see("1 new a serving", "2 new b serving", "3 new c checking 1 5")
    made = decide(seen, replace(SETTLED, size=2))
    assert slots(made, Terminate) == ["web-3"]
    assert not slots(made, Drain)


def test_nobody_wanted_everybody_leaves() -> None:
    """A size of nothing is a size."""
    made = decide(see("1 new a serving", "2 old b serving", "3 new c failing"), replace(SETTLED, size=0))
    assert sorted(slots(made, Drain)) == ["web-1", "web-2"]
    assert slots(made, Terminate) == ["web-3"]
    assert decide(see(), replace(TARGET, size=0)).phase is Phase.CONVERGED


def test_more_wanted_more_are_launched() -> None:
    """All at once: nothing is in their way."""
    made = decide(see("1 new a serving", "2 new b serving", "3 new c serving"), replace(SETTLED, size=7))
    assert launches(made) == ["web-20 a", "web-21 b", "web-22 c", "web-23 a"]
    assert made.phase is Phase.SCALING


def test_uneven_zones_are_evened_out_launch_first() -> None:
    """One more in the emptiest zone; then the fullest gives one up; then it is done."""
    seen = ("1 new a serving", "2 new a serving", "3 new a serving", "4 new b serving")
    target = replace(SETTLED, size=4)
    first = decide(see(*seen), target)
    assert launches(first) == ["web-20 c"]
    coming = decide(see(*seen, "20 new c checking 1 5"), target)
    assert not coming.steps
    second = decide(see(*seen, "20 new c serving 1 5"), target)
    assert slots(second, Drain) == ["web-1"]
    assert [draw.drawer for draw in second.draws] == [Drawer.REBALANCE]
    assert not decide(see(*seen[1:], "20 new c serving"), target).changes


def test_uneven_zones_wait_while_anything_else_goes_on() -> None:
    """A failure lately, a zone without room, no surge to launch with: the fleet is left as it is."""
    seen = see("1 new a serving", "2 new a serving", "3 new a serving", "4 new b serving")
    target = replace(SETTLED, size=4)
    lately = decide(seen, replace(target, failures=(failed(9, FailureKind.RELAPSED, 119, zone="b"),)))
    assert not lately.changes
    assert (lately.phase, rules(lately)["fleet"], lately.wake_at) == (
        Phase.CONVERGED,
        Rule.BACKOFF,
        NOW + timedelta(seconds=1),
    )
    rested = decide(seen, replace(target, failures=(failed(9, FailureKind.RELAPSED, 120, zone="b"),)))
    assert launches(rested) == ["web-20 c"]
    assert not decide(seen, target, rollout(surge=0, unavailable=1)).changes
    revoked = replace(target, proven=(proof("new", 6900),), revoked=(SKETCH.revoked("new"),))
    assert not decide(seen, revoked).changes


def test_an_instance_in_a_zone_that_is_not_declared_is_moved() -> None:
    """The file says where a fleet lives."""
    policy = replace(POLICY, zones=ZONES[:2])
    target = replace(SETTLED, size=2)
    made = decide(see("1 new a serving", "2 new c serving"), target, policy)
    assert launches(made) == ["web-20 b"]
    then = decide(see("1 new a serving", "2 new c serving", "20 new b serving 1 5"), target, policy)
    assert slots(then, Drain) == ["web-2"]


def test_a_paused_fleet_is_left_alone() -> None:
    """What is alive may come to serve; nothing is started, replaced or taken away, and the phase says why."""
    seen = see("1 old a serving", "2 new b unknown 0 5", "3 new c stopped", "4 old a drained 1")
    made = decide(seen, replace(TARGET, paused=True, orders=(ordered(19),)))
    assert [step.kind for step in made.steps] == ["attach"]
    assert not made.failures
    assert (made.phase, rules(made)["fleet"], rules(made)["web-3"]) == (Phase.PAUSED, Rule.PAUSED, Rule.PAUSED)


def test_what_the_provider_no_longer_has_the_balancer_forgets() -> None:
    """A stray is detached; not on a partial list, where it may only be hidden."""
    seen = see("1 new a serving", "2 new b serving", "3 new c serving")
    stray = (*seen.traffic.backends, Backend(instance=InstanceId("i-99"), state=TrafficState.FAILING, since=NOW))
    seen = replace(seen, traffic=replace(seen.traffic, backends=stray))
    made = decide(seen, SETTLED)
    assert [(step.instance, step.slot) for step in made.steps if isinstance(step, Detach)] == [("i-99", "i-99")]
    assert made.phase is not Phase.CONVERGED
    partial = replace(seen, machines=replace(seen.machines, incomplete="a page is missing"))
    assert not decide(partial, SETTLED).steps


@pytest.mark.parametrize("blind", ["machines", "traffic"])
def test_on_a_partial_view_only_orders_are_given_again(blind: str) -> None:
    """Whatever seems missing may only be hidden; a stopped revision's orders are not given at all."""
    seen = see("1 old a serving", "2 new b stopped")
    if blind == "machines":
        seen = replace(seen, machines=replace(seen.machines, incomplete="a page is missing"))
    else:
        seen = replace(seen, traffic=replace(seen.traffic, incomplete="no answer"))
    target = replace(TARGET, orders=(ordered(19, zone="c"),))
    made = decide(seen, target)
    assert launches(made) == ["web-19 c"]
    assert len(made.steps) == 1
    assert rules(made)["fleet"] is Rule.UNSEEN
    assert not decide(seen, replace(target, stopped="2 in a row failed")).steps


def test_the_next_look_is_due_when_time_alone_changes_something() -> None:
    """The end of a grace, of a drain, or of an order's patience, whichever is first."""
    made = decide(see("1 new a checking 20 20"), replace(TARGET, orders=(ordered(19, seconds=25),)))
    assert made.wake_at == NOW + timedelta(seconds=35)
    assert decide(see("1 new a serving", "2 new b serving", "3 new c serving"), SETTLED).wake_at is None


def test_every_rule_is_explained() -> None:
    """Promise 4: a sentence for each thing that waits, with the rule, since when and until when."""
    assert set(RULES) == set(Rule)
    made = decide(see("1 old a serving", "2 old b serving", "3 old c serving", "4 new a checking 10 10"))
    explanations = explain(made)
    assert [explanation.subject for explanation in explanations] == ["fleet", "web-1", "web-2", "web-3", "web-4"]
    starting = explanations[-1]
    assert starting.rule is Rule.STARTING
    assert (starting.since, starting.until) == (ago(10), NOW + timedelta(seconds=50))
    assert "not been found healthy yet" in starting.sentence


def order_of(words: Sequence[str], text: str) -> bool:
    """Whether the words stand in the text in this order."""
    places = [text.find(word) for word in words]
    return -1 not in places and places == sorted(places)


def test_one_line_tells_what_goes_on() -> None:
    """How many serve what, and what is waited for."""
    made = decide(see("1 old a serving", "2 old b serving", "3 old c serving", "4 new a checking 10 10"))
    assert order_of(["rolling out", "0 of 3 serve r3", "waiting for web-4"], made.summary)
    assert decide(see("1 new a serving", "2 new b serving", "3 new c serving"), SETTLED).summary == "3 of 3 serve r3"


def test_many_that_are_waited_for_are_counted() -> None:
    """Three are named, of more two and how many others."""
    three = decide(see("1 new a checking 5 5", "2 new b checking 5 5", "3 new c checking 5 5"))
    assert "waiting for web-1, web-2 and web-3 to" in three.summary
    lines = [f"{number} new a checking 5 5" for number in range(1, 6)]
    assert "waiting for web-1, web-2 and 3 more to" in decide(see(*lines), replace(TARGET, size=5)).summary
