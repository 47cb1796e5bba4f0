"""Over the time: how old the servers were, and how many ran with a grave flaw."""

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from heapq import heappop, heappush
from itertools import accumulate

from repave.model.exposure import Flaw
from repave.model.finding import Severity
from repave.operations.reporting.facts import Facts
from repave.operations.reporting.known import Known
from repave.operations.reporting.servers import born
from repave.ports.history import Lifetime

DAY = timedelta(days=1)
MOST_SAMPLES = 366
"""A day each in a year; a longer time has longer ones."""

AGE_DAYS = (30, 60, 90)
"""Where one class of age ends and the next begins."""


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One moment of the time."""

    at: datetime
    ages: tuple[int, ...]
    """How many servers there were of each class of age, the youngest class first."""

    oldest_seconds: float | None
    """None where there was none."""

    critical: int
    """How many ran with a critical flaw that was public, at any moment from this sample to the next."""

    high: int
    """How many ran with a high one, and no critical one."""

    @property
    def servers(self) -> int:
        """All that were there."""
        return sum(self.ages)


def samples(facts: Facts, known: Known) -> tuple[Sample, ...]:
    """At equal distances over the time, its end included."""
    moments = _moments(facts.since, facts.until)
    classes = [_Tally(moments) for _ in range(len(AGE_DAYS) + 1)]
    grave = {severity: _Tally(moments) for severity in (Severity.CRITICAL, Severity.HIGH)}
    public = {key: _first_public(flaws) for key, flaws in known.items()}
    # What one look saw first and another saw gone is one time, lived by several.
    alike = Counter(
        (born(life), life.first_seen, life.gone_at, (life.fleet, made.artifact) if made else None)
        for life in facts.lifetimes
        for made in (facts.made.get((life.fleet, life.revision)),)
    )
    for (birth, first_seen, gone_at, ran), many in alike.items():
        edges = [first_seen, *(max(first_seen, birth + days * DAY) for days in AGE_DAYS)]
        for tally, begins, ends in zip(classes, edges, [*edges[1:], None], strict=True):
            tally.count(begins, _sooner(ends, gone_at), many)
        for severity, (begins, hidden) in (public[ran] if ran else {}).items():
            grave[severity].touch(max(begins, first_seen), _sooner(hidden, gone_at), many)
    ages = zip(*(tally.totals() for tally in classes), strict=True)
    critical, high = (grave[severity].totals() for severity in (Severity.CRITICAL, Severity.HIGH))
    found = zip(moments, ages, _oldest(facts.lifetimes, moments), critical, high, strict=True)
    return tuple(
        Sample(at=at, ages=counts, oldest_seconds=oldest, critical=ran_critical, high=ran_high)
        for at, counts, oldest, ran_critical, ran_high in found
    )


def _moments(since: datetime, until: datetime) -> tuple[datetime, ...]:
    steps = max(1, min(MOST_SAMPLES, (until - since) // DAY))
    return tuple(since + (until - since) * (number / steps) for number in range(steps + 1))


def _sooner(*ends: datetime | None) -> datetime | None:
    """The first of them; None where none of them ever is."""
    return min((end for end in ends if end is not None), default=None)


class _Tally:
    """How many intervals there are at each of some moments: changes first, their sums at the end."""

    def __init__(self, moments: Sequence[datetime]) -> None:
        self._moments = moments
        self._changes = [0] * (len(moments) + 1)

    def count(self, begins: datetime, ends: datetime | None, many: int) -> None:
        """So many more at each moment from their beginning to just before their end."""
        self._add(bisect_left(self._moments, begins), ends, many)

    def touch(self, begins: datetime, ends: datetime | None, many: int) -> None:
        """So many more at each moment after which, and before the next, they were there for any time at all."""
        if ends is None or begins < ends:
            self._add(max(0, bisect_right(self._moments, begins) - 1), ends, many)

    def _add(self, first: int, ends: datetime | None, many: int) -> None:
        last = len(self._moments) if ends is None else bisect_left(self._moments, ends)
        if first < last:
            self._changes[first] += many
            self._changes[last] -= many

    def totals(self) -> list[int]:
        """One for each moment."""
        return list(accumulate(self._changes[:-1]))


def _first_public(flaws: Sequence[Flaw]) -> Mapping[Severity, tuple[datetime, datetime | None]]:
    """From when to when the worst public flaw of an artifact is of each grave severity: a critical one hides others."""
    first = {
        severity: min((flaw.published_at for flaw in flaws if flaw.severity.counted is severity), default=None)
        for severity in (Severity.CRITICAL, Severity.HIGH)
    }
    critical, high = first[Severity.CRITICAL], first[Severity.HIGH]
    found: dict[Severity, tuple[datetime, datetime | None]] = {}
    if critical is not None:
        found[Severity.CRITICAL] = (critical, None)
    if high is not None and (critical is None or high < critical):
        found[Severity.HIGH] = (high, critical)
    return found


def _oldest(lifetimes: Sequence[Lifetime], moments: Sequence[datetime]) -> list[float | None]:
    """At each moment, the age of the oldest that was there."""
    coming = sorted(lifetimes, key=lambda life: life.first_seen, reverse=True)
    there: list[tuple[datetime, int]] = []
    found: list[float | None] = []
    ends = {index: life.gone_at for index, life in enumerate(coming)}
    upcoming = len(coming)
    for at in moments:
        while upcoming and coming[upcoming - 1].first_seen <= at:
            upcoming -= 1
            heappush(there, (born(coming[upcoming]), upcoming))
        while there and (end := ends[there[0][1]]) is not None and end <= at:
            heappop(there)
        found.append((at - there[0][0]).total_seconds() if there else None)
    return found
