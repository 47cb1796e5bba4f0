"""How the fleet planner judges a revision, stops it and goes back, one situation each."""

from dataclasses import replace
from datetime import timedelta

import pytest
from mid_rollout import (
    NOW,
    SETTLED,
    SKETCH,
    TARGET,
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
from repave.model.plan import Attach, Drain, Phase, Rule, Terminate
from repave.model.target import FailureKind, Proof


def test_an_order_that_is_never_seen_is_lost_and_says_nothing_of_the_revision() -> None:
    """Another slot is filled instead, however often that happens; the revision is not stopped for it."""
    lost = tuple(failed(number, FailureKind.LOST, revision="new") for number in (10, 11, 12))
    made = decide(see(), replace(TARGET, orders=(ordered(19, seconds=60),), failures=lost))
    assert [(one.slot, one.revision, one.kind) for one in made.failures] == [("web-19", "new", FailureKind.LOST)]
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
    assert made.summary.endswith("; back to r2")


def test_the_way_back_from_other_settings_of_one_release_is_named_so() -> None:
    """There is no other release to go back to."""
    before = replace(TARGET.proven[0], release=TARGET.release)
    target = replace(TARGET, failures=(failed(10, FailureKind.CRASHED),), proven=(before,))
    made = decide(see("1 old a serving", "2 old b serving", "3 old c serving", "4 new a stopped 0 20"), target)
    assert made.summary.endswith("; back to its settings of before")


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


def test_only_the_way_to_an_earlier_release_is_called_back() -> None:
    """What was left for an earlier one is gone forward to again, though it carried the fleet before."""
    old, new = see("1 old a serving", "2 old b serving"), see("1 new a serving", "2 new b serving")
    forward = replace(TARGET, proven=(proof("new", 7200), proof("old", 3600)))
    assert decide(old, forward).phase is Phase.ROLLING
    earlier, later = proof("old", 7200), proof("new", 3600)
    back = replace(TARGET, revision=earlier.revision, release=earlier.release, proven=(earlier, later))
    assert decide(new, back).phase is Phase.ROLLING_BACK
    unproven = replace(back, proven=(proof("older", 9000), earlier))
    assert decide(new, unproven).phase is Phase.ROLLING_BACK, "of three, the last of which never carried the fleet"


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
