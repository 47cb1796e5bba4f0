"""The pipeline: what never enters, and the one rule that holds what waits."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pipeline_cases import CLEAN, PEOPLE, PROD, TEST, Case, cases, numbers, release, situation, two

from repave.model.evidence import (
    Approval,
    Evidence,
    Exposed,
    Failed,
    Overdue,
    Record,
    Request,
    RolledBack,
    Soaked,
    Standing,
    Waiver,
)
from repave.model.gates import DAYS, Freeze, Gates, Window
from repave.model.names import PersonName, ReleaseNumber
from repave.model.pipeline import Enter, Held, PipelinePlan, Rule, Stage
from repave.planner.check import UnsafePlan
from repave.planner.pipeline.checking import check
from repave.planner.pipeline.planning import judged, plan
from repave.planner.pipeline.windows import ALWAYS, Calendar

NOW = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
"""A Wednesday."""

HOUR = timedelta(hours=1)
OFFICE = Window(days=("Mon", "Tue", "Wed", "Thu", "Fri"), start="09:00", end="16:00", zone="Europe/Prague")
R1, R2 = ReleaseNumber(1), ReleaseNumber(2)


def rule(pipeline: tuple[Stage, ...], evidence: Evidence, number: int = 2, now: datetime = NOW) -> Rule | None:
    """By which the release is held before prod."""
    held = judged(pipeline, PROD, release(number), evidence, now)
    return held.rule if held else None


def approval(person: str, *, hours: float = 1, number: int = 2) -> Approval:
    """Given so long ago."""
    return Approval(
        environment=PROD,
        release=ReleaseNumber(number),
        person=PersonName(person),
        reason="tried by hand",
        at=NOW - hours * HOUR,
    )


@given(cases())
def test_no_plan_breaks_a_promise(case: Case) -> None:
    """Whatever is known, and at whatever time: the checker shares no code with the planner."""
    pipeline, evidence, now = case
    releases = [release(number) for number in range(1, 6)]
    made = plan(pipeline, releases, evidence, now)
    check(made, pipeline, releases, evidence, now)
    assert made == plan(pipeline, releases[::-1], evidence, now)


@given(cases())
def test_each_release_on_its_way_enters_is_skipped_or_waits_for_one_rule(case: Case) -> None:
    """None is forgotten, and what waits says since when, and never until a time that is over."""
    pipeline, evidence, now = case
    releases = [release(number) for number in range(1, 6)]
    made = plan(pipeline, releases, evidence, now)
    for index, stage in enumerate(pipeline):
        here = evidence.standings[stage.environment].release or 0
        before = evidence.standings[pipeline[index - 1].environment] if index else None
        reached = {*before.proven, before.release} if before else {one.number for one in releases}
        told = [one.release for one in made.held if one.environment == stage.environment]
        for enter in (one for one in made.entering if one.environment == stage.environment):
            told += [enter.release, *enter.skipped]
        assert sorted(told) == sorted(number for number in reached if number and number > here)
    assert all(one.detail and one.since <= now for one in made.held)
    assert all(one.until is None or one.until > now for one in made.held if one.rule is Rule.WINDOW)


@given(cases(), st.integers(0, 10))
def test_the_checker_finds_what_enters_against_a_rule(case: Case, which: int) -> None:
    """Each release that waits is let in all the same: no promise is only the planner's own."""
    pipeline, evidence, now = case
    releases = [release(number) for number in range(1, 6)]
    made = plan(pipeline, releases, evidence, now)
    if not made.held:
        return
    held = made.held[which % len(made.held)]
    with pytest.raises(UnsafePlan, match="would break a promise"):
        check(let_in(held), pipeline, releases, evidence, now)


@given(cases(), numbers)
def test_what_a_person_names_enters_by_the_same_promises(case: Case, number: ReleaseNumber) -> None:
    """Whatever is on its way beside it."""
    pipeline, evidence, now = case
    for stage in pipeline:
        newer = number > (evidence.standings[stage.environment].release or 0)
        if newer and judged(pipeline, stage.environment, release(number), evidence, now) is None:
            enter = Enter(environment=stage.environment, release=number, skipped=())
            check(PipelinePlan(at=now, entering=(enter,)), pipeline, (release(number),), evidence, now)


clocks = st.times().map(lambda time: f"{time:%H}:{time.minute // 10}0")
moved = st.sampled_from([datetime(2026, 3, 29, 1, tzinfo=UTC), datetime(2026, 10, 25, 1, tzinfo=UTC)])


