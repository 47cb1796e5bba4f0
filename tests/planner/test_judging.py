"""How the fleet planner judges, heals and goes back, one situation each."""

from dataclasses import replace
from datetime import timedelta

import pytest

from repave.model.amount import Amount
from repave.model.disruption import Drawer
from repave.model.names import ReleaseNumber, RevisionId, SlotId, ZoneName
from repave.model.observation import MachineState, Observation
from repave.model.plan import Attach, Detach, Drain, Launch, Phase, Plan, Rule, Terminate
from repave.model.policy import FleetPolicy, RolloutPolicy
from repave.model.target import FailureKind, Heal, Proof, Target
from repave.planner.check import check
from repave.planner.fleet import plan
from repave.simulation.sketch import Sketch

SKETCH = Sketch()
NOW, FLEET = SKETCH.now, SKETCH.fleet
ZONES = tuple(ZoneName(name) for name in "abc")
POLICY = FleetPolicy(fleet=FLEET, zones=ZONES)
ago, see, proof, failed, ordered = SKETCH.ago, SKETCH.see, SKETCH.proof, SKETCH.failed, SKETCH.ordered

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


def test_a_failure_tells_what_its_instance_said_last() -> None:
    """Beside what was seen of it, whatever the provider has of its console."""
    seen = see("1 old a serving", "2 old b serving", "3 old c serving", "4 new a checking 60 60")
    instances = tuple(replace(one, said="Kernel panic | Rebooting") for one in seen.machines.instances)
    [failure] = decide(replace(seen, machines=replace(seen.machines, instances=instances))).failures
    assert failure.detail.startswith("it was not healthy within its grace (")
    assert "its console ends: Kernel panic | Rebooting)" in failure.detail


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
        ((proof("older", 9000), proof("old", 8000, bootable=False)), "older"),
        ((proof("old", 9000), proof("new", 8000)), "old"),
        ((proof("new", 8000),), None),
        ((), None),
    ],
)
def test_the_way_back_leads_to_the_latest_that_may_run(proven: tuple[Proof, ...], back: str | None) -> None:
    """Promise 1: proven here, bootable, and not what failed; else it stops where it is."""
    failures = (failed(10, FailureKind.CRASHED, 20), failed(11, FailureKind.CRASHED, 10))
    made = decide(see("1 old a serving"), replace(TARGET, proven=proven, failures=failures))
    assert (made.retarget.revision if made.retarget else None) == back
    assert bool(made.stop) == (back is None)
    assert not launches(made)


def test_what_failed_since_it_was_proven_is_not_returned_to() -> None:
    """Promise 1: two bad releases do not take turns, however long ago the one of them failed."""
    new = (failed(10, FailureKind.CRASHED, 20), failed(11, FailureKind.CRASHED, 10))
    old = (failed(7, FailureKind.CRASHED, 6000, revision="old"), failed(8, FailureKind.SICK, 5000, revision="old"))
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


def test_what_cannot_be_started_is_not_launched() -> None:
    """No scale-out, no heal; what serves of it goes on serving, and the reason is told."""
    target = replace(SETTLED, proven=(proof("old"), proof("new", 6900, bootable=False)), orders=(ordered(19),))
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


def test_what_is_revoked_gives_way_to_the_latest_that_may_run() -> None:
    """Promise 1: at once and without a failure, over what is revoked too; nothing is launched meanwhile."""
    proven = (proof("older", 9000), proof("old", 8000), proof("new", 7000))
    target = replace(SETTLED, proven=proven, revoked=(SKETCH.revoked("new"),), orders=(ordered(19),))
    made = decide(see("1 new a serving", "2 new b serving"), target)
    assert made.retarget is not None
    assert (made.retarget.revision, made.retarget.reason) == ("old", "r3 is revoked: its key was stolen")
    assert (launches(made), made.closed, made.phase) == ([], ("web-19",), Phase.ROLLING_BACK)
    assert rules(made)["fleet"] is Rule.REVOKED
    both = replace(target, revoked=(SKETCH.revoked("new"), SKETCH.revoked("old")))
    back = decide(see("1 new a serving"), both).retarget
    assert back is not None
    assert back.revision == "older"


def test_what_is_revoked_serves_on_where_nothing_good_is_known() -> None:
    """No scale-out, no heal, and no end either: why, and since when, is told."""
    target = replace(SETTLED, proven=(proof("new", 6900),), revoked=(SKETCH.revoked("new", 77),))
    made = decide(see("1 new a serving", "2 new b failing"), target)
    assert (launches(made), made.retarget, made.stop, made.phase) == ([], None, "", Phase.STOPPED)
    (hold,) = [hold for hold in made.holds if hold.subject == "fleet"]
    assert (hold.rule, hold.since) == (Rule.REVOKED, ago(77))
    whole = decide(see("1 new a serving", "2 new b serving", "3 new c serving"), target)
    assert (whole.changes, whole.phase) == (False, Phase.STOPPED)
    again = decide(see("1 new a serving"), replace(target, stopped="2 in a row failed", proven=target.proven))
    assert [hold.rule for hold in again.holds if hold.subject == "fleet"] == [Rule.STOPPED]


def test_what_is_revoked_leaves_before_other_old_ones() -> None:
    """By exposure: whatever the zones say."""
    target = replace(TARGET, proven=(proof("old"),), revoked=(SKETCH.revoked("older"),))
    seen = see("1 old a serving", "2 old a serving", "3 older b serving", "4 new c serving")
    made = decide(seen, target)
    granted = [(draw.slot, draw.drawer) for draw in made.draws if draw.granted]
    assert granted == [("web-3", Drawer.REVOKED)]
    assert [step.slot for step in made.steps if isinstance(step, Drain)] == ["web-3"]
    assert next(draw for draw in made.draws if draw.slot == "web-1").drawer is Drawer.ROLLOUT
