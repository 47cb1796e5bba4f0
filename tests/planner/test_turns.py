"""Turns: a fleet waits for those that come first, is kept meanwhile, and never waits for what waits for it."""

from dataclasses import replace

import pytest
from chooser import Chooser, choosers
from hypothesis import given

from repave.model.names import FleetKey, FleetName, ReleaseNumber, RevisionId
from repave.model.observation import Neighbour, Observation
from repave.model.plan import Launch, Phase, Plan, Rule
from repave.model.policy import FleetPolicy
from repave.model.target import FailureKind, Proof, Target
from repave.planner.check import UnsafePlan, check
from repave.planner.fleet import plan
from repave.planner.turns import neighbour
from repave.simulation.sketch import Sketch
from repave.simulation.stage import FLEET, POLICY

SKETCH = Sketch()
PROXY = replace(FLEET, fleet=FleetName("db-proxy"))
AFTER_PROXY = replace(POLICY, after=(PROXY,))
BEFORE_WEB = replace(POLICY, fleet=PROXY, before=(FLEET,))
OLD_SERVES = SKETCH.see("1 old a serving", "2 old b serving", "3 old c serving")


def wants(revision: str, *proven: Proof, fleet: FleetKey = FLEET, size: int = 3) -> Target:
    """A target that wants this for a minute."""
    return Target(
        fleet=fleet,
        generation=5,
        revision=RevisionId(revision),
        release=SKETCH.release(revision),
        size=size,
        since=SKETCH.ago(60),
        next_slot=9,
        proven=proven,
    )


def planned(policy: FleetPolicy, target: Target, seen: Observation, *known: Neighbour) -> Plan:
    """The plan, held against the promises."""
    observation = replace(seen, neighbours=known)
    made = plan(policy, target, observation, SKETCH.now)
    check(made, policy, target, observation, SKETCH.now)
    return made


def launched(made: Plan) -> list[str]:
    """What would be started."""
    return [step.revision for step in made.steps if isinstance(step, Launch)]


PROXY_ARRIVED = neighbour(PROXY, wants("new", SKETCH.proof("old"), SKETCH.proof("new", 10), fleet=PROXY))
PROXY_ON_ITS_WAY = neighbour(PROXY, wants("new", SKETCH.proof("old"), fleet=PROXY))
PROXY_WENT_BACK = neighbour(PROXY, wants("old", SKETCH.proof("old", 10), fleet=PROXY))


def test_a_fleet_starts_once_those_before_it_carry_the_release() -> None:
    """Not before, and then at once."""
    waiting = planned(AFTER_PROXY, wants("new", SKETCH.proof("old")), OLD_SERVES, PROXY_ON_ITS_WAY)
    assert not waiting.steps
    assert [hold.rule for hold in waiting.holds if hold.subject == "fleet"] == [Rule.AFTER]
    assert waiting.phase is Phase.ROLLING
    assert waiting.summary == "r3 waits for its turn: db-proxy comes first, and does not carry r3 yet; 3 of 3 serve r2"
    assert launched(planned(AFTER_PROXY, wants("new", SKETCH.proof("old")), OLD_SERVES, PROXY_ARRIVED)) == ["new"]


def test_a_fleet_that_waits_is_kept_as_it_was() -> None:
    """One of the old dies meanwhile: another of the old takes its place."""
    seen = SKETCH.see("1 old a serving", "2 old b serving", "3 old c stopped")
    made = planned(AFTER_PROXY, wants("new", SKETCH.proof("old")), seen, PROXY_ON_ITS_WAY)
    assert launched(made) == ["old"]


@pytest.mark.parametrize("bootable", [True, False])
def test_a_fleet_that_waits_is_kept_as_what_may_still_be_started(*, bootable: bool) -> None:
    """Not as the last that carried it, where that was revoked or cannot be started, but as the one before."""
    proofs = (SKETCH.proof("older", 9000), SKETCH.proof("old", bootable=bootable))
    target = wants("new", *proofs)
    if bootable:
        target = replace(target, revoked=(SKETCH.revoked("old"),))
    seen = SKETCH.see("1 older a serving", "2 older b serving")
    assert launched(planned(AFTER_PROXY, target, seen, PROXY_ON_ITS_WAY)) == ["older"]


def test_what_has_begun_goes_on() -> None:
    """The fleet before it has gone back since: what has begun is not held up, or it would stay half and half."""
    seen = SKETCH.see("1 old a serving", "2 old b serving", "4 new c serving")
    made = planned(AFTER_PROXY, wants("new", SKETCH.proof("old")), seen, PROXY_WENT_BACK)
    assert launched(made) == ["new"]


@pytest.mark.parametrize(
    ("known", "words"),
    [
        (PROXY_WENT_BACK, "db-proxy comes first, and stays at r2"),
        (replace(PROXY_ON_ITS_WAY, stands="is paused"), "db-proxy comes first, and is paused"),
        (neighbour(PROXY, None), "db-proxy comes first, and was never deployed here"),
    ],
)
def test_a_turn_that_will_not_come_is_told(known: Neighbour, words: str) -> None:
    """Promise 4: the fleet says that it stands, and for whom."""
    made = planned(AFTER_PROXY, wants("new", SKETCH.proof("old")), OLD_SERVES, known)
    assert made.phase is Phase.STOPPED
    assert words in made.summary
    assert not made.changes


def test_only_what_stands_still_is_said_to() -> None:
    """Of a fleet that is well, or on its way, there is nothing to say but how far it is."""
    assert {known.stands for known in (PROXY_ARRIVED, PROXY_ON_ITS_WAY, PROXY_WENT_BACK)} == {""}
    assert neighbour(PROXY, replace(wants("new"), paused=True)).stands == "is paused"
    assert neighbour(PROXY, replace(wants("new"), stopped="2 failed")).stands == "is stopped: 2 failed"


