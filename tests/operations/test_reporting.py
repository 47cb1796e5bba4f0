"""The auditor's report: every server once, what is broken is said to be, and what is not known is never good."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from chooser import Chooser, choosers
from hypothesis import given
from hypothesis import strategies as st
from reported import BEGIN, DAY, YEAR, artifact, dismissing, flaw, limited, on, scan, server, stranger, year

from repave.cli.formats.audit.page import page
from repave.model.exposure import Flaw
from repave.model.finding import Severity
from repave.model.names import FleetName
from repave.operations.reporting.audit import Audit, audited
from repave.operations.reporting.facts import Facts, Manual
from repave.operations.reporting.judging import Rule, Verdict
from repave.ports.history import Lifetime

MONTHLY = tuple(scan(day, 1, 2) for day in range(0, 366, 30))
"""Often enough for any rule."""


def rule(facts: Facts, key: str) -> Rule:
    """How one rule stood."""
    return next(one for one in audited(facts).rules if one.key == key)


def verdicts(audit: Audit) -> dict[str, Verdict]:
    """Of every rule."""
    return {one.key: one.verdict for one in audit.rules}


def examined(facts: Facts, life: Lifetime) -> datetime:
    """When what it ran was examined whole for the last time; long ago, where it never was."""
    found = [one.at for one in facts.scans if one.whole and artifact(life.release) in one.artifacts]
    return max(found, default=on(-1000))


def estates() -> st.SearchStrategy[Facts]:
    """Servers of two releases that come, are seen, and go; some that no record explains."""
    return choosers(132).map(estate_of)


def estate_of(chooser: Chooser) -> Facts:
    """The estate of these choices."""
    lives = [life_of(row, number) for number, row in enumerate(chooser.rows(8, 10))]
    looks = sorted((row.number(0, 364), row.of((False, True))) for row in chooser.rows(6, 3))
    scans = tuple(scan(day, 1, 2, whole=whole) for day, whole in looks)
    flaws = [(row.number(0, 364), row.of(range(61))) for row in chooser.rows(4, 3)]
    known = tuple(flaw(f"CVE-2026-000{n}", day, day + late) for n, (day, late) in enumerate(flaws))
    return limited(year(*lives, scans=scans, r1=known), critical_days=chooser.of((None, 7)))


def life_of(chooser: Chooser, number: int) -> Lifetime:
    """Any server."""
    born = chooser.number(-40, 360)
    ended = chooser.of((None, chooser.number(max(born, 0) + 1, 364)))
    seen = chooser.of((None, chooser.number(max(born, 0) + 1, 365)))
    release = chooser.of((1, 2))
    life = server(number, born, ended, release=release, seen=None if ended is not None else seen)
    return chooser.of((life, stranger(number, born)))


@given(estates())
def test_each_server_that_lived_in_the_time_stands_there_once(facts: Facts) -> None:
    """Those first that no record explains; what is counted of fleets and artifacts adds up to the same."""
    audit = audited(facts)
    assert sorted(one.instance for one in audit.servers) == sorted(life.instance for life in facts.lifetimes)
    explained = [one.explained for one in audit.servers]
    assert explained == sorted(explained)
    assert sum(one.servers for one in audit.ran) == len(audit.servers)
    assert sum(one.at_start + one.born for one in audit.fleets) == len(audit.servers)
    assert sum(one.ended + one.at_end for one in audit.fleets) == len(audit.servers)


@given(estates())
def test_no_rule_is_held_that_the_data_break_or_do_not_show(facts: Facts) -> None:
    """By a plain look at the same facts, written anew."""
    found = verdicts(audited(facts))
    ages = [(life.gone_at or facts.until) - life.first_seen for life in facts.lifetimes]
    seen = [life.last_seen - life.first_seen for life in facts.lifetimes]
    if any(age > timedelta(days=90) for age in ages):
        assert found["age"] is not Verdict.HELD
    assert (found["age"] is Verdict.BROKEN) == any(age > timedelta(days=90) for age in seen)
    strange = any((life.fleet, life.revision) not in facts.made for life in facts.lifetimes)
    assert (found["explained"] is Verdict.BROKEN) == strange
    stale = any((life.gone_at or facts.until) - examined(facts, life) > 30 * DAY for life in facts.lifetimes)
    if strange or stale or not facts.lifetimes:
        assert found["critical-patches"] is not Verdict.HELD
    if strange or not facts.lifetimes or not any(one.whole for one in facts.scans):
        assert found["scans"] is not Verdict.HELD
    for life in facts.lifetimes:
        for known in facts.flaws.get(artifact(life.release), ()) if life.revision != "nobody-knows" else ():
            late = life.last_seen - (known.fixable_at or facts.until)
            assert late <= 30 * DAY or found["critical-patches"] is Verdict.BROKEN


@given(estates())
def test_pictures_show_the_servers_that_were_there(facts: Facts) -> None:
    """At each moment as many as the lifetimes say, and never more exposed than lived since the sample before."""
    for sample in audited(facts).samples:
        there = [
            life
            for life in facts.lifetimes
            if life.first_seen <= sample.at and (life.gone_at is None or sample.at < life.gone_at)
        ]
        assert sample.servers == len(there)
        oldest = max(((sample.at - life.first_seen).total_seconds() for life in there), default=None)
        assert sample.oldest_seconds == oldest
        assert sample.critical <= len(facts.lifetimes)


@given(estates())
def test_exposure_adds_up_to_what_the_servers_say(facts: Facts) -> None:
    """How many had each flaw, since when, and for how long in all: by adding the servers one by one."""
    ran = [life for life in facts.lifetimes if life.release == 1 and (life.fleet, life.revision) in facts.made]
    told = {one.advisory: one for one in audited(facts).flaws}
    for known in facts.flaws.get(artifact(1), ()):
        exposed = [life for life in ran if (life.gone_at or facts.until) > known.published_at]
        assert (known.advisory in told) == bool(exposed)
        if exposed:
            one = told[known.advisory]
            starts = [max(life.first_seen, known.published_at) for life in exposed]
            ends = [life.gone_at or facts.until for life in exposed]
            days = sum((end - max(start, facts.since)) / DAY for start, end in zip(starts, ends, strict=True))
            assert (one.servers, one.since, one.ended_at or facts.until) == (len(exposed), min(starts), max(ends))
            assert one.server_days == pytest.approx(days)


def test_a_quiet_year_holds_every_rule() -> None:
    """Replaced in time, examined often, without a flaw that stays."""
    lives = [server(number, 60 * number, 60 * (number + 1) + 1) for number in range(6)]
    audit = audited(limited(year(*lives, server(9, 330), scans=MONTHLY), days=90, critical_days=7))
    assert audit.verdict is Verdict.HELD
    assert set(verdicts(audit)) == {"explained", "age", "critical-patches", "scans", "deadlines"}
    assert audit.unseen == ()


def test_nothing_observed_shows_nothing() -> None:
    """An empty estate is no evidence of a good one."""
    audit = audited(year())
    assert set(verdicts(audit).values()) == {Verdict.UNKNOWN}


@pytest.mark.parametrize(
    ("life", "limit", "verdict"),
    [
        (server(1, 0, 89), None, Verdict.HELD),
        (server(1, 0, 91), None, Verdict.BROKEN),
        (server(1, 0, 91), 120, Verdict.HELD),
        (server(1, 0, 50), 45, Verdict.BROKEN),
        (server(1, 300, seen=330), None, Verdict.HELD),
        (server(1, 250, seen=330), None, Verdict.UNKNOWN),
        (server(1, 0, 95, seen=80), None, Verdict.UNKNOWN),
        (server(1, 0, 60)._replace(launched_at=None), None, Verdict.UNKNOWN),
    ],
)
def test_the_age_that_was_seen_is_what_counts(life: Lifetime, limit: float | None, verdict: Verdict) -> None:
    """What may have become too old unseen is neither good nor bad; 90 days where the project declares nothing."""
    judged = rule(limited(year(life, scans=MONTHLY), days=limit), "age")
    assert judged.verdict is verdict
    assert judged.clauses == (), "no standard asks for an age"
    assert "own policy" in judged.source


@pytest.mark.parametrize(
    ("days", "words"), [(None, "90 days"), (0.5, "12 hours"), (1, "24 hours"), (30, "30 days"), (1 / 96, "15 minutes")]
)
def test_the_age_that_is_allowed_is_told_as_it_is_declared(days: float | None, words: str) -> None:
    """In the title and in each case; together with ours, where a fleet declares none."""
    other = server(2, 0, 1)
    other = other._replace(fleet=replace(other.fleet, fleet=FleetName("jobs")))
    facts = limited(year(server(1, 0, 91)), days=days)
    judged = rule(facts, "age")
    assert judged.title == f"No server is older than {words}"
    assert judged.breaches[0].endswith(f"; {words} are allowed")
    both = rule(replace(facts, lifetimes=(*facts.lifetimes, other)), "age").title
    assert both == (f"No server is older than its fleet may become ({words}, 90 days)" if days else judged.title)


@pytest.mark.parametrize(
    ("known", "ended", "verdict"),
    [
        (flaw("CVE-1", 10), 40, Verdict.HELD),
        (flaw("CVE-1", 10), 41, Verdict.BROKEN),
        (flaw("CVE-1", 10, 30), 61, Verdict.BROKEN),
        (flaw("CVE-1", 10, 30), 55, Verdict.UNKNOWN),
        (flaw("CVE-1", 10, severity=Severity.HIGH), 80, Verdict.HELD),
    ],
)
def test_a_repair_of_a_critical_flaw_has_thirty_days(known: Flaw, ended: float, verdict: Verdict) -> None:
    """From when it came out, which is after the publication and before a scan found it."""
    judged = rule(year(server(1, 0, ended), scans=MONTHLY, r1=(known,)), "critical-patches")
    assert judged.verdict is verdict
    assert ("PCI DSS v4.0.1", "6.3.3") in {(clause.standard, clause.number) for clause in judged.clauses}


def test_what_was_never_examined_is_not_clean() -> None:
    """Neither is what an examination could not judge whole."""
    facts = year(server(1, 0, 60), scans=(scan(5, 1, whole=False, problem="no answer"),))
    audit = audited(facts)
    assert verdicts(audit)["critical-patches"] is Verdict.UNKNOWN
    assert verdicts(audit)["scans"] is Verdict.UNKNOWN, "it ran for less than a quarter, yet nothing shows one"
    assert rule(limited(facts, critical_days=7), "deadlines").verdict is Verdict.UNKNOWN
    assert audit.servers[0].critical is None
    assert [(one.name, one.failed, one.problem) for one in audit.sources] == [("the tracker", 1, "no answer")]
    assert audit.sources[0].as_of == on(4)


@pytest.mark.parametrize(
    ("days", "verdict"),
    [((0, 90, 180, 270, 360), Verdict.HELD), ((0, 90, 200, 290), Verdict.BROKEN), ((), Verdict.UNKNOWN)],
)
def test_what_runs_is_examined_every_quarter(days: tuple[int, ...], verdict: Verdict) -> None:
    """A gap is one from one examination to the next; where none is on record at all, nothing can be shown."""
    facts = year(server(1, 0), scans=tuple(scan(day, 1) for day in days))
    assert rule(facts, "scans").verdict is verdict


@pytest.mark.parametrize(
    ("days", "verdict"),
    [((200, 290), Verdict.HELD), ((200,), Verdict.BROKEN), ((285,), Verdict.BROKEN), ((), Verdict.BROKEN)],
)
def test_a_gap_counts_from_before_the_time(days: tuple[int, ...], verdict: Verdict) -> None:
    """What ran before the time had no examination to wait for: the quarter does not begin anew with the report."""
    scans = (*(scan(day, 1) for day in days), scan(290, 2))
    facts = replace(year(server(1, 0), server(2, 290, release=2), scans=scans), since=on(280))
    assert rule(facts, "scans").verdict is verdict


@pytest.mark.parametrize(
    ("day", "month", "week"), [(83, "held", "held"), (60, "held", "not shown"), (1, *["not shown"] * 2)]
)
def test_what_came_out_after_the_last_examination_is_not_known(day: int, month: str, week: str) -> None:
    """A repair may have been due before the server was gone on day 89: by the clauses, and by the fleet's own week."""
    facts = limited(year(server(1, 0, 89), scans=(scan(day, 1),)), critical_days=7)
    assert (rule(facts, "critical-patches").verdict, rule(facts, "deadlines").verdict) == (month, week)
    assert day > 1 or "was examined last on 2026-01-02, and ran to 2026-03-31" in rule(facts, "deadlines").doubts[0]