@given(moved, st.integers(-1500, 1500), clocks, clocks, st.sampled_from([DAYS, ("Sat",), ("Sun",)]))
@example(datetime(2026, 3, 29, 1, tzinfo=UTC), 10, "22:00", "02:30", ("Sat",))
@example(datetime(2026, 10, 25, 1, tzinfo=UTC), 10, "02:30", "06:00", ("Sun",))
def test_in_the_nights_when_clocks_change_the_checker_opens_when_the_planner_does(
    moment: datetime, minutes: int, start: str, end: str, days: tuple[str, ...]
) -> None:
    """An hour that is left out or comes twice is none on which they part."""
    pipeline = two(Gates(window=Window(days=days, start=start, end=end, zone="Europe/Prague")))
    evidence, now = situation(test=2, prod=1), moment + timedelta(minutes=minutes)
    standing = replace(evidence.standings[TEST], proven={R2: now - HOUR})
    evidence = replace(evidence, standings={**evidence.standings, TEST: standing})
    made = plan(pipeline, (release(2),), evidence, now)
    check(made, pipeline, (release(2),), evidence, now)
    for held in made.held:
        assert held.rule is Rule.WINDOW
        with pytest.raises(UnsafePlan, match="prod is closed at"):
            check(let_in(held), pipeline, (release(2),), evidence, now)


def let_in(held: Held) -> PipelinePlan:
    """A plan that does not care."""
    return PipelinePlan(
        at=NOW, entering=(Enter(environment=held.environment, release=held.release, skipped=()),), held=()
    )


def test_a_release_goes_on_when_the_environment_before_carries_it() -> None:
    """And not before; one that failed there since is not carried."""
    assert rule(two(), situation(test=2, prod=1)) is None
    assert rule(two(), situation(test=2, prod=1, proven=())) is Rule.CARRIED
    failed = Failed(environment=TEST, release=R2, at=NOW, detail="it crashed")
    assert rule(two(), situation(failed, test=2, prod=1)) is Rule.CARRIED


def test_the_newest_good_release_goes_on_and_those_before_it_are_told() -> None:
    """Several are in flight; a bad one does not hold the one before it."""
    evidence = situation(test=4, prod=1, proven=(2, 3, 4))
    releases = [release(number) for number in (1, 2, 3, 4)]
    made = plan(two(), releases, evidence, NOW)
    assert [(one.environment, one.release, one.skipped) for one in made.entering] == [(PROD, 4, (2, 3))]
    bad = replace(evidence, revoked={ReleaseNumber(4): "CVE-1"})
    made = plan(two(), releases, bad, NOW)
    assert [(one.release, one.skipped) for one in made.entering] == [(3, (2,))]
    assert [(one.release, one.rule) for one in made.held] == [(4, Rule.REVOKED)]


@pytest.mark.parametrize(
    ("record", "held"),
    [
        (Failed(environment=PROD, release=R2, at=NOW - HOUR, detail="it crashed"), Rule.FAILED),
        (RolledBack(environment=PROD, release=R2, at=NOW - HOUR), Rule.ROLLED_BACK),
        (RolledBack(environment=PROD, release=R1, at=NOW - HOUR), None),
        (RolledBack(environment=TEST, release=R2, at=NOW - HOUR), None),
    ],
)
def test_what_failed_or_was_rolled_back_from_comes_again_only_when_it_is_named(
    record: Record, held: Rule | None
) -> None:
    """A person's word counts after it, not before it; a newer release is free."""
    assert rule(two(), situation(record, test=2, prod=1)) is held
    named = Request(environment=PROD, release=R2, at=NOW)
    assert rule(two(), situation(record, named, test=2, prod=1)) is None
    early = replace(named, at=NOW - 2 * HOUR)
    assert rule(two(), situation(early, record, test=2, prod=1)) is held


def test_a_soak_counts_what_was_observed_only() -> None:
    """Until it was seen last, not until now."""
    pipeline = two(test=Gates(soak_seconds=7200))
    standing = Standing(release=R2, proven={R2: NOW - 3 * HOUR}, seen_at=NOW, well_since=NOW - 1.5 * HOUR)
    evidence = situation(test=2, prod=1)
    early = replace(evidence, standings={**evidence.standings, TEST: standing})
    held = judged(pipeline, PROD, release(2), early, NOW)
    assert held is not None
    assert (held.rule, held.since, held.until) == (Rule.SOAK, NOW - 1.5 * HOUR, NOW + 0.5 * HOUR)
    long = replace(standing, well_since=NOW - 2 * HOUR)
    assert rule(pipeline, replace(early, standings={**early.standings, TEST: long})) is None
    unseen = replace(long, seen_at=NOW - HOUR)
    assert rule(pipeline, replace(early, standings={**early.standings, TEST: unseen})) is Rule.SOAK
    sick = replace(standing, well_since=None)
    assert rule(pipeline, replace(early, standings={**early.standings, TEST: sick})) is Rule.SOAK


