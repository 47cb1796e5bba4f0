"""The plan checker refuses what is subtly wrong: untrue success, a stop without cause, capacity thrown away."""

from dataclasses import replace

import pytest

from repave.model.disruption import Disruption, Drawer
from repave.model.names import InstanceId, ReleaseNumber, RevisionId, ZoneName
from repave.model.observation import Observation
from repave.model.plan import Attach, Detach, Drain, Draw, Launch, Phase, Plan, Retarget, Step, Terminate
from repave.model.policy import FleetPolicy, RolloutPolicy
from repave.model.target import FailureKind, Heal, Target
from repave.planner.check import UnsafePlan, check
from repave.simulation.sketch import Sketch

SKETCH = Sketch()
NOW = SKETCH.now
POLICY = FleetPolicy(fleet=SKETCH.fleet, zones=(ZoneName("a"), ZoneName("b")))
SEEN = SKETCH.see("1 old a serving", "2 old b serving", "3 new a serving", "4 new b failing", "5 new a checking 5 5")
TARGET = Target(
    fleet=SKETCH.fleet,
    generation=7,
    revision=RevisionId("new"),
    release=ReleaseNumber(3),
    size=2,
    since=SKETCH.ago(300),
    next_slot=6,
    proven=(SKETCH.proof("old"),),
)
EMPTY = Plan(fleet=SKETCH.fleet, parent=7, at=NOW, phase=Phase.ROLLING, summary="", next_slot=6)
BACK = Retarget(revision=RevisionId("old"), release=ReleaseNumber(2), reason="bad")
TWO_CRASHES = (SKETCH.failed(90, FailureKind.CRASHED), SKETCH.failed(91, FailureKind.CRASHED))


def drain(number: int) -> Step:
    """No more requests."""
    return Drain(instance=InstanceId(f"i-{number}"), slot=SKETCH.slot(number), reason="")


def detach(number: int) -> Step:
    """Out of the balancer."""
    return Detach(instance=InstanceId(f"i-{number}"), slot=SKETCH.slot(number), reason="")


def end(number: int) -> Step:
    """The end."""
    return Terminate(instance=InstanceId(f"i-{number}"), slot=SKETCH.slot(number), reason="")


def attach(number: int, address: str) -> Step:
    """Into the balancer."""
    return Attach(instance=InstanceId(f"i-{number}"), slot=SKETCH.slot(number), address=address, port=8080, reason="")


def launch(number: int) -> Launch:
    """One more."""
    return Launch(slot=SKETCH.slot(number), revision=RevisionId("new"), zone=ZoneName("a"), reason="")


def refused(plan: Plan, target: Target = TARGET, seen: Observation = SEEN) -> str:
    """What the checker says."""
    with pytest.raises(UnsafePlan) as caught:
        check(plan, POLICY, target, seen, NOW)
    return caught.value.message


def with_draw(number: int, *steps: Step) -> Plan:
    """A plan whose draw on the budget was granted."""
    slot = SKETCH.slot(number)
    draw = Draw(slot=slot, drawer=Drawer.ROLLOUT, granted=True, reason="old")
    kept = Disruption(slot=slot, zone=SEEN.machines.instances[number - 1].zone, drawer=Drawer.ROLLOUT, at=NOW)
    return replace(EMPTY, steps=steps, draws=(draw,), disruptions=(kept,))


def test_a_drain_needs_a_granted_draw() -> None:
    """Who takes a serving instance out asks the one arbiter."""
    check(with_draw(1, drain(1)), POLICY, TARGET, SEEN, NOW)
    assert "without a draw on the budget" in refused(replace(EMPTY, steps=(drain(1),)))
    assert "without a draw on the budget" in refused(with_draw(2, drain(1)))
    once = with_draw(1, drain(1))
    assert "web-1 draws 2 times" in refused(replace(once, draws=once.draws * 2))


def test_nothing_that_serves_is_taken_out_for_a_stopped_revision() -> None:
    """Promise 1: what serves goes on serving."""
    stopped = replace(TARGET, stopped="2 in a row failed")
    assert "the wanted revision is stopped" in refused(with_draw(1, drain(1)), stopped)