def test_a_deadline_binds_the_fleets_that_declare_one() -> None:
    """Of another fleet nothing has to be shown; its servers are in the other rules."""
    other = server(2, 0, 60, release=2)
    other = other._replace(fleet=replace(other.fleet, fleet=FleetName("jobs")))
    facts = limited(year(server(1, 0, 60), other, scans=(scan(58, 1),)), critical_days=7)
    assert rule(facts, "deadlines").verdict is Verdict.HELD
    assert rule(facts, "critical-patches").verdict is Verdict.UNKNOWN


def test_the_same_record_makes_the_same_report() -> None:
    """Whatever the order in which fleets and words about flaws come out of the store."""
    other = server(2, 0, 70)
    other = other._replace(fleet=replace(other.fleet, fleet=FleetName("jobs")))
    words = dismissing(scan(5, 1), "CVE-9").dismissed
    scans = tuple(
        replace(scan(5, 1), dismissed=tuple(replace(word, source=source) for word in words))
        for source in ("a.json", "b.json", "c.json", "d.json")
    )
    facts = limited(year(server(1, 0, 60), other, scans=scans), critical_days=7)
    (limits,) = facts.limits.values()
    orders = [(one.fleet for one in lives) for lives in (facts.lifetimes, facts.lifetimes[::-1])]
    first, second = (audited(replace(facts, limits=dict.fromkeys(order, limits))) for order in orders)
    assert first == second
    assert [one.source for one in first.dismissed] == ["a.json", "b.json", "c.json", "d.json"]


