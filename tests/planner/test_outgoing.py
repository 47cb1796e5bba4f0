"""Members of the wanted revision that another is to replace: launch first, the most urgent leaves first."""

from dataclasses import replace

from repave.model.disruption import Drawer
from repave.model.names import ReleaseNumber, RevisionId, ZoneName
from repave.model.plan import Drain, Launch, Phase, Plan, Rule
from repave.model.policy import FleetPolicy
from repave.model.target import Target
from repave.planner import narration
from repave.planner.draft import Draft
from repave.planner.fleet import answer, fill, retire, shrink
from repave.planner.moving import schedule
from repave.planner.sets import classify, slot_number
from repave.simulation.sketch import Sketch

SKETCH = Sketch()
POLICY = FleetPolicy(fleet=SKETCH.fleet, zones=tuple(ZoneName(name) for name in "abc"))
TARGET = Target(
    fleet=SKETCH.fleet,
    generation=5,
    revision=RevisionId("new"),
    release=ReleaseNumber(3),
    size=4,
    since=SKETCH.ago(7000),
    next_slot=20,
    proven=(SKETCH.proof("new", 6900),),
)
FULL = ("1 new a serving", "2 new b serving", "3 new c serving", "4 new a serving")


def decide(*lines: str, outgoing: dict[int, Drawer], target: Target = TARGET) -> Plan:
    """What becomes of a fleet some of whose members are to be replaced."""
    draft = Draft(POLICY, target, classify(POLICY, target, SKETCH.see(*lines), SKETCH.now), SKETCH.now)
    for member in draft.sets.members:
        number = slot_number(member.slot)
        if number in outgoing:
            draft.replace(member, outgoing[number], f"for {outgoing[number]}")
    allowance = schedule(draft)
    fill(draft, allowance)
    retire(draft, allowance)
    shrink(draft)
    answer(draft, allowance)
    return narration.narrate(draft)


def launches(plan: Plan) -> list[str]:
    """Slot and zone of each launch."""
    return [f"{step.slot} {step.zone}" for step in plan.steps if isinstance(step, Launch)]


def drained(plan: Plan) -> list[str]:
    """Who is taken out."""
    return [str(step.slot) for step in plan.steps if isinstance(step, Drain)]


def test_another_is_launched_first_and_in_its_zone() -> None:
    """As far as the surge allows, and nobody leaves before another serves."""
    made = decide(*FULL, outgoing={2: Drawer.ROLLOUT, 3: Drawer.ROLLOUT})
    assert launches(made) == ["web-20 b"]
    assert not drained(made)
    assert made.phase is Phase.RENEWING
    assert {hold.subject: hold.rule for hold in made.holds}["web-2"] is Rule.BUDGET


def test_the_most_urgent_leaves_first() -> None:
    """Whatever its zone or age: here the last of four."""
    outgoing = {1: Drawer.REBALANCE, 4: Drawer.HEAL, 2: Drawer.ROLLOUT}
    made = decide(*FULL, "20 new b serving", outgoing=outgoing)
    assert drained(made) == ["web-4"]
    assert [(draw.slot, draw.drawer) for draw in made.draws if draw.granted] == [("web-4", Drawer.HEAL)]
    assert [draw.drawer for draw in made.draws] == [Drawer.HEAL, Drawer.ROLLOUT, Drawer.REBALANCE]


def test_of_two_reasons_the_more_urgent_counts() -> None:
    """Whichever is given first."""
    for drawers in ((Drawer.HEAL, Drawer.REBALANCE), (Drawer.REBALANCE, Drawer.HEAL)):
        draft = Draft(POLICY, TARGET, classify(POLICY, TARGET, SKETCH.see(*FULL), SKETCH.now), SKETCH.now)
        for drawer in drawers:
            draft.replace(draft.sets.members[0], drawer, f"for {drawer}")
        assert draft.outgoing[SKETCH.slot(1)].reason == "for heal"


def test_a_stopped_revision_keeps_them() -> None:
    """Nothing of it may be launched, so none of it is taken out."""
    made = decide(*FULL, outgoing={1: Drawer.ROLLOUT}, target=replace(TARGET, stopped="it failed"))
    assert not launches(made)
    assert not drained(made)
    assert {hold.subject: hold.rule for hold in made.holds}["web-1"] is Rule.STOPPED
