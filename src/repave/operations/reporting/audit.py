"""The report as a whole: a pure function of the facts."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import attrgetter

from repave.model.names import Digest, FleetKey
from repave.operations.reporting.controls import CONTROLS, Control
from repave.operations.reporting.curves import Sample, samples
from repave.operations.reporting.exposures import ExposedFlaw, exposed_flaws
from repave.operations.reporting.facts import Deviation, Dismissed, Facts, Manual, RecordHead, Waived
from repave.operations.reporting.judging import Rule, Verdict
from repave.operations.reporting.known import Flaws, Known, known_flaws
from repave.operations.reporting.rules import most_age, overall, rules
from repave.operations.reporting.servers import Server, servers

LATE_LOOK = timedelta(days=1)
"""What was last seen longer ago than this before the end of the time is said to be so."""


@dataclass(frozen=True, kw_only=True)
class Ran:
    """One artifact as one fleet ran it in the time."""

    environment: str
    fleet: str
    release: str
    image: str
    artifact: Digest | None
    servers: int
    living: int
    first_seen: datetime
    last_seen: datetime
    oldest_seconds: float
    """So old the oldest of them became at most."""

    examined_at: datetime | None
    """When every source was last read of it; None: never."""

    flaws: Flaws
    """Known of it by the end of the time, oldest first."""


@dataclass(frozen=True, kw_only=True)
class FleetCount:
    """How many servers of one fleet came and went."""

    environment: str
    fleet: str
    at_start: int
    born: int
    ended: int
    at_end: int

    @property
    def replaced(self) -> int:
        """So many went while another came."""
        return min(self.born, self.ended)


@dataclass(frozen=True, kw_only=True)
class SourceDate:
    """One source of advisories, as it was read last in the time."""

    name: str
    as_of: datetime | None
    """Of when its data was; None where it does not say."""

    read_at: datetime
    problem: str
    """Why that last answer could not be relied on; empty when it could."""

    scans: int
    """How many examinations asked it in the time."""

    failed: int
    """In how many of them it could not be relied on."""


@dataclass(frozen=True, kw_only=True)
class Labour:
    """What the replacements had cost by hand, by the words of whoever made the report."""

    manual: Manual
    replaced: int

    @property
    def hours(self) -> float:
        """Replacements x minutes x people / 60."""
        return self.replaced * self.manual.minutes_per_server * self.manual.people / 60


@dataclass(frozen=True, kw_only=True)
class Audit:
    """The report."""

    project: str
    environments: tuple[str, ...]
    since: datetime
    until: datetime
    made_at: datetime
    age_limits_seconds: tuple[float, ...]
    """How old servers may become, each once, the strictest first."""

    verdict: Verdict
    """The worst of all rules."""

    rules: tuple[Rule, ...]
    fleets: tuple[FleetCount, ...]
    ran: tuple[Ran, ...]
    servers: tuple[Server, ...]
    """Those that no record explains first, then the oldest."""

    flaws: tuple[ExposedFlaw, ...]
    samples: tuple[Sample, ...]
    sources: tuple[SourceDate, ...]
    waivers: tuple[Waived, ...]
    dismissed: tuple[Dismissed, ...]
    """What examinations of what ran left out in the time, each once."""

    deviations: tuple[Deviation, ...]
    unseen: tuple[str, ...]
    """What could not be observed, each in a sentence."""

    orders: Mapping[str, int]
    record: RecordHead
    labour: Labour | None
    controls: tuple[Control, ...] = CONTROLS

    @property
    def strangers(self) -> tuple[Server, ...]:
        """Servers that no record explains."""
        return tuple(one for one in self.servers if not one.explained)

    @property
    def replaced(self) -> int:
        """In all fleets."""
        return sum(fleet.replaced for fleet in self.fleets)


def audited(facts: Facts) -> Audit:
    """Judge what was observed; nothing is asked again, and nothing guessed."""
    known = known_flaws(facts)
    every, flaws = servers(facts, known), exposed_flaws(facts, known)
    judged = rules(facts, every, flaws)
    fleets = _fleets(facts, every)
    replaced = sum(fleet.replaced for fleet in fleets)
    return Audit(
        project=facts.project,
        environments=facts.environments,
        since=facts.since,
        until=facts.until,
        made_at=facts.made_at,
        age_limits_seconds=tuple(
            sorted({most_age(facts, fleet).total_seconds() for fleet in {life.fleet for life in facts.lifetimes}})
        ),
        verdict=overall(judged),
        rules=judged,
        fleets=fleets,
        ran=_ran(facts, known, every),
        servers=every,
        flaws=flaws,
        samples=samples(facts, known),
        sources=_sources(facts),
        waivers=facts.waivers,
        dismissed=_dismissed(facts, every),
        deviations=facts.deviations,
        unseen=tuple(_unseen(facts, every)),
        orders=dict(sorted(facts.orders.items())),
        record=facts.record,
        labour=Labour(manual=facts.manual, replaced=replaced) if facts.manual else None,
    )


def _fleets(facts: Facts, every: Sequence[Server]) -> tuple[FleetCount, ...]:
    by_fleet: dict[tuple[str, str], list[Server]] = defaultdict(list)
    for one in every:
        by_fleet[one.environment, one.fleet].append(one)
    return tuple(
        FleetCount(
            environment=environment,
            fleet=fleet,
            at_start=sum(one.first_seen < facts.since for one in found),
            born=sum(one.first_seen >= facts.since for one in found),
            ended=sum(one.ended_at is not None for one in found),
            at_end=sum(one.ended_at is None for one in found),
        )
        for (environment, fleet), found in sorted(by_fleet.items())
    )


def _ran(facts: Facts, known: Known, every: Sequence[Server]) -> tuple[Ran, ...]:
    """What no record explains first, then the order in which it came."""
    together: dict[tuple[str, ...], list[Server]] = defaultdict(list)
    for one in every:
        together[one.environment, one.fleet, one.release, one.image, one.artifact or ""].append(one)
    found = [
        Ran(
            environment=lives[0].environment,
            fleet=lives[0].fleet,
            release=lives[0].release,
            image=lives[0].image,
            artifact=lives[0].artifact,
            servers=len(lives),
            living=sum(one.ended_at is None for one in lives),
            first_seen=min(one.first_seen for one in lives),
            last_seen=max(one.last_seen for one in lives),
            oldest_seconds=max(one.age_at_most_seconds for one in lives),
            examined_at=None if lives[0].artifact is None else facts.examined.get(lives[0].artifact),
            flaws=Flaws() if lives[0].artifact is None else known[_fleet(facts, lives[0]), lives[0].artifact],
        )
        for lives in together.values()
    ]
    return tuple(sorted(found, key=lambda one: (one.artifact is not None, one.first_seen, one.environment, one.fleet)))


def _fleet(facts: Facts, server: Server) -> FleetKey:
    return FleetKey(project=facts.project, environment=server.environment, fleet=server.fleet)


def _sources(facts: Facts) -> tuple[SourceDate, ...]:
    asked, failed = Counter[str](), Counter[str]()
    newest: dict[str, tuple[datetime, str, datetime | None]] = {}
    for scan in facts.scans:
        for source in scan.sources if scan.at >= facts.since else ():
            asked[source.name] += 1
            failed[source.name] += bool(source.problem)
            newest[source.name] = (scan.at, source.problem, source.as_of)
    return tuple(
        SourceDate(name=name, as_of=as_of, read_at=at, problem=problem, scans=asked[name], failed=failed[name])
        for name, (at, problem, as_of) in sorted(newest.items())
    )


def _dismissed(facts: Facts, every: Sequence[Server]) -> tuple[Dismissed, ...]:
    """By flaw and package."""
    ran = {one.artifact for one in every}
    told = {one for scan in facts.scans if scan.at >= facts.since and scan.artifacts & ran for one in scan.dismissed}
    return tuple(sorted(told, key=attrgetter("flaw", "package", "author", "reason", "grounds", "source")))


def _unseen(facts: Facts, every: Sequence[Server]) -> Iterator[str]:
    """Gaps of the evidence itself, in this time."""
    began = facts.record.began_at
    if began is None or began > facts.since:
        yield f"Nothing is on record from before {began:%Y-%m-%d %H:%M} UTC." if began else "Nothing is on record."
    looks: dict[tuple[str, str], datetime] = {}
    for one in every:
        if one.ended_at is None:
            place = (one.environment, one.fleet)
            looks[place] = max(one.last_seen, looks.get(place, one.last_seen))
    for (environment, fleet), last in sorted(looks.items()):
        if facts.until - last > LATE_LOOK:
            yield (
                f"{environment}/{fleet} was looked at last on {last:%Y-%m-%d %H:%M} UTC: what lived then is taken to "
                "live on, and counted so wherever that is to its disadvantage."
            )
    older = sum(not one.born_known for one in every)
    if older:
        yield f"Servers of which it is not known when they were started: {older}. They may be older than is said."
    for gap in facts.unseen:
        yield f"{gap.place}, {gap.at:%Y-%m-%d %H:%M} UTC: not all could be seen: {gap.words.rstrip('.')}."
    partial = sum(not scan.whole for scan in facts.scans if scan.at >= facts.since)
    if partial:
        yield f"Examinations that do not count, for a source could not be read or none covers all of it: {partial}."
    if not any(scan.at >= facts.since for scan in facts.scans):
        yield "No examination is on record in this time, so no source of advisories has a date here."