def test_a_flaw_is_as_grave_as_it_was_ever_rated() -> None:
    """Also where what ran first was examined last before anybody had rated it."""
    unrated, rated = flaw("CVE-1", 10, severity=Severity.UNRATED), flaw("CVE-1", 10)
    lives = (server(1, 0, 20), server(2, 20, 60, release=2))
    facts = year(*lives, scans=MONTHLY, r1=(unrated,), r2=(rated,))
    assert [one.severity for one in audited(facts).flaws] == [Severity.CRITICAL]
    assert rule(facts, "critical-patches").verdict is Verdict.BROKEN


def test_servers_pictures_and_images_tell_what_the_list_of_flaws_tells() -> None:
    """Its severity and its first moment are the whole fleet's, also where an image was examined last before those."""
    early, late = flaw("CVE-1", 10), flaw("CVE-1", 15, severity=Severity.LOW)
    audit = audited(year(server(1, 0, 12), server(2, 11, 60, release=2), scans=MONTHLY, r1=(late,), r2=(early,)))
    assert [(one.severity, one.since, one.servers) for one in audit.flaws] == [(Severity.CRITICAL, on(10), 2)]
    assert [(one.critical, one.high, one.other) for one in audit.servers] == [(1, 0, 0)] * 2
    assert [one.flaws for one in audit.ran] == [(early,)] * 2
    assert [sample.critical for sample in audit.samples[9:14]] == [0, 1, 2, 1, 1]