def test_a_stop_needs_its_failures() -> None:
    """Promise 6: neither a stop nor a rollback comes out of nothing, nor out of what says nothing of the revision."""
    for unsafe in (replace(EMPTY, stop="a feeling"), replace(EMPTY, retarget=BACK)):
        assert "2 are needed" in refused(unsafe)
        harmless = tuple(replace(failure, kind=FailureKind.RELAPSED) for failure in TWO_CRASHES)
        assert "2 are needed" in refused(unsafe, replace(TARGET, failures=harmless))
        earlier = tuple(replace(failure, at=SKETCH.ago(301)) for failure in TWO_CRASHES)
        assert "2 are needed" in refused(unsafe, replace(TARGET, failures=earlier))
        check(unsafe, POLICY, replace(TARGET, failures=TWO_CRASHES), SEEN, NOW)


def test_a_rollback_goes_to_what_holds() -> None:
    """Promise 1: under its own name, and not to what has failed since."""
    failed = replace(TARGET, failures=TWO_CRASHES)
    wrong = replace(EMPTY, retarget=replace(BACK, release=ReleaseNumber(1)))
    assert "the name of another release" in refused(wrong, failed)
    old = (SKETCH.failed(80, FailureKind.SICK, revision="old"), SKETCH.failed(81, FailureKind.SICK, revision="old"))
    both = replace(failed, failures=(*TWO_CRASHES, *old))
    assert "has failed since it was proven" in refused(replace(EMPTY, retarget=BACK), both)
    unbootable = replace(failed, proven=(SKETCH.proof("old", bootable=False),))
    assert "cannot be started" in refused(replace(EMPTY, retarget=BACK), unbootable)


def test_success_is_not_told_of_what_is_not_so() -> None:
    """Promise 2: converged and proven mean that exactly the wanted number of the wanted revision serves, alone."""
    done = replace(EMPTY, phase=Phase.CONVERGED)
    proven = replace(EMPTY, proven=RevisionId("new"))
    two = SKETCH.see("3 new a serving", "4 new b serving")
    check(done, POLICY, TARGET, two, NOW)
    check(proven, POLICY, TARGET, two, NOW)
    for seen in (SEEN, SKETCH.see("3 new a serving"), SKETCH.see("3 new a serving", "4 old b serving")):
        assert "not what was seen" in refused(done, TARGET, seen)
        assert "does not carry the fleet alone" in refused(proven, TARGET, seen)
    hidden = replace(two, traffic=replace(two.traffic, incomplete="no answer"))
    assert "not what was seen" in refused(done, TARGET, hidden)
    assert "not what was seen" in refused(replace(done, steps=(launch(6),), next_slot=7), TARGET, two)
    assert "does not serve alone" in refused(replace(EMPTY, proven=RevisionId("old")), TARGET, two)


def test_the_sick_are_not_thrown_away_while_too_few_are_left() -> None:
    """A false alarm must not take the fleet."""
    seen = SKETCH.see("1 new a failing", "2 new b failing")
    assert "that look sick would be ended" in refused(replace(EMPTY, steps=(detach(1), end(1))), TARGET, seen)
    third = SKETCH.see("1 new a failing", "2 new b failing", "3 new a serving")
    check(replace(EMPTY, steps=(detach(1), end(1))), POLICY, TARGET, third, NOW)


def test_an_end_is_whole_and_in_its_order() -> None:
    """Detached before it is ended, and ended when it is detached."""
    check(replace(EMPTY, steps=(detach(5), end(5))), POLICY, TARGET, SEEN, NOW)
    assert "while the balancer still knows it" in refused(replace(EMPTY, steps=(end(5),)))
    assert "while the balancer still knows it" in refused(replace(EMPTY, steps=(end(5), detach(5))))
    assert "left running" in refused(replace(EMPTY, steps=(detach(5),)))
    assert "is not attached" in refused(replace(EMPTY, steps=(detach(9),)))


def test_only_what_runs_is_attached_and_at_its_own_address() -> None:
    """Requests must not reach a stranger."""
    seen = SKETCH.see("1 new a unknown", "2 new b stopped", "3 new a serving")
    check(replace(EMPTY, steps=(attach(1, "10.0.0.1"),)), POLICY, TARGET, seen, NOW)
    assert "not its own" in refused(replace(EMPTY, steps=(attach(1, "10.0.0.9"),)), TARGET, seen)
    assert "does not run" in refused(replace(EMPTY, steps=(attach(2, "10.0.0.2"),)), TARGET, seen)
    assert "does not run" in refused(replace(EMPTY, steps=(attach(7, "10.0.0.7"),)), TARGET, seen)
    assert "attached already" in refused(replace(EMPTY, steps=(attach(3, "10.0.0.3"),)), TARGET, seen)
    partial = replace(seen, machines=replace(seen.machines, incomplete="a page is missing"))
    assert "could be seen" in refused(replace(EMPTY, steps=(attach(1, "10.0.0.1"),)), TARGET, partial)


