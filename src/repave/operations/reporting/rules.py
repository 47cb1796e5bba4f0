"""The rules of the report, each judged by what was observed."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from repave.model.exposure import FixWithin
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
UNKEPT = "no whole examination is on record"


def rules(facts: Facts, servers: Sequence[Server], flaws: Sequence[ExposedFlaw]) -> tuple[Rule, ...]:
    """In the order of the first page."""
    judged = (
        _explained(servers),
        _age(facts, servers),
        _critical_patches(facts, servers, flaws),
        _scans(facts, servers),
        _deadlines(facts, servers, flaws),
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
        match bounded(one.age_seconds, one.age_at_most_seconds, limit.total_seconds()):
            case Verdict.BROKEN:
                age = _days(one.age_seconds)
                breaches.append(f"{_name(one)} was seen at the age of {age}; {_limit(limit)} are allowed")
            case Verdict.UNKNOWN:
                doubts.append(
                    f"{_name(one)} was seen last on {_day(one.last_seen)}, {_days(one.age_seconds)} old; it may have "
                    f"lived to {_days(one.age_at_most_seconds)}"
                )
            case Verdict.HELD if not one.born_known:
                first = _day(one.first_seen)
                doubts.append(f"{_name(one)} was there when it was first seen on {first}; it may be older")
            case _:
                pass
    declared = any(_declares_age(facts, key) for key in limits)
    words = [_limit(limit) for limit in sorted({*limits.values()} or {MOST_AGE})]
    allowed = words[0] if len(words) == 1 else f"its fleet may become ({', '.join(words)})"
    oldest = max((one.age_at_most_seconds for one in servers), default=0.0)
    asked = Asked(
        key="age",
        title=f"No server is older than {allowed}",
        source=f"own policy{', `policy.hard_max_age`' if declared else ''}; no standard asks for it",
    )
    held = f"Servers observed: {len(servers)}. The oldest became {_days(oldest)} old."
    return ruled(asked, breaches=breaches, doubts=doubts if servers else (NOTHING,), held=held)


def _name(one: Server) -> str:
    return f"{one.slot} of {one.environment}/{one.fleet}"


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
    doubts += _unexamined(facts, servers, MONTH)
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


def _unexamined(facts: Facts, servers: Iterable[Server], within: timedelta) -> Iterator[str]:
    """What was never examined whole may hold anything; what ran on afterwards, what came out and was due since."""
    strangers = sum(not one.explained for one in servers)
    if strangers:
        yield f"servers of which no record says what they hold: {strangers}"
    for artifact, lives in _by_artifact(servers).items():
        examined, ends = facts.examined.get(artifact), _ends(facts, lives)
        if examined is None:
            yield f"{artifact} was never examined whole (servers that ran it: {len(lives)})"
        elif ends - examined > within:
            yield (
                f"{artifact} was examined last on {_day(examined)}, and ran to {_day(ends)} "
                f"(servers that ran it: {len(lives)})"
            )


def _by_artifact(servers: Iterable[Server]) -> Mapping[Digest, Sequence[Server]]:
    """Those that a record explains."""
    ran: dict[Digest, list[Server]] = defaultdict(list)
    for one in servers:
        if one.artifact is not None:
            ran[one.artifact].append(one)
    return ran


def _ends(facts: Facts, lives: Iterable[Server]) -> datetime:
    """When the last of them was gone, or the end of the time."""
    return max(one.ended_at or facts.until for one in lives)


def _told(one: ExposedFlaw) -> str:
    waived = f" (waived by {', '.join(one.waived_by)})" if one.waived_by else ""
    return f"{one.advisory} in {one.environment}/{one.fleet}{waived}"


def _lasted(one: ExposedFlaw) -> str:
    still = "still runs" if one.ended_at is None else f"gone {_day(one.ended_at)}"
    return f"repair found {_day(one.fixable_at)}, {still} (servers with it: {one.servers})"


def _scans(facts: Facts, servers: Sequence[Server]) -> Rule:
    ran = _by_artifact(servers)
    gaps = [words for artifact, lives in ran.items() for words in _gaps(facts, artifact, lives)]
    kept = any(scan.whole for scan in facts.scans)
    strangers = sum(not one.explained for one in servers)
    doubts = [f"servers of which no record says what they hold: {strangers}"] if strangers else []
    if not kept:
        doubts += [f"{UNKEPT}; {words}" for words in gaps] or [UNKEPT]
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
    began, ends = min(one.first_seen for one in lives), _ends(facts, lives)
    moments = {scan.at for scan in facts.scans if scan.whole and artifact in scan.artifacts}
    moments |= {facts.examined[artifact]} if artifact in facts.examined else set()
    before = began
    if began < facts.since:
        before = max((at for at in moments if at <= facts.since), default=began)
    for earlier, later in _steps(before, sorted(at for at in moments if before < at < ends), ends):
        if later - earlier > QUARTER:
            yield f"{artifact} ran from {_day(earlier)} to {_day(later)} without an examination"


def _steps(first: datetime, between: Sequence[datetime], last: datetime) -> Iterator[tuple[datetime, datetime]]:
    moments = [first, *between, last]
    return pairwise(moments)


def _deadlines(facts: Facts, servers: Sequence[Server], flaws: Sequence[ExposedFlaw]) -> Rule | None:
    """The project's own; nothing where it declares none."""
    declared = {
        (key.environment, key.fleet): times
        for key, limits in facts.limits.items()
        if (times := _times(limits.fix_within))
    }
    if not declared:
        return None
    judged = [one for one in flaws if one.declared is not None]
    late = [
        f"{_told(one)}: due {_day(one.due_at)}, "
        + ("still runs" if one.ended_at is None else f"gone {_day(one.ended_at)}")
        for one in judged
        if one.declared is Verdict.BROKEN
    ]
    doubts = [
        f"{_told(one)}: due {_day(one.due_at)}, seen last {_day(one.last_seen)}"
        for one in judged
        if one.declared is Verdict.UNKNOWN
    ]
    bound: dict[tuple[str, str], list[Server]] = defaultdict(list)
    for one in servers:
        bound[one.environment, one.fleet].append(one)
    for place, times in sorted(declared.items()):
        doubts += _unexamined(facts, bound[place], min(times.values()))
    named = sorted({known for times in declared.values() for known in times.items()})
    words = ", ".join(f"{name} {_limit(within)}" for name, within in named)
    asked = Asked(
        key="deadlines",
        title=f"Flaws are gone by the project's own deadlines ({words})",
        source="own policy, `policy.fix_within`, from a flaw's publication",
        clauses=_clauses({CIS: ("7.2",), ISO: ("A.8.8",)}),
    )
    held = f"Flaws with a deadline that ran: {len(judged)}, each gone in time or not yet due."
    return ruled(asked, breaches=late, doubts=doubts if servers else (NOTHING,), held=held)


def _times(fix_within: FixWithin) -> Mapping[str, timedelta]:
    """What is declared, by severity."""
    declared = {"critical": fix_within.critical_seconds, "high": fix_within.high_seconds}
    return {name: timedelta(seconds=seconds) for name, seconds in declared.items() if seconds is not None}


def overall(judged: Iterable[Rule]) -> Verdict:
    """Of all rules together."""
    return worst(rule.verdict for rule in judged)


def _days(seconds: float) -> str:
    return f"{seconds / DAY.total_seconds():.1f} d"


def _limit(amount: timedelta) -> str:
    """As a person declares it: ``90 days``, ``36 hours``, ``5 minutes``."""
    for unit, name in ((DAY, "days"), (timedelta(hours=1), "hours")):
        if amount > unit and not amount % unit:
            return f"{amount // unit} {name}"
    return f"{amount / timedelta(minutes=1):g} minutes"


def _day(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d}" if moment else "-"