def test_a_flaw_that_nobody_has_rated_is_called_so_and_counts_as_high() -> None:
    """It is among the grave ones in the rows, the pictures and the deadlines, and no critical one."""
    unrated = flaw("CVE-1", 10, severity=Severity.UNRATED)
    audit = audited(limited(year(server(1, 0, 60), scans=MONTHLY, r1=(unrated,)), high_days=30))
    assert [(one.severity, one.due_at, one.month) for one in audit.flaws] == [(Severity.UNRATED, on(40), None)]
    assert (audit.servers[0].critical, audit.servers[0].high, audit.servers[0].other) == (0, 1, 0)
    assert next(sample.at for sample in audit.samples if sample.high) == on(10)
    assert "<td>unrated</td>" in page(audit, "1")


def test_exposure_is_told_flaw_by_flaw() -> None:
    """From publication or birth to the last server, with how many had it and for how long in all."""
    lives = (server(1, 0, 20), server(2, 15, 25), server(3, 22, release=2))
    audit = audited(limited(year(*lives, scans=MONTHLY, r1=(flaw("CVE-1", 10),)), critical_days=7))
    (one,) = audit.flaws
    assert (one.advisory, one.since, one.ended_at, one.servers, one.living) == ("CVE-1", on(10), on(25), 2, 0)
    assert one.server_days == pytest.approx(20)
    assert (one.due_at, one.declared, one.month) == (on(17), Verdict.BROKEN, Verdict.HELD)
    assert verdicts(audit)["deadlines"] is Verdict.BROKEN
    assert next((sample.at, sample.critical) for sample in audit.samples if sample.critical) == (on(10), 1)
    assert (audit.servers[0].critical, audit.servers[2].critical) == (1, 0)