def test_a_soak_that_ended_well_holds_for_later() -> None:
    """The environment before may go on with the next release meanwhile; a failure there makes it worthless."""
    pipeline = two(test=Gates(soak_seconds=7200))
    soaked = Soaked(environment=TEST, release=R2, since=NOW - 4 * HOUR, at=NOW - 2 * HOUR)
    evidence = situation(soaked, test=3, prod=1, proven=(2, 3))
    assert rule(pipeline, evidence) is None
    assert rule(pipeline, evidence, 3) is Rule.SOAK
    failed = Failed(environment=TEST, release=R2, at=NOW - HOUR, detail="it crashed")
    again = Standing(release=R2, proven={R2: NOW}, seen_at=NOW, well_since=NOW)
    standings = {**evidence.standings, TEST: again}
    assert rule(pipeline, replace(evidence, standings=standings, records=(soaked, failed))) is Rule.SOAK


def test_people_agree_and_the_author_is_none_of_them() -> None:
    """Twice the same person is one; one more where nobody knows whose it is."""
    pipeline, evidence = two(Gates(approvals=2)), situation(test=2, prod=1)

    def after(*records: Record) -> Rule | None:
        return rule(pipeline, replace(evidence, records=records))

    assert after(approval("ana")) is Rule.APPROVALS
    assert after(approval("ana"), approval("ana", hours=2)) is Rule.APPROVALS
    assert after(approval("ana"), approval("bob")) is None
    assert after(approval("ana"), approval("bob", number=1)) is Rule.APPROVALS
    assert after(approval("ana"), approval("eve")) is Rule.APPROVALS
    unknown = replace(evidence, authors={}, records=(approval("ana"), approval("bob")))
    assert rule(pipeline, unknown) is Rule.APPROVALS
    assert rule(pipeline, replace(unknown, records=(*unknown.records, approval("eve")))) is None
    assert PEOPLE == ("ana", "bob", "eve")


def test_approvals_expire_and_a_new_failure_withdraws_them() -> None:
    """Who agreed knew nothing of it."""
    pipeline, evidence = two(Gates(approvals=1, approval_seconds=7200)), situation(test=2, prod=1)
    old = replace(evidence, records=(approval("ana", hours=2),))
    assert rule(pipeline, old) is Rule.APPROVALS
    assert rule(pipeline, old, now=NOW - timedelta(seconds=1)) is None
    proven = {R2: NOW - timedelta(minutes=10)}
    again = Standing(release=R2, proven=proven, seen_at=NOW, well_since=NOW - timedelta(minutes=10))
    failed = Failed(environment=TEST, release=R2, at=NOW - 0.5 * HOUR, detail="it crashed")
    later = replace(evidence, standings={**evidence.standings, TEST: again}, records=(approval("ana"), failed))
    held = judged(pipeline, PROD, release(2), later, NOW)
    assert held is not None
    assert (held.rule, held.since) == (Rule.APPROVALS, failed.at)
    assert rule(pipeline, replace(later, records=(failed, approval("ana", hours=0.1)))) is None


def test_nothing_enters_with_a_flaw_past_its_deadline() -> None:
    """A waiver ends; what cannot be read is unknown; what cures most of what runs is let in."""
    pipeline, evidence = two(Gates(window=ALWAYS)), situation(test=2, prod=1)
    overdue = (Overdue(flaw="CVE-1", due=NOW - HOUR),)

    def with_flaws(ours: Exposed, theirs: Exposed = CLEAN, *records: Record) -> Rule | None:
        exposed = {(PROD, R2): ours, (PROD, R1): theirs}
        return rule(pipeline, replace(evidence, exposed=exposed, records=records))

    assert with_flaws(Exposed(overdue=overdue)) is Rule.FLAWS
    assert with_flaws(Exposed(unknown=("osv could not be read",))) is Rule.FLAWS
    assert rule(pipeline, replace(evidence, exposed={})) is Rule.FLAWS
    assert rule(two(Gates(unknown_holds=False)), replace(evidence, exposed={})) is None
    assert rule(two(), replace(evidence, exposed={})) is None
    waiver = Waiver(flaw="CVE-1", person=PersonName("ana"), reason="not reached", at=NOW - HOUR, until=NOW + HOUR)
    assert with_flaws(Exposed(overdue=overdue), CLEAN, waiver) is None
    assert with_flaws(Exposed(overdue=overdue), CLEAN, replace(waiver, until=NOW)) is Rule.FLAWS
    assert with_flaws(Exposed(overdue=overdue), Exposed(overdue=overdue)) is Rule.FLAWS
    more = (*overdue, Overdue(flaw="CVE-2", due=NOW - HOUR))
    assert with_flaws(Exposed(overdue=overdue), Exposed(overdue=more)) is None
    waived = replace(waiver, flaw="CVE-2")
    assert with_flaws(Exposed(overdue=overdue), Exposed(overdue=more), waived) is Rule.FLAWS
    mended = replace(evidence, exposed={(PROD, R2): Exposed(overdue=overdue), (PROD, R1): Exposed(overdue=more)})
    enter = PipelinePlan(at=NOW, entering=(Enter(environment=PROD, release=R2, skipped=()),))
    check(enter, pipeline, (release(2),), mended, NOW)
    with pytest.raises(UnsafePlan, match="brings CVE-1 into prod"):
        check(enter, pipeline, (release(2),), replace(mended, records=(waived,)), NOW)


