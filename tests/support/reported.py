"""Facts for reports: servers, flaws and examinations in a few words, in days from the beginning of a year."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from repave.config.freshness import Limits
from repave.model.exposure import FixWithin, Flaw
from repave.model.finding import Severity, SourceStatus
from repave.model.names import (
    Digest,
    EnvironmentName,
    FleetKey,
    FleetName,
    ImageName,
    InstanceId,
    ProjectName,
    ReleaseNumber,
    RevisionId,
    SlotId,
    ZoneName,
)
from repave.model.policy import AgePolicy
from repave.operations.reporting.facts import Dismissed, Facts, Made, RecordHead, Scanned
from repave.ports.history import Lifetime

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
YEAR = 365.0
WEB = FleetKey(project=ProjectName("shop"), environment=EnvironmentName("prod"), fleet=FleetName("web"))
STRANGE = RevisionId("nobody-knows")


def on(day: float) -> datetime:
    """That day of the year, and part of a day."""
    return BEGIN + day * DAY


def artifact(release: int) -> Digest:
    """What a release is made of."""
    return Digest(f"sha256:{release:064x}")


def server(
    number: int, born: float, ended: float | None = None, *, release: int = 1, seen: float | None = None
) -> Lifetime:
    """One that was ordered on the day ``born``, and seen until it ended, or until ``seen``."""
    last = seen if seen is not None else YEAR if ended is None else ended
    return Lifetime(
        fleet=WEB,
        instance=InstanceId(f"i-{number}"),
        slot=SlotId(f"web-{number}"),
        revision=RevisionId(f"revision-{release}"),
        release=ReleaseNumber(release),
        zone=ZoneName("a"),
        first_seen=on(born),
        last_seen=on(last),
        served_from=on(born),
        gone_at=None if ended is None else on(ended),
        launched_at=on(born),
    )


def stranger(number: int, born: float) -> Lifetime:
    """One whose revision no record explains."""
    return server(number, born)._replace(revision=STRANGE)


def flaw(name: str, published: float, fixable: float | None = None, severity: Severity = Severity.CRITICAL) -> Flaw:
    """One that was published on that day, and whose repair a scan found then, or on the day ``fixable``."""
    found = published if fixable is None else fixable
    return Flaw(advisory=name, severity=severity, published_at=on(published), fixable_at=on(found))


def scan(day: float, *releases: int, whole: bool = True, problem: str = "") -> Scanned:
    """An examination of what these releases are made of, by a source that is a day old."""
    source = SourceStatus(name="the tracker", as_of=on(day - 1), problem=problem)
    artifacts = frozenset(artifact(release) for release in releases)
    return Scanned(at=on(day), artifacts=artifacts, whole=whole, sources=(source,))


def dismissing(scanned: Scanned, name: str) -> Scanned:
    """The same examination, with somebody's word that a flaw does not apply."""
    word = Dismissed(
        flaw=name, package="openssl 3.0", author="eve", grounds="not_affected", reason="never called", source="eve.json"
    )
    return replace(scanned, dismissed=(word,))


def year(*lives: Lifetime, scans: tuple[Scanned, ...] = (), **flaws: tuple[Flaw, ...]) -> Facts:
    """A year of production; ``r1=(flaw(...),)`` are the flaws of the first release's artifact."""
    whole = {made: one.at for one in scans if one.whole for made in one.artifacts}
    return Facts(
        project=WEB.project,
        environments=(WEB.environment,),
        since=BEGIN,
        until=on(YEAR),
        made_at=on(YEAR),
        lifetimes=lives,
        made={
            (life.fleet, life.revision): Made(image=ImageName("web"), artifact=artifact(life.release))
            for life in lives
            if life.revision != STRANGE
        },
        flaws={artifact(int(name[1:])): found for name, found in flaws.items()},
        examined=whole,
        scans=scans,
        record=RecordHead(first=1, last=9, number=9, hash="a" * 64, began_at=on(-1)),
    )


def limited(
    facts: Facts, *, days: float | None = None, critical_days: float | None = None, high_days: float | None = None
) -> Facts:
    """The same under limits that the project declares."""
    hard, critical, high = (
        None if each is None else each * DAY.total_seconds() for each in (days, critical_days, high_days)
    )
    age, fix = AgePolicy(hard_seconds=hard), FixWithin(critical_seconds=critical, high_seconds=high)
    return replace(facts, limits={WEB: Limits(age=age, fix_within=fix, declared=())})
