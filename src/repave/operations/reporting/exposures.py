"""Exposure, flaw by flaw: which servers ran with it, for how long, and whether it was gone in time."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from repave.model.exposure import Flaw
from repave.model.finding import Severity
from repave.model.names import Digest, FleetKey
from repave.operations.reporting.facts import Facts
from repave.operations.reporting.judging import Verdict, bounded
from repave.operations.reporting.known import Known
from repave.operations.reporting.spans import Part, Spans, Together
from repave.ports.history import Lifetime

MONTH = timedelta(days=30)
"""PCI DSS counts a month as 30 or 31 days, or as the same day of the next month: the shortest of these."""

DAY_SECONDS = 86_400.0

Bearing = Mapping[tuple[Digest, ...], Sequence[Flaw]]
"""By the artifacts that have them: most have many flaws in common."""


@dataclass(frozen=True, kw_only=True)
class ExposedFlaw:
    """One flaw in one fleet that ran with it in the time."""

    environment: str
    fleet: str
    advisory: str
    severity: Severity
    published_at: datetime
    fixable_at: datetime | None
    """When a scan first found that it can be repaired; None: no repair is known, or not since when."""

    since: datetime
    """From when on an instance ran with it while it was known to the world."""

    last_seen: datetime
    """When a look last showed one that had it."""

    ended_at: datetime | None
    """When the last of them was seen to be gone; None while one lives."""

    servers: int
    """How many had it in the time."""

    living: int
    server_days: float
    """Their times with it within the time, added up."""

    due_at: datetime | None
    """By the deadline that the project declares; None for none."""

    declared: Verdict | None
    """Whether that was kept; None where there is none."""

    month: Verdict | None
    """Whether it was gone within 30 days of its repair; None where that is not asked for, or no repair is known."""

    waived_by: tuple[str, ...]
    """Who answered for it, at any moment of it."""

    @property
    def seconds(self) -> float:
        """So long it was seen to be there at least, from its publication."""
        return ((self.ended_at or self.last_seen) - self.published_at).total_seconds()


def exposed_flaws(facts: Facts, known: Known) -> tuple[ExposedFlaw, ...]:
    """Of all fleets: what is broken first, then the worst, then what was published first."""
    by_fleet: dict[FleetKey, dict[Digest, list[Lifetime]]] = defaultdict(lambda: defaultdict(list))
    for group in facts.groups:
        if group.made is not None and known[group.fleet, group.made.artifact]:
            by_fleet[group.fleet][group.made.artifact] += group.lives
    bearing: dict[frozenset[Digest], Bearing] = {}
    found: list[ExposedFlaw] = []
    for fleet, lives in by_fleet.items():
        ran = frozenset(lives)
        if ran not in bearing:
            bearing[ran] = _bearing(known, fleet, lives)
        spans = {artifact: Spans(each, facts) for artifact, each in lives.items()}
        for artifacts, flaws in bearing[ran].items():
            together = Together([spans[artifact] for artifact in artifacts])
            parts = ((flaw, together.after(flaw.published_at)) for flaw in flaws)
            found += (_exposed(facts, fleet, flaw, part) for flaw, part in parts if part is not None)
    order, severities = list(Verdict), list(Severity)

    def urgency(one: ExposedFlaw) -> tuple[object, ...]:
        broken = min(order.index(verdict) for verdict in (one.month, one.declared, Verdict.HELD) if verdict)
        return (broken, -severities.index(one.severity), one.published_at, one.advisory, one.environment, one.fleet)

    return tuple(sorted(found, key=urgency))


def _bearing(known: Known, fleet: FleetKey, artifacts: Iterable[Digest]) -> Bearing:
    """The same for all fleets that ran them."""
    having: dict[Flaw, list[Digest]] = defaultdict(list)
    for artifact in artifacts:
        for flaw in known[fleet, artifact]:
            having[flaw].append(artifact)
    bearing: dict[tuple[Digest, ...], list[Flaw]] = defaultdict(list)
    for flaw, found in having.items():
        bearing[tuple(found)].append(flaw)
    return bearing


def _exposed(facts: Facts, fleet: FleetKey, flaw: Flaw, part: Part) -> ExposedFlaw:
    end = facts.until if part.living else part.last_end
    limits = facts.limits.get(fleet)
    due = limits.fix_within.due(flaw) if limits else None
    since = max(flaw.published_at, part.first_seen)
    return ExposedFlaw(
        environment=fleet.environment,
        fleet=fleet.fleet,
        advisory=flaw.advisory,
        severity=flaw.severity,
        published_at=flaw.published_at,
        fixable_at=flaw.fixable_at,
        since=since,
        last_seen=part.last_seen,
        ended_at=None if part.living else end,
        servers=part.count,
        living=part.living,
        server_days=part.seconds / DAY_SECONDS,
        due_at=due,
        declared=None if due is None else _by(due, part.last_seen, end),
        month=_within_month(flaw, part.last_seen, end),
        waived_by=tuple(sorted(_answering(facts, flaw, since, end))),
    )


def _by(due: datetime, last_seen: datetime, end: datetime) -> Verdict:
    """Between the last look that showed it and the first that did not, it is not known when it went."""
    return bounded(last_seen.timestamp(), end.timestamp(), due.timestamp())


def _within_month(flaw: Flaw, last_seen: datetime, end: datetime) -> Verdict | None:
    """The month counts from the repair, which came out after the flaw's publication, and before a scan found it."""
    if flaw.severity is not Severity.CRITICAL or flaw.fixable_at is None:
        return None
    at_least = (last_seen - flaw.fixable_at).total_seconds()
    at_most = (end - flaw.published_at).total_seconds()
    return bounded(at_least, at_most, MONTH.total_seconds())


def _answering(facts: Facts, flaw: Flaw, since: datetime, end: datetime) -> Iterable[str]:
    """People whose signed word for it held at a moment of it."""
    return {
        one.waiver.person
        for one in facts.waivers
        if one.signed and one.waiver.flaw == flaw.advisory and one.waiver.at < end and one.waiver.until > since
    }