@pytest.mark.parametrize("begun", ["an order", "a failure"])
def test_what_was_launched_has_begun(begun: str) -> None:
    """Though nothing of it is seen: it was launched, and those before have turned back meanwhile."""
    target = wants("new", SKETCH.proof("old"))
    if begun == "an order":
        target = replace(target, orders=(SKETCH.ordered(8),))
    else:
        target = replace(target, failures=(SKETCH.failed(8, FailureKind.CRASHED, 1),))
    made = planned(AFTER_PROXY, target, OLD_SERVES, PROXY_WENT_BACK)
    assert "new" in launched(made)


def test_a_first_deployment_keeps_the_order_too() -> None:
    """There is nothing to keep meanwhile, and nothing is started."""
    made = planned(AFTER_PROXY, wants("new"), SKETCH.see(), PROXY_ON_ITS_WAY)
    assert not made.changes
    assert made.summary == "r3 waits for its turn: db-proxy comes first, and does not carry r3 yet"


def test_a_rollback_goes_the_other_way() -> None:
    """The proxy waits until the fleet that is after it is back; that fleet waits for nobody."""
    seen = SKETCH.see("1 new a serving", "2 new b serving", "3 new c serving")
    back = wants("old", SKETCH.proof("old"), SKETCH.proof("new", 300))
    web = neighbour(FLEET, back)
    assert not planned(BEFORE_WEB, replace(back, fleet=PROXY), replace(seen, fleet=PROXY), web).steps
    assert launched(planned(AFTER_PROXY, back, seen, neighbour(PROXY, replace(back, fleet=PROXY)))) == ["old"]
    there = neighbour(FLEET, wants("old", SKETCH.proof("new", 300), SKETCH.proof("old", 10)))
    assert launched(planned(BEFORE_WEB, replace(back, fleet=PROXY), replace(seen, fleet=PROXY), there)) == ["old"]


def test_a_fleet_that_went_back_by_itself_waits_for_nobody() -> None:
    """Its release failed there alone: the others stay where they are, and do not hold up its cure."""
    seen = SKETCH.see("1 old a serving", "2 old b serving", "4 new c failing")
    back = wants("old", SKETCH.proof("old"))
    assert launched(planned(AFTER_PROXY, back, seen, PROXY_ARRIVED)) == ["old"]


def test_a_fleet_of_nobody_holds_nobody_up() -> None:
    """Asleep, it carries whatever is wanted of it; and nothing of it waits."""
    asleep = neighbour(PROXY, wants("new", fleet=PROXY, size=0))
    assert launched(planned(AFTER_PROXY, wants("new", SKETCH.proof("old")), OLD_SERVES, asleep)) == ["new"]
    assert not planned(AFTER_PROXY, wants("new", size=0), SKETCH.see(), PROXY_ON_ITS_WAY).holds


def test_the_checker_refuses_a_launch_out_of_turn() -> None:
    """Promise: what the planner must not do, the checker stops."""
    target = wants("new", SKETCH.proof("old"))
    made = plan(POLICY, target, OLD_SERVES, SKETCH.now)
    with pytest.raises(UnsafePlan, match="would be the first of r3, and db-proxy comes first"):
        check(made, AFTER_PROXY, target, replace(OLD_SERVES, neighbours=(PROXY_ON_ITS_WAY,)), SKETCH.now)
    with pytest.raises(UnsafePlan, match="would run new, and old is wanted"):
        check(made, POLICY, wants("old", SKETCH.proof("old")), OLD_SERVES, SKETCH.now)


REVISIONS = ("older", "old", "new")
AGES = (10.0, 61.0, 300.0, 900.0)
WISH_DIGITS = 10
"""As many as all choices of what is wanted and was proven of one fleet take."""


def wished(chooser: Chooser, fleet: FleetKey = FLEET) -> Target:
    """Any revision is wanted, and any were proven, in any order."""
    wanted, proven = chooser.of(REVISIONS), chooser.mixed(chooser.some(REVISIONS))
    return wants(wanted, *(SKETCH.proof(name, chooser.of(AGES)) for name in proven), fleet=fleet)


@given(choosers(2 * WISH_DIGITS))
def test_never_do_two_fleets_wait_for_each_other(chooser: Chooser) -> None:
    """Promise 4: whatever is wanted of both and was proven of both, at least one of them moves."""
    first, second = wished(chooser, PROXY), wished(chooser)
    nobody = SKETCH.see()
    holds = [
        planned(AFTER_PROXY, second, nobody, neighbour(PROXY, first)).holds,
        planned(BEFORE_WEB, first, replace(nobody, fleet=PROXY), neighbour(FLEET, second)).holds,
    ]
    assert not all(any(hold.rule is Rule.AFTER for hold in each) for each in holds), "they wait for each other"


@given(choosers(WISH_DIGITS + 5))
def test_never_a_launch_out_of_turn(chooser: Chooser) -> None:
    """The planner and the checker, which share no code, agree on whose turn it is and on what is kept until then."""
    target = wished(chooser)
    known = [
        Neighbour(
            fleet=PROXY,
            release=ReleaseNumber(SKETCH.release(row.of(REVISIONS))),
            carried=row.of((False, True)),
            returning=row.of((False, True)),
        )
        for row in chooser.rows(1, 3)
    ]
    for policy in (AFTER_PROXY, replace(POLICY, before=(PROXY,))):
        planned(policy, target, OLD_SERVES, *known)
