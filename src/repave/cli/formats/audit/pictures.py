"""The pictures of the report, in the coordinates of their drawings; the page only puts them in place."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from repave.model.finding import Severity
from repave.operations.reporting.audit import Audit
from repave.operations.reporting.curves import AGE_DAYS, Sample
from repave.operations.reporting.exposures import DAY_SECONDS, MONTH, ExposedFlaw
from repave.operations.reporting.judging import Verdict
from repave.simulation.drawing import WIDTH, Band, line, stack

PANEL = 190.0
ROW = 17.0
MOST_BARS = 60
"""More flaws than these fill more than a page: the page says how many are left out, and the table has them."""

AGE_COLOURS = ("#c6dbe6", "#86b0c7", "#4a83a3", "#b3261e")
GRAVE_COLOURS = {"critical": "#b3261e", "high": "#e0913a"}
AGE_NAMES = (
    f"up to {AGE_DAYS[0]} d",
    *(f"{low} to {high} d" for low, high in pairwise(AGE_DAYS)),
    f"over {AGE_DAYS[-1]} d",
)


@dataclass(frozen=True, kw_only=True)
class Tick:
    """A mark on an axis."""

    at: float
    label: str


@dataclass(frozen=True, kw_only=True)
class Stacked:
    """How many there were of each kind over the time."""

    bands: tuple[Band, ...]
    most: int


@dataclass(frozen=True, kw_only=True)
class Oldest:
    """The age of the oldest over the time, and where the limits lie."""

    path: str
    most_days: int
    limits: tuple[Tick, ...]


@dataclass(frozen=True, kw_only=True)
class Bar:
    """One flaw, as long as it ran."""

    name: str
    place: str
    y: float
    begins: float
    width: float
    colour: str
    month: float | None
    """Where a month after its repair lies; None where that is not asked for, or outside of the picture."""

    label: str
    title: str


@dataclass(frozen=True, kw_only=True)
class Pictures:
    """All of them, over one time axis that is WIDTH wide."""

    width: float
    panel: float
    ticks: tuple[Tick, ...]
    ages: Stacked
    oldest: Oldest
    grave: Stacked
    bars: tuple[Bar, ...]
    bars_height: float
    bars_left_out: int


def pictures(audit: Audit) -> Pictures:
    """Draw what the report says."""
    x = _axis(audit.since, audit.until)
    grave = [one for one in audit.flaws if one.severity.counted in {Severity.CRITICAL, Severity.HIGH}]
    shown = sorted(grave[:MOST_BARS], key=lambda one: (one.since, one.advisory))
    return Pictures(
        width=WIDTH,
        panel=PANEL,
        ticks=tuple(_months(audit.since, audit.until, x)),
        ages=_ages(audit.samples),
        oldest=_oldest(audit.samples, [limit / DAY_SECONDS for limit in audit.age_limits_seconds]),
        grave=_grave(audit.samples),
        bars=tuple(_bar(one, number, x, audit.until) for number, one in enumerate(shown)),
        bars_height=ROW * len(shown) + 6,
        bars_left_out=len(grave) - len(shown),
    )


def _axis(since: datetime, until: datetime) -> Callable[[datetime], float]:
    def x(at: datetime) -> float:
        return min(WIDTH, max(0.0, WIDTH * ((at - since) / (until - since))))

    return x


def _months(since: datetime, until: datetime, x: Callable[[datetime], float]) -> Iterator[Tick]:
    """The first day of each month, or of each third where there are many; of a short time, its days."""
    days = (until - since) / timedelta(days=1)
    if days <= 45:  # noqa: PLR2004 - less than that has one first day of a month, or none
        step = timedelta(days=max(1, round(days / 8)))
        at = since.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
        while at < until:
            yield Tick(at=x(at), label=f"{at:%d %b}")
            at += step
        return
    every = 1 if days <= 400 else 3  # noqa: PLR2004 - a year and a month have room for each
    for number in range(since.year * 12 + since.month - 1, until.year * 12 + until.month):
        year, month = divmod(number, 12)
        at = datetime(year, month + 1, 1, tzinfo=since.tzinfo)
        if since <= at < until and number % every == 0:
            yield Tick(at=x(at), label=f"{at:%b %Y}" if month == 0 or every > 1 else f"{at:%b}")


def _stacked(counts: Sequence[dict[str, int]], names: Sequence[str], colours: Sequence[str]) -> Stacked:
    there = [name for name in names if any(each[name] for each in counts)]
    most = max(1, *(sum(each.values()) for each in counts))
    coloured = dict(zip(names, colours, strict=True))
    bands = stack(counts, there, PANEL / most, PANEL)
    return Stacked(
        bands=tuple(Band(name=band.name, colour=coloured[band.name], path=band.path) for band in bands), most=most
    )


def _ages(samples: Sequence[Sample]) -> Stacked:
    counts = [dict(zip(AGE_NAMES, sample.ages, strict=True)) for sample in samples]
    return _stacked(counts, AGE_NAMES, AGE_COLOURS)


def _grave(samples: Sequence[Sample]) -> Stacked:
    counts = [{"critical": sample.critical, "high": sample.high} for sample in samples]
    return _stacked(counts, tuple(GRAVE_COLOURS), tuple(GRAVE_COLOURS.values()))


def _oldest(samples: Sequence[Sample], limits: Sequence[float]) -> Oldest:
    days = [(sample.oldest_seconds or 0.0) / DAY_SECONDS for sample in samples]
    most = round(1.15 * max(1.0, *days, *limits))
    scale = PANEL / most
    ticks = tuple(Tick(at=PANEL - limit * scale, label=f"{limit:g} d") for limit in limits)
    return Oldest(path=line(days, scale, PANEL), most_days=most, limits=ticks)


def _bar(one: ExposedFlaw, number: int, x: Callable[[datetime], float], until: datetime) -> Bar:
    begins, ends = x(one.since), x(one.ended_at or until)
    late = one.month is Verdict.BROKEN or one.declared is Verdict.BROKEN
    month = one.fixable_at + MONTH if one.fixable_at and one.month is not None else None
    days = ((one.ended_at or until) - one.since).total_seconds() / DAY_SECONDS
    still = "open" if one.ended_at is None else f"{days:.1f} d"
    return Bar(
        name=one.advisory,
        place=f"{one.environment}/{one.fleet}",
        y=ROW * number,
        begins=begins,
        width=max(2.0, ends - begins),
        colour=GRAVE_COLOURS[one.severity.counted],
        month=x(month) if month is not None and month < until else None,
        label=f"{still}, late" if late else still,
        title=f"{one.advisory} in {one.environment}/{one.fleet}: {one.severity}, {one.servers} servers, {still}",
    )
