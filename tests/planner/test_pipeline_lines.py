"""Releases that just may enter, and those that just may not: planner and checker draw the same lines."""

from dataclasses import replace
from datetime import date

import pytest
from on_its_way import (
    CAME,
    EARLY,
    HOUR,
    R1,
    R2,
    R3,
    RUNS_ANOTHER,
    SECOND,
    SOAK,
    UNSEEN,
    UNWELL,
    URGENT,
    approval,
    exposed,
    failed,
    known,
    overdue,
    soaked,
    stages,
)
from pipeline_cases import NOW, PROD, TEST, release, situation

from repave.model.evidence import Evidence, Exposed, Request, RolledBack, Standing, Waiver
from repave.model.gates import Freeze, Gates, Window
from repave.model.names import PersonName, ReleaseNumber
from repave.model.pipeline import Enter, Held, PipelinePlan, Rule
from repave.planner.check import UnsafePlan
from repave.planner.pipeline.checking import check
from repave.planner.pipeline.planning import judged, plan

PROVEN_AGAIN = replace(RUNS_ANOTHER, proven={R2: NOW - HOUR})
TWO = Gates(approvals=2)
NIGHT = Window(days=("Tue",), start="22:00", end="13:00", zone="UTC")
AUCKLAND = Window(days=("Thu",), start="01:00", end="02:00", zone="Pacific/Auckland")
WAIVER = Waiver(flaw="CVE-1", person=PersonName("ana"), reason="not reached", at=NOW, until=NOW + SECOND)
NAMED = Request(environment=PROD, release=R2, at=NOW)
WENT_BACK = RolledBack(environment=PROD, release=R2, at=NOW + HOUR)


def well_for(seconds: float) -> Standing:
    """Test carries r2 in good health for so long."""
    return Standing(release=R2, proven={R2: CAME}, seen_at=NOW, well_since=NOW - seconds * SECOND)


