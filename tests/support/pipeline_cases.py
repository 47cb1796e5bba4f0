"""Situations of a pipeline of two environments, and any situation at all."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from chooser import Chooser, choosers
from hypothesis import strategies as st

from repave.model.checks import ProgramCheck
from repave.model.evidence import (
    Approval,
    Checked,
    Evidence,
    Exposed,
    Failed,
    Measured,
    Overdue,
    Record,
    Request,
    RolledBack,
    Soaked,
    Standing,
    Waiver,
)
from repave.model.gates import DAYS, Freeze, Gates, MetricLimits, Window
from repave.model.names import Digest, EnvironmentName, FleetName, ImageName, PersonName, ReleaseNumber
from repave.model.pipeline import Stage
from repave.model.release import Release

TEST, PROD = EnvironmentName("test"), EnvironmentName("prod")
PEOPLE = ("ana", "bob", "eve")
NOW = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)
CLEAN = Exposed()
NUMBERS = tuple(ReleaseNumber(number) for number in range(1, 6))


SMOKE = ProgramCheck(run="smoke.sh", image=ImageName("web"), timeout_seconds=60.0)
WHAT, OTHER = (Digest(f"sha256:{letter * 64}") for letter in "ab")
"""What a check was when it was run: as it is, and as it is no more."""

FLAWS = ("CVE-1", "CVE-2")
LIMITS = (None, None, MetricLimits(error_rate=0.01), MetricLimits(latency_seconds=0.3, samples=10))


def release(number: int) -> Release:
    """Made three days ago."""
    return Release(
        number=ReleaseNumber(number),
        artifacts={ImageName("web"): Digest(f"sha256:{number:064}")},
        lock=Digest("sha256:" + "0" * 64),
        source="0" * 40,
        created_at=NOW - 3 * DAY,
    )


def situation(*records: Record, test: int, prod: int, proven: Iterable[int] | None = None) -> Evidence:
    """Prod well for a day, test for an hour, ``proven`` what test has carried; eve wrote it all, nothing has flaws."""
    carried = (test,) if proven is None else proven
    return Evidence(
        standings={
            TEST: Standing(
                release=ReleaseNumber(test),
                proven={ReleaseNumber(number): NOW - DAY for number in carried},
                seen_at=NOW,
                well_since=None if test not in carried else NOW - timedelta(hours=1),
            ),
            PROD: Standing(release=ReleaseNumber(prod), seen_at=NOW, well_since=NOW - DAY),
        },
        records=records,
        exposed={(where, number): CLEAN for where in (TEST, PROD) for number in NUMBERS},
        authors={(where, number): frozenset({"eve"}) for where in (TEST, PROD) for number in NUMBERS},
    )


def two(gates: Gates = Gates(), *, test: Gates = Gates()) -> tuple[Stage, ...]:  # noqa: B008 - frozen
    """Test, then prod."""
    return (Stage(environment=TEST, gates=test), Stage(environment=PROD, gates=gates))


HOURS = (0, 1, 2, 3, 5, 12, 23, 24, 25, 26, 36, 47, 48, 49, 60, 71, 72)
MOMENTS = (*(NOW - timedelta(hours=hours) for hours in HOURS), NOW + DAY)
ENVIRONMENTS = (TEST, PROD)
PLACES = tuple((where, number) for where in ENVIRONMENTS for number in NUMBERS)
numbers = st.sampled_from(NUMBERS)

CASE_DIGITS = 292
"""As many as all choices of a case take."""

Case = tuple[tuple[Stage, ...], Evidence, datetime]


def cases() -> st.SearchStrategy[Case]:
    """Any pipeline of two, anything known of it, and a time."""
    return choosers(CASE_DIGITS).map(case_of)


def case_of(chooser: Chooser) -> Case:
    """The case of these choices."""
    pipeline = (Stage(environment=TEST, gates=gates_of(chooser)), Stage(environment=PROD, gates=gates_of(chooser)))
    evidence = Evidence(
        standings={where: standing_of(chooser) for where in ENVIRONMENTS},
        # In no order of their times: clocks may have been wrong.
        records=tuple(record_of(row) for row in chooser.rows(8, 7)),
        checks={(where, check): WHAT for where in ENVIRONMENTS for check in ("smoke.sh", "load.py")},
        measured={row.of(PLACES): tuple(map(measured_of, row.rows(2, 4))) for row in chooser.rows(3, 12)},
        revoked={number: "CVE-9" for number in (chooser.of((None, *NUMBERS)),) if number},
        exposed={place: exposed_of(chooser) for place in chooser.some(PLACES)},
        authors={
            place: frozenset([chooser.of(PEOPLE), chooser.of(PEOPLE)][: chooser.of(range(3))])
            for place in chooser.some(PLACES)
        },
    )
    return pipeline, evidence, NOW


def gates_of(chooser: Chooser) -> Gates:
    """Any gates."""
    return Gates(
        checks=chooser.of(((), (SMOKE,), (SMOKE, replace(SMOKE, run="load.py")))),
        check_seconds=chooser.of((3600.0, 86400.0)),
        metrics=chooser.of(LIMITS),
        soak_seconds=chooser.of((0.0, 3600.0, 86400.0)),
        approvals=chooser.of(range(3)),
        approval_seconds=chooser.of((3600.0, 86400.0 * 7)),
        unknown_holds=chooser.of((False, True)),
        freezes=chooser.of(((), (Freeze(first="2026-03-04", last="2026-03-05"),))),
        window=chooser.of((None, window_of(chooser))),
    )


def window_of(chooser: Chooser) -> Window:
    """Any window."""
    return Window(
        start=chooser.of(("00:00", "09:00", "22:00")),
        end=chooser.of(("06:00", "16:00", "23:59")),
        zone=chooser.of(("UTC", "Europe/Prague", "Pacific/Auckland")),
        days=tuple(chooser.mixed(chooser.some(DAYS))) or DAYS[:1],
    )


def record_of(chooser: Chooser) -> Record:
    """Anything a person or a tick may have written down."""
    kind, at = chooser.of(range(7)), chooser.of(MOMENTS)
    where, number = chooser.of(ENVIRONMENTS), chooser.of(NUMBERS)
    made: Record
    match kind:
        case 0:
            person = PersonName(chooser.of(PEOPLE))
            made = Approval(environment=where, release=number, person=person, reason="good", at=at)
        case 1:
            person, until = PersonName(chooser.of(PEOPLE)), chooser.of(MOMENTS) + DAY
            made = Waiver(flaw=chooser.of(FLAWS), person=person, reason="not reached", at=at, until=until)
        case 2:
            made = Request(environment=where, release=number, at=at, emergency=chooser.of(("", "", "urgent")))
        case 3:
            made = Soaked(environment=where, release=number, since=chooser.of(MOMENTS), at=at)
        case 4:
            made = Failed(environment=where, release=number, at=at, detail="it crashed")
        case 5:
            made = Checked(
                environment=where,
                release=number,
                check=chooser.of(("smoke.sh", "load.py")),
                what=chooser.of((WHAT, WHAT, OTHER)),
                passed=chooser.of((True, True, False)),
                detail="exit code",
                log=OTHER,
                at=at,
            )
        case _:
            made = RolledBack(environment=where, release=number, at=at)
    return made


def standing_of(chooser: Chooser) -> Standing:
    """Anything that may be known of an environment."""
    return Standing(
        release=chooser.of((None, chooser.of(NUMBERS))),
        seen_at=chooser.of((None, chooser.of(MOMENTS))),
        well_since=chooser.of((None, chooser.of(MOMENTS))),
        paused_since=chooser.of((None, None, None, NOW)),
        proven={number: chooser.of(MOMENTS) for number in chooser.some(NUMBERS)},
    )


def exposed_of(chooser: Chooser) -> Exposed:
    """Any flaws that should have been repaired by now, or not yet."""
    return Exposed(
        overdue=tuple(Overdue(flaw=flaw, due=chooser.of(MOMENTS)) for flaw in chooser.some(FLAWS)),
        unknown=chooser.of(((), (), ("osv could not be read",))),
    )


def measured_of(chooser: Chooser) -> Measured:
    """Anything that may be measured of a fleet."""
    return Measured(
        fleet=FleetName("web"),
        samples=chooser.of((0, 10, 99, 100, 5000)),
        error_rate=chooser.of((None, 0.0, 0.01, 0.02)),
        latency_seconds=chooser.of((None, 0.1, 0.3, 0.4)),
        problem=chooser.of(("", "", "", "the balancer does not answer")),
    )