def test_the_hours_by_hand_are_the_words_of_who_states_them() -> None:
    """Replacements x minutes x people / 60; without a statement there is no sum."""
    lives = [server(number, 30 * number, 30 * (number + 1)) for number in range(4)]
    audit = audited(year(*lives, server(9, 120)))
    assert (audit.replaced, audit.labour) == (4, None)
    stated = audited(replace(year(*lives, server(9, 120)), manual=Manual(minutes_per_server=45, people=2)))
    assert stated.labour is not None
    assert stated.labour.hours == pytest.approx(6)


def test_what_was_not_looked_at_is_said() -> None:
    """A fleet that nobody watched to the end, a record that begins late, examinations that do not count."""
    facts = year(server(1, 10, seen=100), scans=(scan(20, 1, whole=False),))
    late = replace(facts, record=replace(facts.record, began_at=on(9)))
    said = " ".join(audited(late).unseen)
    assert "prod/web was looked at last on 2026-04-11" in said
    assert "Nothing is on record from before 2026-01-10" in said
    assert "do not count" in said


def test_what_was_dismissed_is_told_with_whose_word_it_is() -> None:
    """Once, however often it was left out; what was dismissed for what did not run is not."""
    scans = (*(dismissing(scan(day, 1), "CVE-9") for day in (5, 50)), dismissing(scan(5, 2), "CVE-8"))
    (one,) = audited(year(server(1, 0, 60), scans=scans)).dismissed
    assert (one.flaw, one.author, one.reason) == ("CVE-9", "eve", "never called")


def test_the_time_is_the_year() -> None:
    """A sample each day, the last at its end."""
    samples = audited(year(server(1, 0))).samples
    assert (len(samples), samples[0].at, samples[-1].at) == (366, BEGIN, on(YEAR))
