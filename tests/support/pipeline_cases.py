"""Situations of a pipeline of two environments, and any situation at all."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

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


moments = st.integers(-72, 0).map(lambda hours: NOW + timedelta(hours=hours))
environments = st.sampled_from([TEST, PROD])
numbers = st.sampled_from(NUMBERS)
people = st.sampled_from(PEOPLE).map(PersonName)
windows = st.builds(
    Window,
    days=st.lists(st.sampled_from(DAYS), min_size=1, unique=True).map(tuple),
    start=st.sampled_from(["00:00", "09:00", "22:00"]),
    end=st.sampled_from(["06:00", "16:00", "23:59"]),
    zone=st.sampled_from(["UTC", "Europe/Prague", "Pacific/Auckland"]),
)
gates = st.builds(
    Gates,
    checks=st.sampled_from([(), (SMOKE,), (SMOKE, replace(SMOKE, run="load.py"))]),
    check_seconds=st.sampled_from([3600.0, 86400.0]),
    metrics=st.sampled_from([None, None, MetricLimits(error_rate=0.01), MetricLimits(latency_seconds=0.3, samples=10)]),
    soak_seconds=st.sampled_from([0.0, 3600.0, 86400.0]),
    approvals=st.integers(0, 2),
    approval_seconds=st.sampled_from([3600.0, 86400.0 * 7]),
    window=st.none() | windows,
    unknown_holds=st.booleans(),
    freezes=st.just(()) | st.just((Freeze(first="2026-03-04", last="2026-03-05"),)),
)
records = st.one_of(
    st.builds(Approval, environment=environments, release=numbers, person=people, reason=st.just("good"), at=moments),
    st.builds(
        Waiver,
        flaw=st.sampled_from(["CVE-1", "CVE-2"]),
        person=people,
        reason=st.just("not reached"),
        at=moments,
        until=moments.map(lambda at: at + DAY),
    ),
    st.builds(
        Request, environment=environments, release=numbers, at=moments, emergency=st.sampled_from(["", "", "urgent"])
    ),
    st.builds(Soaked, environment=environments, release=numbers, since=moments, at=moments),
    st.builds(Failed, environment=environments, release=numbers, at=moments, detail=st.just("it crashed")),
    st.builds(
        Checked,
        environment=environments,
        release=numbers,
        check=st.sampled_from(["smoke.sh", "load.py"]),
        what=st.sampled_from([WHAT, WHAT, OTHER]),
        passed=st.sampled_from([True, True, False]),
        detail=st.just("exit code"),
        log=st.just(OTHER),
        at=moments,
    ),
    st.builds(RolledBack, environment=environments, release=numbers, at=moments),
)
standings = st.builds(
    Standing,
    release=st.none() | numbers,
    proven=st.dictionaries(numbers, moments),
    seen_at=st.none() | moments,
    well_since=st.none() | moments,
    paused_since=st.sampled_from([None, None, None, NOW]),
)
exposures = st.builds(
    Exposed,
    overdue=st.lists(
        st.builds(Overdue, flaw=st.sampled_from(["CVE-1", "CVE-2"]), due=moments),
        max_size=2,
        unique_by=lambda o: o.flaw,
    ).map(tuple),
    unknown=st.sampled_from([(), (), ("osv could not be read",)]),
)


measures = st.builds(
    Measured,
    fleet=st.just(FleetName("web")),
    samples=st.sampled_from([0, 10, 99, 100, 5000]),
    error_rate=st.sampled_from([None, 0.0, 0.01, 0.02]),
    latency_seconds=st.sampled_from([None, 0.1, 0.3, 0.4]),
    problem=st.sampled_from(["", "", "", "the balancer does not answer"]),
)


@st.composite
def drawn(draw: st.DrawFn) -> tuple[tuple[Stage, ...], Evidence, datetime]:
    """Any pipeline of two, anything known of it, and a time."""
    pipeline = (Stage(environment=TEST, gates=draw(gates)), Stage(environment=PROD, gates=draw(gates)))
    evidence = Evidence(
        standings={TEST: draw(standings), PROD: draw(standings)},
        records=tuple(sorted(draw(st.lists(records, max_size=8)), key=lambda record: record.at)),
        checks={(where, check): WHAT for where in (TEST, PROD) for check in ("smoke.sh", "load.py")},
        measured=draw(
            st.dictionaries(st.tuples(environments, numbers), st.lists(measures, max_size=2).map(tuple), max_size=3)
        ),
        exposed=draw(st.dictionaries(st.tuples(environments, numbers), exposures)),
        authors=draw(
            st.dictionaries(st.tuples(environments, numbers), st.frozensets(st.sampled_from(PEOPLE), max_size=2))
        ),
        revoked=draw(st.dictionaries(numbers, st.just("CVE-9"), max_size=1)),
    )
    return pipeline, evidence, NOW