@pytest.mark.parametrize(
    ("spoilt", "words"),
    [
        (replace(TARGET, proven=(SKETCH.proof("new", bootable=False),)), "cannot be started"),
        (replace(TARGET, revoked=(SKETCH.revoked("new"),)), "is revoked"),
    ],
)
def test_what_is_revoked_or_cannot_be_started_is_not_launched(spoilt: Target, words: str) -> None:
    """Not even as an order given again."""
    target = replace(spoilt, orders=(SKETCH.ordered(5),))
    seen = SKETCH.see("1 old a serving")
    assert words in refused(replace(EMPTY, steps=(launch(5),)), target, seen)
    assert words in refused(replace(EMPTY, steps=(launch(6),), next_slot=7), target, seen)


def test_success_is_not_told_of_what_is_revoked() -> None:
    """Promise 2: however well it serves."""
    two = SKETCH.see("3 new a serving", "4 new b serving")
    revoked = replace(TARGET, revoked=(SKETCH.revoked("new"),))
    assert "what is wanted is revoked" in refused(replace(EMPTY, phase=Phase.CONVERGED), revoked, two)


def test_the_way_back_from_what_is_revoked_needs_no_failures() -> None:
    """And leads to nothing that is revoked too."""
    wanted = replace(TARGET, revoked=(SKETCH.revoked("new"),))
    check(replace(EMPTY, retarget=BACK), POLICY, wanted, SEEN, NOW)
    both = replace(TARGET, revoked=(SKETCH.revoked("new"), SKETCH.revoked("old")))
    assert "which is revoked" in refused(replace(EMPTY, retarget=BACK), both)


def test_what_is_remembered_is_true_and_is_remembered_once() -> None:
    """A failure counted twice would stop a good release; one of what serves is no failure."""
    twice = replace(EMPTY, failures=(SKETCH.failed(90, FailureKind.CRASHED),))
    assert "counted twice" in refused(twice, replace(TARGET, failures=TWO_CRASHES))
    both = (SKETCH.failed(92, FailureKind.CRASHED), SKETCH.failed(92, FailureKind.SICK))
    assert "counted twice" in refused(replace(EMPTY, failures=both))
    assert "web-3 serves" in refused(replace(EMPTY, failures=(SKETCH.failed(3, FailureKind.SICK),)))
    assert "web-3 serves" in refused(replace(EMPTY, heals=(Heal(slot=SKETCH.slot(3), at=NOW),)))
    assert "was not ordered" in refused(replace(EMPTY, closed=(SKETCH.slot(99),)))
    reused = replace(TARGET, failures=(SKETCH.failed(6, FailureKind.REFUSED),))
    seen = SKETCH.see("1 old a serving")
    assert "given out before" in refused(replace(EMPTY, steps=(launch(6),), next_slot=7), reused, seen)


def test_the_surge_counts_what_leaves_and_leaves_out_what_is_of_no_use() -> None:
    """Draining ones take a place until they are gone; the dead, the sick and the late take none."""
    more = replace(EMPTY, steps=(launch(6),), next_slot=7)
    full = SKETCH.see("1 old a serving", "2 old b serving", "3 old a draining 1")
    assert "4 would be alive, and 2 are wanted with 1 above them" in refused(more, TARGET, full)
    useless = SKETCH.see(
        "1 old a serving", "2 old b failing", "3 old a stopped", "4 new a checking 90 95", "5 old a serving"
    )
    check(more, POLICY, TARGET, useless, NOW)
    late = SKETCH.see("1 old a serving", "2 old b serving", "4 new a checking 59 59")
    assert "would be alive" in refused(more, TARGET, late)
    later = SKETCH.see("1 old a serving", "2 old b serving", "4 new a checking 60 60")
    check(more, POLICY, TARGET, later, NOW)


def test_a_whole_group_may_stand_beside_all_that_serve() -> None:
    """As many as serve where those are more than wanted, else as many as are wanted; who stands by counts."""
    policy = replace(POLICY, rollout=RolloutPolicy(strategy="blue-green"))
    more = replace(EMPTY, steps=(replace(launch(6), standby=True),), next_slot=7)
    check(more, policy, TARGET, SKETCH.see(*(f"{number} old a serving" for number in (1, 2, 3, 4))), NOW)
    kept = SKETCH.see("1 old a serving", *(f"{number} old a ready" for number in (2, 3, 4)))
    with pytest.raises(UnsafePlan, match="5 would be alive, and 2 are wanted with 2 above them"):
        check(more, policy, TARGET, kept, NOW)