@pytest.mark.parametrize(
    ("evidence", "gates", "test", "refusal"),
    [
        (known(), Gates(), Gates(), ""),
        # Carried: a failure there as late as its proof makes it worthless, one elsewhere or before does not.
        (known(failed(TEST, 24)), Gates(), Gates(), "test does not carry r2 in good health"),
        (known(failed(TEST, 24.1)), Gates(), Gates(), ""),
        (known(failed(PROD, 3), Request(environment=PROD, release=R2, at=NOW)), Gates(), Gates(), ""),
        (known(replace(failed(TEST, 3), release=R3)), Gates(), Gates(), ""),
        (known(standing=UNWELL), Gates(), Gates(), ""),
        (Evidence(), Gates(), Gates(), "test does not carry r2 in good health"),
        # Lessons: a person's word counts when it is of this release, of this environment, and was kept later.
        (known(NAMED, failed(PROD, 3)), Gates(), Gates(), "r2 comes again to prod"),
        (known(failed(PROD, 3), NAMED), Gates(), Gates(), ""),
        (known(failed(PROD, 3), NAMED, failed(PROD, 2)), Gates(), Gates(), "r2 comes again to prod"),
        # Whatever clocks said that were ahead, or behind.
        (known(failed(PROD, -24), NAMED), Gates(), Gates(), ""),
        (known(failed(PROD, -24), failed(PROD, 3), NAMED), Gates(), Gates(), ""),
        (known(NAMED, failed(PROD, 24)), Gates(), Gates(), "r2 comes again to prod"),
        (known(WENT_BACK, NAMED), Gates(), Gates(), ""),
        (known(NAMED, WENT_BACK), Gates(), Gates(), "r2 comes again to prod"),
        (
            known(failed(PROD, 3), Request(environment=TEST, release=R2, at=NOW)),
            Gates(),
            Gates(),
            "r2 comes again to prod",
        ),
        (
            known(failed(PROD, 3), Request(environment=PROD, release=R3, at=NOW)),
            Gates(),
            Gates(),
            "r2 comes again to prod",
        ),
        (known(replace(failed(PROD, 3), release=R3)), Gates(), Gates(), ""),
        (known(WENT_BACK), Gates(), Gates(), "r2 comes again to prod"),
        (known(RolledBack(environment=PROD, release=R1, at=NOW)), Gates(), Gates(), ""),
        # Soak: to the second, of this release, in the environment before, unbroken.
        (known(standing=well_for(7200)), Gates(), SOAK, ""),
        (known(standing=well_for(7199)), Gates(), SOAK, "r2 has not run well in test for 7200 s"),
        (known(standing=UNWELL), Gates(), SOAK, "r2 has not run well in test for 7200 s"),
        (known(standing=UNSEEN), Gates(), SOAK, "r2 has not run well in test for 7200 s"),
        (known(standing=RUNS_ANOTHER), Gates(), SOAK, "r2 has not run well in test for 7200 s"),
        (known(soaked(2 * HOUR), standing=RUNS_ANOTHER), Gates(), SOAK, ""),
        (known(soaked(2 * HOUR - SECOND), standing=RUNS_ANOTHER), Gates(), SOAK, "has not run well"),
        (known(soaked(2 * HOUR, environment=PROD), standing=RUNS_ANOTHER), Gates(), SOAK, "has not run well"),
        (known(soaked(2 * HOUR, number=3), standing=RUNS_ANOTHER), Gates(), SOAK, "has not run well"),
        (known(soaked(2 * HOUR), failed(TEST, 10), standing=PROVEN_AGAIN), Gates(), SOAK, ""),
        (known(soaked(2 * HOUR), failed(TEST, 9.9), standing=PROVEN_AGAIN), Gates(), SOAK, "has not run well"),
        (known(soaked(2 * HOUR), failed(PROD, 9.9), URGENT, standing=PROVEN_AGAIN), Gates(), SOAK, ""),
        # The emergency lane: a tenth of the soak; the last word of a person about this release here decides.
        (known(URGENT, standing=well_for(720)), Gates(), SOAK, ""),
        (known(URGENT, standing=well_for(719)), Gates(), SOAK, "r2 has not run well in test for 720 s"),
        (known(URGENT, replace(URGENT, emergency=""), standing=well_for(720)), Gates(), SOAK, "for 7200 s"),
        (known(replace(URGENT, environment=TEST), standing=well_for(720)), Gates(), SOAK, "for 7200 s"),
        (known(replace(URGENT, release=R3), standing=well_for(720)), Gates(), SOAK, "for 7200 s"),
        # Approvals: from now back to just before they are too old, after the last failure, here.
        (known(approval(0), approval(24 * 7 - 0.1, person="bob")), TWO, Gates(), ""),
        (known(approval(0), approval(24 * 7, person="bob")), TWO, Gates(), "only 1 people agreed that r2 enters prod"),
        (known(approval(1), approval(-0.1, person="bob")), TWO, Gates(), "only 1 people agreed"),
        (known(approval(1), approval(1, person="bob", environment=TEST)), TWO, Gates(), "only 1 people agreed"),
        (known(approval(1), approval(1, person="bob", number=3)), TWO, Gates(), "only 1 people agreed"),
        (known(approval(1), approval(1, person="eve")), TWO, Gates(), "only 1 people agreed"),
        (known(approval(25), approval(26, person="bob"), failed(TEST, 25)), TWO, Gates(), "only 0 people agreed"),
        (known(approval(24.9), approval(24.8, person="bob"), failed(TEST, 25)), TWO, Gates(), ""),
        (known(approval(25), failed(TEST, 25)), Gates(approvals=1), Gates(), "only 0 people agreed"),
        (known(authors={}), Gates(), Gates(), ""),
        (known(approval(1), authors={}), Gates(approvals=1), Gates(), "only 1 people agreed"),
        # Windows: from the first minute up to the last, by the days of their zone; a night belongs to its evening.
        (known(), Gates(window=replace(EARLY, start="12:00", end="13:00")), Gates(), ""),
        (known(), Gates(window=EARLY), Gates(), "prod is closed at 12:00"),
        (known(), Gates(window=replace(EARLY, start="12:00", end="12:00")), Gates(), ""),
        (known(), Gates(window=NIGHT), Gates(), ""),
        (known(URGENT), Gates(window=EARLY), Gates(), ""),
        (
            known(holidays={PROD: frozenset({date(2026, 3, 3)})}),
            Gates(window=NIGHT),
            Gates(),
            "prod is closed at 12:00",
        ),
        (known(holidays={PROD: frozenset({date(2026, 3, 4)})}), Gates(), Gates(), "prod takes nothing on 2026-03-04"),
        (known(holidays={TEST: frozenset({date(2026, 3, 4)})}), Gates(), Gates(), ""),
        (known(), Gates(window=AUCKLAND), Gates(), ""),
        (
            known(),
            Gates(window=AUCKLAND, freezes=(Freeze(first="2026-03-05", last="2026-03-05"),)),
            Gates(),
            "prod takes nothing on 2026-03-05",
        ),
        (
            known(),
            Gates(freezes=(Freeze(first="2026-03-04", last="2026-03-04"),)),
            Gates(),
            "takes nothing on 2026-03-04",
        ),
        (known(), Gates(freezes=(Freeze(first="2026-03-05", last="2026-03-09"),)), Gates(), ""),
        (known(), Gates(freezes=(Freeze(first="2026-03-01", last="2026-03-03"),)), Gates(), ""),
        # Flaws: those that nobody answers for now, unless they are fewer of the same than what runs has.
        (known(exposed=exposed(overdue(1, 2))), SOAK, Gates(), "r2 brings CVE-1, CVE-2 into prod"),
        (known(exposed=exposed(overdue(1))), Gates(), Gates(), ""),
        (known(WAIVER, exposed=exposed(overdue(1))), SOAK, Gates(), ""),
        (known(replace(WAIVER, until=NOW), exposed=exposed(overdue(1))), SOAK, Gates(), "brings CVE-1"),
        (known(replace(WAIVER, flaw="CVE-2"), exposed=exposed(overdue(1))), SOAK, Gates(), "brings CVE-1"),
        (known(exposed=exposed(overdue(1), overdue(1, 2))), SOAK, Gates(), ""),
        (known(exposed=exposed(overdue(1), overdue(1))), SOAK, Gates(), "brings CVE-1"),
        (
            known(exposed=exposed(overdue(1), Exposed(overdue=overdue(1, 2, 3).overdue[1:]))),
            SOAK,
            Gates(),
            "brings CVE-1",
        ),
        (known(exposed=exposed(overdue(1), None)), SOAK, Gates(), "brings CVE-1"),
        (known(exposed={}), SOAK, Gates(), "what r2 is exposed to is not known"),
        (known(exposed={}), Gates(unknown_holds=False), Gates(), ""),
        (known(exposed=exposed(Exposed(unknown=("osv",)))), SOAK, Gates(), "what r2 is exposed to is not known"),
        (known(exposed=exposed(Exposed(unknown=("osv",)))), Gates(unknown_holds=False), Gates(), ""),
        (
            known(exposed=exposed(replace(overdue(1), unknown=("osv",)))),
            Gates(unknown_holds=False),
            Gates(),
            "brings CVE-1",
        ),
        # What no person and no time can mend.
        (known(revoked={R2: "CVE-9"}), Gates(), Gates(), "r2 is revoked"),
        (known(revoked={R1: "CVE-9"}), Gates(), Gates(), ""),
    ],
)
def test_planner_and_checker_draw_the_same_line(evidence: Evidence, gates: Gates, test: Gates, refusal: str) -> None:
    """What the one lets in the other does not refuse, and what the one holds the other refuses for the same reason."""
    pipeline, releases = stages(gates, test), (release(1), release(2), release(3))
    enter = PipelinePlan(at=NOW, entering=(Enter(environment=PROD, release=R2, skipped=()),))
    assert (judged(pipeline, PROD, release(2), evidence, NOW) is None) is (refusal == "")
    if refusal:
        with pytest.raises(UnsafePlan, match=refusal):
            check(enter, pipeline, releases, evidence, NOW)
    else:
        check(enter, pipeline, releases, evidence, NOW)


