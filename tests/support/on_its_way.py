"""One release on its way: test carries r2, prod runs r1, and what is known besides."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from pipeline_cases import CLEAN, NOW, PROD, TEST, situation

from repave.model.evidence import (
    Approval,
    Entry,
    Evidence,
    Exposed,
    Failed,
    Overdue,
    Record,
    Request,
    Soaked,
    Standing,
)
from repave.model.gates import Gates, Window
from repave.model.names import EnvironmentName, PersonName, ReleaseNumber
from repave.model.pipeline import Stage

HOUR = timedelta(hours=1)
R1, R2, R3 = ReleaseNumber(1), ReleaseNumber(2), ReleaseNumber(3)
CAME = NOW - 20 * HOUR
"""When r2 came before prod: it entered test."""

SOAK = Gates(soak_seconds=7200)


def entered(environment: EnvironmentName, number: ReleaseNumber, at: datetime) -> Entry:
    """A release was let in."""
    return Entry(environment=environment, release=number, at=at)


ENTRIES = (entered(TEST, R2, NOW - 30 * HOUR), entered(TEST, R2, CAME), entered(TEST, R1, NOW), entered(PROD, R2, NOW))


def stages(gates: Gates = Gates(), test: Gates = Gates()) -> tuple[Stage, ...]:  # noqa: B008 - frozen
    """Test, then prod."""
    return (Stage(environment=TEST, gates=test), Stage(environment=PROD, gates=gates))


def known(*records: Record, standing: Standing | None = None, **more: object) -> Evidence:
    """Test carries r2 and prod r1; these records were kept in their order, and this is known besides."""
    evidence = situation(*ENTRIES, *records, test=2, prod=1)
    standings = evidence.standings if standing is None else {**evidence.standings, TEST: standing}
    return replace(evidence, standings=standings, **more)  # type: ignore[arg-type] # fields by name


def approval(hours: float, *, person: str = "ana", environment: EnvironmentName = PROD, number: int = 2) -> Approval:
    """Given so long ago."""
    return Approval(
        environment=environment,
        release=ReleaseNumber(number),
        person=PersonName(person),
        reason="tried",
        at=NOW - hours * HOUR,
    )


def failed(environment: EnvironmentName, hours: float, detail: str = "it crashed") -> Failed:
    """R2 did, so long ago."""
    return Failed(environment=environment, release=R2, at=NOW - hours * HOUR, detail=detail)


def soaked(lasted: timedelta, *, environment: EnvironmentName = TEST, number: int = 2) -> Soaked:
    """In unbroken health for so long, ten hours ago."""
    since = NOW - 10 * HOUR
    return Soaked(environment=environment, release=ReleaseNumber(number), since=since, at=since + lasted)


def overdue(*days: int) -> Exposed:
    """Flaws that were to be gone so many days ago, by number."""
    return Exposed(overdue=tuple(Overdue(flaw=f"CVE-{n}", due=NOW - day * 24 * HOUR) for n, day in enumerate(days, 1)))


def exposed(
    ours: Exposed | None, theirs: Exposed | None = CLEAN
) -> Mapping[tuple[EnvironmentName, ReleaseNumber], Exposed]:
    """What r2 would bring into prod, and what r1 there has; None: nothing is known."""
    pairs = (((PROD, R2), ours), ((PROD, R1), theirs))
    return {key: one for key, one in pairs if one is not None}


RUNS_ANOTHER = Standing(release=R3, proven={R2: CAME, R3: CAME}, seen_at=NOW, well_since=NOW - 9 * HOUR)
UNWELL = Standing(release=R2, proven={R2: CAME}, seen_at=NOW)
UNSEEN = Standing(release=R2, proven={R2: CAME}, well_since=NOW - 9 * HOUR)
SECOND = timedelta(seconds=1)
URGENT = Request(environment=PROD, release=R2, at=NOW, emergency="orders are lost")
EARLY = Window(days=("Wed",), start="09:00", end="12:00", zone="UTC")
