"""What the fleet planner decides, one situation each."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from repave.model.amount import Amount
from repave.model.names import (
    EnvironmentName,
    FleetKey,
    FleetName,
    InstanceId,
    ProjectName,
    ReleaseNumber,
    RevisionId,
    SlotId,
    ZoneName,
)
from repave.model.observation import (
    Backend,
    Instance,
    MachineSighting,
    MachineState,
    Observation,
    TrafficSighting,
    TrafficState,
)
from repave.model.plan import Attach, Detach, Drain, Draw, Drawer, Launch, Phase, Plan, Rule, Terminate
from repave.model.policy import FleetPolicy, RolloutPolicy
from repave.model.target import Failure, FailureKind, Heal, Order, Proof, Target
from repave.planner.check import check
from repave.planner.explain import RULES, explain
from repave.planner.fleet import plan

NOW = datetime(2026, 3, 2, 18, 0, tzinfo=UTC)
FLEET = FleetKey(project=ProjectName("shop"), environment=EnvironmentName("test"), fleet=FleetName("web"))
ZONES = tuple(ZoneName(name) for name in "abc")
RELEASES = {"older": 1, "old": 2, "new": 3}
POLICY = FleetPolicy(fleet=FLEET, zones=ZONES)
AN_HOUR = timedelta(hours=1)


def ago(seconds: float) -> datetime:
    """So long before now."""
    return NOW - timedelta(seconds=seconds)


def see(*lines: str) -> Observation:
    """What is seen: each line ``NUMBER REVISION ZONE STATE [SECONDS SINCE [SECONDS SINCE ITS START]]``."""
    instances, backends = [], []
    for line in lines:
        number, revision, zone, state, *since = line.split()
        machine = {"stopped": MachineState.STOPPED, "starting": MachineState.STARTING}.get(state, MachineState.RUNNING)
        instance = Instance(
            id=InstanceId(f"i-{number}"),
            slot=SlotId(f"web-{number}"),
            revision=RevisionId(revision),
            release=ReleaseNumber(RELEASES[revision]),
            zone=ZoneName(zone),
            state=machine,
            started_at=ago(float(since[1])) if len(since) > 1 else NOW - AN_HOUR + timedelta(seconds=int(number)),
            address=None if machine is MachineState.STARTING else f"10.0.0.{number}",
            port=8080,
        )
        instances.append(instance)
        if state not in {"stopped", "starting", "unknown"}:
            at = ago(float(since[0])) if since else ago(600)
            backends.append(Backend(instance=instance.id, state=TrafficState(state), since=at))
    return Observation(
        fleet=FLEET,
        at=NOW,
        machines=MachineSighting(at=NOW, instances=tuple(instances)),
        traffic=TrafficSighting(at=NOW, backends=tuple(backends)),
    )


def proof(revision: str, seconds: float = 7200, *, revoked: bool = False, bootable: bool = True) -> Proof:
    """A revision that carried the fleet so long ago."""
    return Proof(
        revision=RevisionId(revision),
        release=ReleaseNumber(RELEASES[revision]),
        at=ago(seconds),
        revoked=revoked,
        bootable=bootable,
    )


def failed(number: int, kind: FailureKind, seconds: float = 10, revision: str = "new", zone: str = "a") -> Failure:
    """A failure so long ago."""
    return Failure(
        slot=SlotId(f"web-{number}"), revision=RevisionId(revision), zone=ZoneName(zone), kind=kind, at=ago(seconds)
    )


def ordered(number: int, seconds: float = 1, revision: str = "new", zone: str = "a") -> Order:
    """A launch that was committed so long ago."""
    return Order(
        slot=SlotId(f"web-{number}"), revision=RevisionId(revision), zone=ZoneName(zone), ordered_at=ago(seconds)
    )


TARGET = Target(
    fleet=FLEET,
    generation=5,
    revision=RevisionId("new"),
    release=ReleaseNumber(3),
    size=3,
    since=ago(300),
    next_slot=20,
    proven=(proof("old"),),
)
"""The new release is being rolled out over three instances of the old one."""

SETTLED = replace(TARGET, since=ago(7000), proven=(proof("old"), proof("new", 6900)))
"""The new release carries the fleet."""


def decide(seen: Observation, target: Target = TARGET, policy: FleetPolicy = POLICY) -> Plan:
    """The plan, which the checker accepts."""
    made = plan(policy, target, seen, NOW)
    check(made, policy, target, seen, NOW)
    return made


def launches(made: Plan) -> list[str]:
    """Slot and zone of each launch."""
    return [f"{step.slot} {step.zone}" for step in made.steps if isinstance(step, Launch)]


def slots(made: Plan, kind: type[Attach | Drain | Detach | Terminate]) -> list[str]:
    """The slots that steps of a kind touch."""
    return [str(step.slot) for step in made.steps if isinstance(step, kind)]


def rules(made: Plan) -> dict[str, Rule]:
    """What waits, by which rule."""
    return {hold.subject: hold.rule for hold in made.holds}


def rollout(surge: int = 1, unavailable: int = 0, share: int = 20, row: int = 2) -> FleetPolicy:
    """Another pace."""
    return replace(
        POLICY,
        rollout=RolloutPolicy(
            surge=Amount(value=surge),
            unavailable=Amount(value=unavailable),
            stop_share=Amount(value=share, percent=True),
            stop_in_a_row=row,
        ),
    )


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


def test_an_order_of_what_is_no_longer_wanted_is_closed() -> None:
    """It is not given again; if its instance comes all the same, it is an old one."""
    made = decide(see(), replace(TARGET, orders=(ordered(19, revision="older"),)))
    assert made.closed == ("web-19",)
    assert "web-19 a" not in launches(made)


def test_an_order_that_is_never_seen_is_lost_and_says_nothing_of_the_revision() -> None:
    """Another slot is filled instead, however often that happens; the revision is not stopped for it."""
    lost = tuple(failed(number, FailureKind.LOST, revision="new") for number in (10, 11, 12))
    made = decide(see(), replace(TARGET, orders=(ordered(19, seconds=60),), failures=lost))
    assert [(failure.slot, failure.kind) for failure in made.failures] == [("web-19", FailureKind.LOST)]
    assert made.closed == ("web-19",)
    assert len(launches(made)) == 3 or Rule.BACKOFF in rules(made).values()
    assert not made.stop
    assert made.retarget is None
    early = decide(see(), replace(TARGET, orders=(ordered(19, seconds=59),)))
    assert not early.failures


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


@pytest.mark.parametrize(("age", "fails"), [(59, False), (60, True)])
def test_a_new_one_has_its_grace(age: int, fails: bool) -> None:
    """Not healthy by then, it has failed, and goes at once: it never served anybody."""
    seen = see("1 old a serving", "2 old b serving", "3 old c serving", f"4 new a checking {age} {age}")
    made = decide(seen)
    assert [failure.kind for failure in made.failures] == ([FailureKind.NEVER_HEALTHY] if fails else [])
    assert slots(made, Terminate) == (["web-4"] if fails else [])
    if not fails:
        [hold] = [hold for hold in made.holds if hold.subject == "web-4"]
        assert (hold.rule, hold.until) == (Rule.STARTING, NOW + timedelta(seconds=1))


def test_a_balancer_that_lost_its_memory_condemns_nobody() -> None:
    """All are checked anew: their grace starts again, and past it they are sick at worst, not thrown away."""
    young = decide(see("1 new a checking 5", "2 new b checking 5", "3 new c unknown"), SETTLED)
    assert not young.failures
    assert slots(young, Attach) == ["web-3"]
    late = decide(see("1 new a checking 90", "2 new b checking 90", "3 new c checking 90"), SETTLED)
    assert not slots(late, Terminate)
    assert len(late.heals) == 1


def test_two_failures_in_a_row_stop_and_go_back() -> None:
    """To the latest proven one, and what still runs of the new one is left to the next plan."""
    target = replace(TARGET, failures=(failed(10, FailureKind.CRASHED),))
    made = decide(see("1 old a serving", "2 old b serving", "3 old c serving", "4 new a stopped 0 20"), target)
    assert made.retarget is not None
    assert (made.retarget.revision, made.retarget.release) == ("old", 2)
    assert [failure.kind for failure in made.failures] == [FailureKind.CRASHED]
    assert not launches(made)
    assert slots(made, Terminate) == ["web-4"]
    assert rules(made)["web-1"] is Rule.STOPPED
    assert made.phase is Phase.ROLLING_BACK


def test_a_success_between_two_failures_breaks_the_row() -> None:
    """One of them may have been bad luck; the share of all is counted on."""
    target = replace(TARGET, size=3, failures=(failed(10, FailureKind.CRASHED, 100),))
    seen = see("1 old a serving", "2 old b serving", "5 new c serving 50 90", "4 new a stopped 0 20")
    assert decide(seen, target, rollout(share=100)).retarget is None
    third = replace(target, failures=(failed(9, FailureKind.CRASHED, 110), *target.failures))
    assert decide(seen, third, rollout(share=100)).retarget is not None


@pytest.mark.parametrize("kind", [FailureKind.NO_CAPACITY, FailureKind.LOST, FailureKind.RELAPSED])
def test_what_says_nothing_of_the_revision_never_stops_it(kind: FailureKind) -> None:
    """A zone without room, a lost order, a relapse."""
    made = decide(see("1 old a serving"), replace(TARGET, failures=tuple(failed(n, kind) for n in range(4, 9))))
    assert made.retarget is None
    assert not made.stop


@pytest.mark.parametrize(
    "kind", [FailureKind.CRASHED, FailureKind.NEVER_HEALTHY, FailureKind.SICK, FailureKind.REFUSED]
)
def test_what_speaks_against_the_revision_stops_it(kind: FailureKind) -> None:
    """Promise 1: whatever the way in which it fails."""
    failures = (failed(10, kind, 20), failed(11, kind, 10))
    made = decide(see("1 old a serving"), replace(TARGET, failures=failures))
    assert made.retarget is not None
    before = tuple(replace(failure, at=ago(400)) for failure in failures)
    assert decide(see("1 old a serving"), replace(TARGET, failures=before)).retarget is None, "before it was wanted"


@pytest.mark.parametrize(
    ("proven", "back"),
    [
        ((proof("older", 9000), proof("old", 8000)), "old"),
        ((proof("old", 9000), proof("older", 8000)), "older"),
        ((proof("older", 9000), proof("old", 8000, revoked=True)), "older"),
        ((proof("older", 9000), proof("old", 8000, bootable=False)), "older"),
        ((proof("old", 9000), proof("new", 8000)), "old"),
        ((proof("new", 8000),), None),
        ((), None),
    ],
)
def test_the_way_back_leads_to_the_latest_that_may_run(proven: tuple[Proof, ...], back: str | None) -> None:
    """Promise 1: proven here, not revoked, bootable, and not what failed; else it stops where it is."""
    failures = (failed(10, FailureKind.CRASHED, 20), failed(11, FailureKind.CRASHED, 10))
    made = decide(see("1 old a serving"), replace(TARGET, proven=proven, failures=failures))
    assert (made.retarget.revision if made.retarget else None) == back
    assert bool(made.stop) == (back is None)
    assert not launches(made)


def test_what_failed_since_it_was_proven_is_not_returned_to() -> None:
    """Promise 1: two bad releases do not take turns, however long ago the one of them failed."""
    new = (failed(10, FailureKind.CRASHED, 20), failed(11, FailureKind.CRASHED, 10))
    old = (failed(7, FailureKind.CRASHED, 6000, "old"), failed(8, FailureKind.SICK, 5000, "old"))
    proven = (proof("older", 9000), proof("old", 8000))
    bad = decide(see("1 old a serving"), replace(TARGET, proven=proven, failures=(*old, *new)))
    assert bad.retarget is not None
    assert bad.retarget.revision == "older"
    once = decide(see("1 old a serving"), replace(TARGET, proven=proven, failures=(*old[:1], *new)))
    assert once.retarget is not None
    assert once.retarget.revision == "old", "one failure may be bad luck"
    relapsed = tuple(replace(failure, kind=FailureKind.RELAPSED) for failure in old)
    well = decide(see("1 old a serving"), replace(TARGET, proven=proven, failures=(*relapsed, *new)))
    assert well.retarget is not None
    assert well.retarget.revision == "old", "a relapse is no verdict"


def test_a_stopped_revision_is_neither_launched_nor_healed_nor_given_the_old_ones_places() -> None:
    """Promise 1: what serves goes on serving, whatever it runs; open orders are given up."""
    target = replace(TARGET, stopped="2 in a row failed", orders=(ordered(19),))
    made = decide(see("1 old a serving", "2 new b serving", "3 new c failing"), target)
    assert not made.steps
    assert made.closed == ("web-19",)
    assert (made.phase, rules(made)["web-1"], rules(made)["web-3"]) == (Phase.STOPPED, Rule.STOPPED, Rule.STOPPED)


@pytest.mark.parametrize("spoilt", [proof("new", 6900, revoked=True), proof("new", 6900, bootable=False)])
def test_what_is_revoked_or_cannot_be_started_is_not_launched(spoilt: Proof) -> None:
    """No scale-out, no heal; what serves of it goes on serving, and the reason is told."""
    target = replace(SETTLED, proven=(proof("old"), spoilt), orders=(ordered(19),))
    made = decide(see("1 new a serving", "2 new b failing"), target)
    assert not launches(made)
    assert rules(made)["fleet"] is Rule.STOPPED
    assert made.phase is Phase.STOPPED
    whole = decide(see("1 new a serving", "2 new b serving", "3 new c serving"), replace(target, orders=()))
    assert whole.phase is Phase.CONVERGED


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


@pytest.mark.parametrize(("used_ago", "healed"), [(599, 0), (600, 1)])
def test_healing_has_a_limit_in_its_window(used_ago: int, healed: int) -> None:
    """One of three in ten minutes; the rest waits, and it is told until when."""
    target = replace(SETTLED, heals=(Heal(slot=SlotId("web-9"), at=ago(used_ago)),))
    made = decide(see("1 new a serving", "2 new b failing 8", "3 new c failing 9"), target)
    assert [heal.slot for heal in made.heals] == ["web-3"][:healed]
    assert rules(made)["web-2"] is Rule.HEALING_LIMIT
    if not healed:
        assert made.wake_at == ago(used_ago) + timedelta(seconds=600)


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


def test_an_instance_in_a_zone_that_is_not_declared_is_moved() -> None:
    """The file says where a fleet lives."""
    policy = replace(POLICY, zones=ZONES[:2])
    target = replace(SETTLED, size=2)
    made = decide(see("1 new a serving", "2 new c serving"), target, policy)
    assert launches(made) == ["web-20 b"]
    then = decide(see("1 new a serving", "2 new c serving", "20 new b serving 1 5"), target, policy)
    assert slots(then, Drain) == ["web-2"]


def test_a_revision_is_proven_once_it_carries_the_whole_fleet_alone() -> None:
    """Promise 2: not with one too few, nor with one that leaves, nor with an open order."""
    three = ("1 new a serving", "2 new b serving", "3 new c serving")
    assert decide(see(*three)).proven == "new"
    assert decide(see(*three[:2])).proven is None
    assert decide(see(*three, "4 old a drained 1")).proven is None
    assert decide(see(*three), replace(TARGET, orders=(ordered(19),))).proven is None
    again = replace(TARGET, proven=(proof("new", 7200), proof("old", 3600)))
    assert decide(see(*three), again).proven == "new", "wanted again, it is proven again"
    done = decide(see(*three), SETTLED)
    assert (done.proven, done.changes, done.phase) == (None, False, Phase.CONVERGED)


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
    assert [step.instance for step in made.steps if isinstance(step, Detach)] == ["i-99"]
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