def test_the_checker_lets_nothing_go_back_nor_into_a_paused_environment() -> None:
    """Not the same release again either."""
    evidence = known()
    for number, words in ((1, "r1 is not newer than r1"), (2, "prod is paused")):
        standing = Standing(release=R1, paused_since=NOW if number == 2 else None)
        enter = PipelinePlan(at=NOW, entering=(Enter(environment=PROD, release=ReleaseNumber(number), skipped=()),))
        paused = replace(evidence, standings={**evidence.standings, PROD: standing})
        with pytest.raises(UnsafePlan, match=words):
            check(enter, stages(), (release(1), release(2)), paused, NOW)


def test_the_checker_counts_what_is_told() -> None:
    """One of an environment enters, and each release is told of once before each."""
    enter = Enter(environment=TEST, release=R3, skipped=(R2,))
    held = Held(environment=TEST, release=R2, rule=Rule.SOAK, detail="", since=NOW, until=None, remedy="")
    releases, evidence = (release(2), release(3)), situation(test=1, prod=1)
    check(
        PipelinePlan(at=NOW, entering=(enter,), held=(replace(held, environment=PROD),)),
        stages(),
        releases,
        evidence,
        NOW,
    )
    for plan_, words in (
        (
            PipelinePlan(at=NOW, entering=(enter, replace(enter, release=R2, skipped=()))),
            "two releases enter test at once",
        ),
        (PipelinePlan(at=NOW, entering=(enter,), held=(held,)), "r2 is told of twice before test"),
        (PipelinePlan(at=NOW, held=(held, held)), "r2 is told of twice before test"),
    ):
        with pytest.raises(UnsafePlan, match=words):
            check(plan_, stages(), releases, evidence, NOW)


