"""The rules of the report, each judged by what was observed."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from repave.model.finding import Severity
from repave.model.names import Digest, FleetKey
from repave.operations.reporting.exposures import MONTH, ExposedFlaw
from repave.operations.reporting.facts import Facts
from repave.operations.reporting.judging import Asked, Clause, Rule, Verdict, bounded, ruled, worst
from repave.operations.reporting.servers import Server

DAY = timedelta(days=1)
MOST_AGE = timedelta(days=90)
"""Our own rule, where the project declares none: no standard names an age."""

QUARTER = timedelta(days=92)
"""PCI DSS counts three months as 90 to 92 days, or as the same day of each third month: the longest of these."""

PCI, CIS, ISO = "PCI DSS v4.0.1", "CIS Controls v8.1", "ISO/IEC 27001:2022"

NOTHING = "no server was observed in this time"


def rules(facts: Facts, servers: Sequence[Server], flaws: Sequence[ExposedFlaw]) -> tuple[Rule, ...]:
    """In the order of the first page."""
    judged = (
        _explained(servers),
        _age(facts, servers),
        _critical_patches(facts, servers, flaws),
        _scans(facts, servers),
        _deadlines(facts, flaws),
    )
    return tuple(rule for rule in judged if rule is not None)


def _clauses(numbers: Mapping[str, Sequence[str]]) -> tuple[Clause, ...]:
    return tuple(Clause(standard=standard, number=number) for standard, each in numbers.items() for number in each)


def _explained(servers: Sequence[Server]) -> Rule:
    strangers = [
        f"{one.slot} ({one.instance}) of {one.environment}/{one.fleet}, first seen {_day(one.first_seen)}: no record "
        "here explains what it runs"
        for one in servers
        if not one.explained
    ]
    asked = Asked(
        key="explained",
        title="Every server that ran is explained by the record",
        source="own policy; it supports the inventories that the clauses ask for",
        clauses=_clauses({PCI: ("12.5.1",), CIS: ("1.1", "2.1"), ISO: ("A.5.9",)}),
    )
    held = f"Servers observed: {len(servers)}. Each ran what a release on record is made of."
    return ruled(asked, breaches=strangers, doubts=() if servers else (NOTHING,), held=held)


def _age(facts: Facts, servers: Sequence[Server]) -> Rule:
    limits = {key: most_age(facts, key) for key in {life.fleet for life in facts.lifetimes}}
    by_place = {(key.environment, key.fleet): limit for key, limit in limits.items()}
    breaches, doubts = [], []
    for one in servers:
        limit = by_place[one.environment, one.fleet]
        named = f"{one.slot} of {one.environment}/{one.fleet}"
        match bounded(one.age_seconds, one.age_at_most_seconds, limit.total_seconds()):
            case Verdict.BROKEN:
                breaches.append(f"{named} was seen at the age of {_days(one.age_seconds)}; {limit.days} d are allowed")
            case Verdict.UNKNOWN:
                doubts.append(
                    f"{named} was seen last on {_day(one.last_seen)}, {_days(one.age_seconds)} old; it may have lived "
                    f"to {_days(one.age_at_most_seconds)}"
                )
            case Verdict.HELD if not one.born_known:
                doubts.append(f"{named} was there when it was first seen on {_day(one.first_seen)}; it may be older")
            case _:
                pass
    declared = {limit for key, limit in limits.items() if _declares_age(facts, key)}
    words = ", ".join(f"{limit.days}" for limit in sorted(declared or {MOST_AGE}))
    oldest = max((one.age_at_most_seconds for one in servers), default=0.0)
    asked = Asked(
        key="age",
        title=f"No server is older than {words} days",
        source=f"own policy{', `policy.hard_max_age`' if declared else ''}; no standard asks for it",
    )
    held = f"Servers observed: {len(servers)}. The oldest became {_days(oldest)} old."
    return ruled(asked, breaches=breaches, doubts=doubts if servers else (NOTHING,), held=held)


def _declares_age(facts: Facts, fleet: FleetKey) -> bool:
    limits = facts.limits.get(fleet)
    return limits is not None and limits.age.hard_seconds is not None


def most_age(facts: Facts, fleet: FleetKey) -> timedelta:
    """How old a server of the fleet may become."""
    limits = facts.limits.get(fleet)
    seconds = limits.age.hard_seconds if limits else None
    return MOST_AGE if seconds is None else timedelta(seconds=seconds)


def _critical_patches(facts: Facts, servers: Sequence[Server], flaws: Sequence[ExposedFlaw]) -> Rule:
    critical = [one for one in flaws if one.severity is Severity.CRITICAL]
    breaches = [f"{_told(one)}: {_lasted(one)}" for one in critical if one.month is Verdict.BROKEN]
    doubts = [
        f"{_told(one)}: published {_day(one.published_at)}, its repair was first found here "
        f"{_day(one.fixable_at)}, it was seen last {_day(one.last_seen)}; when the repair came out is not known"
        for one in critical
        if one.month is Verdict.UNKNOWN and one.fixable_at is not None
    ]
    doubts += _unexamined(facts, servers)
    unrepaired = sum(one.month is None for one in critical)
    asked = Asked(
        key="critical-patches",
        title=f"Repairs of critical flaws run everywhere within {MONTH.days} days",
        source="the clauses; 30 days is the shortest month",
        clauses=_clauses({PCI: ("6.3.3",), CIS: ("7.3", "7.4", "7.7"), ISO: ("A.8.8",)}),
    )
    without = f" Critical flaws without a known repair: {unrepaired}." if unrepaired else ""
    held = f"Critical flaws with a repair that ran: {len(critical) - unrepaired}, none for longer.{without}"
    return ruled(asked, breaches=breaches, doubts=doubts if servers else (NOTHING,), held=held)


def _unexamined(facts: Facts, servers: Sequence[Server]) -> Iterator[str]:
    """What was never examined by sources that could all be read may hold anything."""
    strangers = sum(not one.explained for one in servers)
    if strangers:
        yield f"servers of which no record says what they hold: {strangers}"
    ran = Counter(one.artifact for one in servers if one.artifact is not None)
    for artifact, count in ran.items():
        if artifact not in facts.examined:
            yield f"{artifact} was never examined whole (servers that ran it: {count})"


def _told(one: ExposedFlaw) -> str:
    waived = f" (waived by {', '.join(one.waived_by)})" if one.waived_by else ""
    return f"{one.advisory} in {one.environment}/{one.fleet}{waived}"


def _lasted(one: ExposedFlaw) -> str:
    still = "still runs" if one.ended_at is None else f"gone {_day(one.ended_at)}"
    return f"repair found {_day(one.fixable_at)}, {still} (servers with it: {one.servers})"


def _scans(facts: Facts, servers: Sequence[Server]) -> Rule:
    ran: dict[Digest, list[Server]] = defaultdict(list)
    for one in servers:
        if one.artifact is not None:
            ran[one.artifact].append(one)
    gaps = [words for artifact, lives in ran.items() for words in _gaps(facts, artifact, lives)]
    kept = any(scan.whole for scan in facts.scans)
    strangers = sum(not one.explained for one in servers)
    doubts = [f"servers of which no record says what they hold: {strangers}"] if strangers else []
    doubts += [] if kept else [f"no whole examination is on record; {words}" for words in gaps]
    asked = Asked(
        key="scans",
        title="What runs is examined for flaws at least every three months",
        source=f"the clauses; {QUARTER.days} days is the longest quarter",
        clauses=_clauses({PCI: ("11.3.1",), CIS: ("7.5",), ISO: ("A.8.8",)}),
    )
    held = f"Artifacts that ran: {len(ran)}, none for longer than {QUARTER.days} days without an examination."
    return ruled(asked, breaches=gaps if kept else (), doubts=doubts if servers else (NOTHING,), held=held)


def _gaps(facts: Facts, artifact: Digest, lives: Sequence[Server]) -> Iterator[str]:
    """Times longer than a quarter in which it ran and nobody examined it; what just began has a quarter to go."""
    began, ends = min(one.first_seen for one in lives), max(one.ended_at or facts.until for one in lives)
    moments = {scan.at for scan in facts.scans if scan.whole and artifact in scan.artifacts}
    moments |= {facts.examined[artifact]} if artifact in facts.examined else set()
    before = began
    if began < facts.since:
        before = max((at for at in moments if at <= facts.since), default=facts.since)
    for earlier, later in _steps(before, sorted(at for at in moments if before < at < ends), ends):
        if later - earlier > QUARTER:
            yield f"{artifact} ran from {_day(earlier)} to {_day(later)} without an examination"


def _steps(first: datetime, between: Sequence[datetime], last: datetime) -> Iterator[tuple[datetime, datetime]]:
    moments = [first, *between, last]
    return pairwise(moments)


def _deadlines(facts: Facts, flaws: Sequence[ExposedFlaw]) -> Rule | None:
    """The project's own; nothing where it declares none."""
    declared = [
        (name, seconds)
        for limits in facts.limits.values()
        for name, seconds in (
            ("critical", limits.fix_within.critical_seconds),
            ("high", limits.fix_within.high_seconds),
        )
        if seconds is not None
    ]
    if not declared:
        return None
    judged = [one for one in flaws if one.declared is not None]
    late = [
        f"{_told(one)}: due {_day(one.due_at)}, "
        + ("still runs" if one.ended_at is None else f"gone {_day(one.ended_at)}")
        for one in judged
        if one.declared is Verdict.BROKEN
    ]
    unseen = [
        f"{_told(one)}: due {_day(one.due_at)}, seen last {_day(one.last_seen)}"
        for one in judged
        if one.declared is Verdict.UNKNOWN
    ]
    times = ", ".join(f"{name} {_days(seconds)}" for name, seconds in sorted(set(declared)))
    asked = Asked(
        key="deadlines",
        title=f"Flaws are gone by the project's own deadlines ({times})",
        source="own policy, `policy.fix_within`, from a flaw's publication",
        clauses=_clauses({CIS: ("7.2",), ISO: ("A.8.8",)}),
    )
    held = f"Flaws with a deadline that ran: {len(judged)}, each gone in time or not yet due."
    return ruled(asked, breaches=late, doubts=unseen, held=held)


def overall(judged: Iterable[Rule]) -> Verdict:
    """Of all rules together."""
    return worst(rule.verdict for rule in judged)


def _days(seconds: float) -> str:
    return f"{seconds / DAY.total_seconds():.1f} d"


def _day(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d}" if moment else "-"
