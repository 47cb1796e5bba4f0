"""Deadlines of repair: what is exposed leaves in time where something repaired is wanted, and is told where not."""

from dataclasses import replace

from repave.model.amount import Amount
from repave.model.disruption import Disruption, Drawer
from repave.model.exposure import Exposure, FixWithin, Flaw
from repave.model.finding import Severity
from repave.model.names import ReleaseNumber, RevisionId, ZoneName
from repave.model.observation import Observation
from repave.model.plan import Phase, Plan, Rule
from repave.model.policy import BudgetPolicy, FleetPolicy
from repave.model.target import Target
from repave.planner.check import check
from repave.planner.explain import explain
from repave.planner.fleet import plan
from repave.simulation.sketch import Sketch

SKETCH = Sketch()
NOW, DAY = SKETCH.now, 86400.0
WITHIN = FixWithin(critical_seconds=7 * DAY, high_seconds=30 * DAY)
POLICY = FleetPolicy(fleet=SKETCH.fleet, zones=tuple(ZoneName(name) for name in "abc"), fix_within=WITHIN)
TARGET = Target(
    fleet=SKETCH.fleet,
    generation=7,
    revision=RevisionId("new"),
    release=ReleaseNumber(3),
    size=4,
    since=SKETCH.ago(7000),
    next_slot=20,
    proven=(SKETCH.proof("old"), SKETCH.proof("new", 6900)),
)
ROLLING = SKETCH.see("1 old a serving", "2 older b serving", "3 old c serving", "4 new a serving", "5 new b serving")
WHOLE = SKETCH.see("1 new a serving", "2 new b serving", "3 new c serving", "4 new a serving")


def exposed(revision: str, days: float, severity: Severity = Severity.CRITICAL) -> Exposure:
    """To a flaw that was published so many days ago."""
    flaw = Flaw(advisory="CVE-2026-1", severity=severity, published_at=SKETCH.ago(days * DAY))
    return Exposure(revision=RevisionId(revision), flaw=flaw)


def decide(seen: Observation, *exposures: Exposure, target: Target = TARGET, policy: FleetPolicy = POLICY) -> Plan:
    """The plan, which the checker has passed."""
    wanted = replace(target, exposures=exposures)
    made = plan(policy, wanted, seen, NOW)
    check(made, policy, wanted, seen, NOW)
    return made


def by(made: Plan, drawer: Drawer) -> list[str]:
    """Who asked to go by this drawer."""
    return [draw.slot for draw in made.draws if draw.drawer is drawer]


def deadline(made: Plan) -> str:
    """What is said of it; empty when nothing is."""
    return next((hold.detail for hold in made.holds if (hold.subject, hold.rule) == ("fleet", Rule.DEADLINE)), "")


def test_what_is_due_soon_is_hurried_past_the_limits_of_the_hour() -> None:
    """The repaired revision is wanted, and the hour has nothing left: it goes before other old ones."""
    gone = Disruption(slot=SKETCH.slot(9), zone=ZoneName("a"), drawer=Drawer.ROLLOUT, at=SKETCH.ago(600))
    policy = replace(POLICY, budget=BudgetPolicy(per_hour=Amount(value=1)))
    made = decide(ROLLING, exposed("older", 7), target=replace(TARGET, disruptions=(gone,)), policy=policy)
    assert (by(made, Drawer.DEADLINE), by(made, Drawer.ROLLOUT)) == (["web-2"], ["web-1", "web-3"])
    assert [draw.slot for draw in made.draws if draw.granted] == ["web-2"]
    assert made.draws[0].reason == "it holds CVE-2026-1 (critical)"


def test_while_there_is_time_the_most_exposed_go_first_within_the_budget() -> None:
    """By the pace of the roll-out; the plan wakes when haste begins."""
    made = decide(ROLLING, exposed("older", 2), exposed("old", 1, Severity.HIGH))
    assert by(made, Drawer.ROLLOUT) == ["web-2", "web-1", "web-3"]
    assert [draw.slot for draw in made.draws if draw.granted] == ["web-2"]
    assert by(made, Drawer.DEADLINE) == []
    assert made.wake_at is not None
    assert NOW < made.wake_at < SKETCH.ago(-5 * DAY)


def test_what_cannot_be_repaired_in_time_is_told_with_both_numbers() -> None:
    """Ahead of time, and when it is past."""
    soon = decide(ROLLING, exposed("older", 7 - 20 / DAY), target=replace(TARGET, stopped="2 in a row failed"))
    assert deadline(soon).startswith("web-2 holds CVE-2026-1 (critical), which is due in 20 s; replacing it takes")
    assert deadline(soon).endswith(", and nothing may be started now")
    late = decide(ROLLING, exposed("older", 10), target=replace(TARGET, paused=True))
    assert "which is due since 3 d" in deadline(late)


def test_where_nothing_repaired_is_wanted_the_date_and_the_way_are_told() -> None:
    """The fleet is as wanted all the same; the date is when the plan says something else."""
    made = decide(WHOLE, exposed("new", 3))
    assert (made.phase, made.changes, by(made, Drawer.DEADLINE)) == (Phase.CONVERGED, False, [])
    assert deadline(made) == (
        "r3 holds CVE-2026-1 (critical), which is due on 2026-03-06 18:00, and nothing repaired is wanted"
    )
    (told,) = explain(made)
    assert (told.until, made.wake_at) == (SKETCH.ago(-4 * DAY), SKETCH.ago(-4 * DAY))
    assert "`repave patch`" in told.remedy
    assert ", which was due on " in deadline(decide(WHOLE, exposed("new", 8)))


def test_what_has_no_deadline_is_not_hurried() -> None:
    """A flaw that is merely moderate, or a file without deadlines."""
    assert deadline(decide(WHOLE, exposed("new", 400, Severity.MEDIUM))) == ""
    made = decide(ROLLING, exposed("older", 400), policy=replace(POLICY, fix_within=FixWithin()))
    assert (by(made, Drawer.DEADLINE), deadline(made)) == ([], "")