def test_into_the_first_environment_goes_the_newest_of_all() -> None:
    """Whatever the order they are given in, and whether anything was ever seen there; the others are told of."""
    releases = (release(2), release(3), release(1))
    made = plan(stages(test=Gates(window=EARLY)), releases, Evidence(), NOW)
    assert [(one.environment, one.release, one.rule, one.since) for one in made.held] == [
        (TEST, number, Rule.FLAWS, release(number).created_at) for number in (3, 2, 1)
    ]
    made = plan(stages(), releases, Evidence(), NOW)
    assert made == PipelinePlan(at=NOW, entering=(Enter(environment=TEST, release=R3, skipped=(R1, R2)),))
    assert judged(stages(), TEST, release(1), Evidence(), NOW) is None


def test_who_enters_by_the_emergency_lane_is_told_with_the_reason() -> None:
    """And what test wants, though it has not carried it, is on its way to prod."""
    evidence = known(URGENT)
    [entering] = plan(stages(Gates(window=EARLY)), (release(2),), evidence, NOW).entering
    assert (entering.environment, entering.release, entering.emergency) == (PROD, R2, "orders are lost")
    wanted = known(standing=Standing(release=R2))
    made = plan(stages(), (release(2), release(3)), wanted, NOW)
    assert [(one.environment, one.release) for one in made.entering] == [(TEST, R3)]
    assert [(one.environment, one.release, one.rule) for one in made.held] == [(PROD, R2, Rule.CARRIED)]


def test_what_only_another_release_can_mend_is_told_first() -> None:
    """Of all that holds it."""
    everything = known(failed(PROD, 3), failed(TEST, 3), revoked={R2: "CVE-9"}, exposed={})
    rules = []
    for evidence in (everything, replace(everything, revoked={}), known(failed(TEST, 3), exposed={})):
        told = judged(stages(Gates(approvals=1, window=EARLY), SOAK), PROD, release(2), evidence, NOW)
        assert told is not None
        rules.append(told.rule)
    assert rules == [Rule.REVOKED, Rule.FAILED, Rule.CARRIED]