def test_an_emergency_shortens_soaks_and_passes_windows_and_nothing_else() -> None:
    """It is a person's word with a reason; approvals and flaws hold as ever."""
    gates = Gates(approvals=1, window=replace(OFFICE, days=("Sun",)))
    pipeline = two(gates, test=Gates(soak_seconds=36000))
    evidence = situation(approval("ana"), test=2, prod=1)
    assert rule(pipeline, evidence) is Rule.SOAK
    urgent = Request(environment=PROD, release=R2, at=NOW, emergency="orders are lost")
    hurried = replace(evidence, records=(*evidence.records, urgent))
    assert rule(pipeline, hurried) is None
    assert rule(pipeline, replace(hurried, records=(urgent,))) is Rule.APPROVALS
    short = Standing(release=R2, proven={R2: NOW - 2 * HOUR}, seen_at=NOW, well_since=NOW - 0.9 * HOUR)
    assert rule(pipeline, replace(hurried, standings={**evidence.standings, TEST: short})) is Rule.SOAK


def test_a_paused_environment_takes_nothing() -> None:
    """Since when it is paused."""
    evidence = situation(test=2, prod=1)
    paused = Standing(release=R1, paused_since=NOW - HOUR)
    held = judged(two(), PROD, release(2), replace(evidence, standings={**evidence.standings, PROD: paused}), NOW)
    assert held is not None
    assert (held.rule, held.since) == (Rule.PAUSED, NOW - HOUR)


@pytest.mark.parametrize(
    ("gates", "moment", "opens"),
    [
        (Gates(window=OFFICE), "2026-03-04T12:00Z", None),
        (Gates(window=OFFICE), "2026-03-04T15:00Z", "2026-03-05T08:00Z"),
        (Gates(window=OFFICE), "2026-03-06T16:00Z", "2026-03-09T08:00Z"),
        # Prague's summer time begins on 29 March: nine o'clock comes an hour earlier by UTC.
        (Gates(window=OFFICE), "2026-03-27T16:00Z", "2026-03-30T07:00Z"),
        (Gates(window=replace(OFFICE, days=DAYS, start="22:00", end="02:00")), "2026-03-04T00:30Z", None),
        (Gates(window=replace(OFFICE, days=("Sat",), start="22:00", end="02:00")), "2026-03-08T00:30Z", None),
        (Gates(freezes=(Freeze(first="2026-03-01", last="2026-03-10"),)), "2026-03-04T12:00Z", "2026-03-11T00:00Z"),
        (
            Gates(window=OFFICE, freezes=(Freeze(first="2026-03-05", last="2026-03-08"),)),
            "2026-03-04T15:00Z",
            "2026-03-09T08:00Z",
        ),
        (Gates(freezes=(Freeze(first="2026-03-01", last="2099-12-31"),)), "2026-03-04T12:00Z", "never"),
    ],
)
def test_windows_are_of_their_own_time_zone(gates: Gates, moment: str, opens: str | None) -> None:
    """Open, or closed until then: over weekends, nights, changes of the clock and frozen days."""
    calendar, at = Calendar(gates=gates), datetime.fromisoformat(moment)
    assert calendar.open_at(at) is (opens is None)
    if opens:
        expected = None if opens == "never" else datetime.fromisoformat(opens)
        assert calendar.opens_after(at) == expected


def test_holidays_close_a_window() -> None:
    """By the days of its own zone."""
    calendar = Calendar(gates=Gates(window=OFFICE), holidays={date(2026, 3, 4), date(2026, 3, 5)})
    assert calendar.opens_after(NOW) == datetime(2026, 3, 6, 8, tzinfo=UTC)


@given(st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC)), st.sampled_from(range(8)))  # noqa: DTZ001 - the zone is given beside
def test_what_is_foretold_is_the_first_open_time(moment: datetime, night: int) -> None:
    """It is open then, and at no whole hour before."""
    window = replace(OFFICE, start="18:00", end=f"{night + 1:02}:00")
    calendar = Calendar(gates=Gates(window=window, freezes=(Freeze(first="2026-06-01", last="2026-06-20"),)))
    opens = calendar.opens_after(moment)
    assert opens is not None
    assert calendar.open_at(opens)
    if not calendar.open_at(moment):
        hours = int((opens - moment) / HOUR)
        assert not any(calendar.open_at(moment + HOUR * passed) for passed in range(hours))
