"""Over the time: how old the servers were, and how many ran with a grave flaw."""

from bisect import bisect_left, bisect_right
from collections import Counter, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from heapq import heappop, heappush
from itertools import accumulate
from operator import itemgetter

from repave.model.finding import Severity
from repave.operations.reporting.facts import Facts
from repave.operations.reporting.known import Flaws, Known
from repave.operations.reporting.servers import born

DAY = timedelta(days=1)
MOST_SAMPLES = 366
"""A day each in a year; a longer time has longer ones."""

AGE_DAYS = (30, 60, 90)
"""Where one class of age ends and the next begins."""

NEVER = datetime.max.replace(tzinfo=UTC)

Stay = tuple[datetime, datetime, datetime]
"""When a server was born, first seen, and gone."""


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
    # What one look saw first and another saw gone is one stay, of several.
    stays = Counter[Stay]()
    for group in facts.groups:
        alike = Counter((born(life), life.first_seen, life.gone_at or NEVER) for life in group.lives)
        stays.update(alike)
        public = _first_public(known[group.fleet, group.made.artifact]) if group.made else {}
        for severity, (begins, hidden) in public.items():
            for (_, first_seen, gone_at), many in alike.items():
                grave[severity].touch(max(begins, first_seen), min(hidden, gone_at), many)
    for (birth, first_seen, gone_at), many in stays.items():
        edges = [first_seen, *(max(first_seen, birth + days * DAY) for days in AGE_DAYS)]
        for tally, begins, ends in zip(classes, edges, [*edges[1:], NEVER], strict=True):
            tally.count(begins, min(ends, gone_at), many)
    ages = zip(*(tally.totals() for tally in classes), strict=True)
    critical, high = (grave[severity].totals() for severity in (Severity.CRITICAL, Severity.HIGH))
    found = zip(moments, ages, _oldest(stays, moments), critical, high, strict=True)
    return tuple(
        Sample(at=at, ages=counts, oldest_seconds=oldest, critical=ran_critical, high=ran_high)
        for at, counts, oldest, ran_critical, ran_high in found
    )


def _moments(since: datetime, until: datetime) -> tuple[datetime, ...]:
    steps = max(1, min(MOST_SAMPLES, (until - since) // DAY))
    return tuple(since + (until - since) * (number / steps) for number in range(steps + 1))


class _Tally:
    """How many intervals there are at each of some moments: changes first, their sums at the end."""

    def __init__(self, moments: Sequence[datetime]) -> None:
        self._moments = moments
        self._changes = [0] * (len(moments) + 1)

    def count(self, begins: datetime, ends: datetime, many: int) -> None:
        """So many more at each moment from their beginning to just before their end."""
        self._add(bisect_left(self._moments, begins), ends, many)

    def touch(self, begins: datetime, ends: datetime, many: int) -> None:
        """So many more at each moment after which, and before the next, they were there for any time at all."""
        if begins < ends:
            self._add(max(0, bisect_right(self._moments, begins) - 1), ends, many)

    def _add(self, first: int, ends: datetime, many: int) -> None:
        last = bisect_left(self._moments, ends)
        if first < last:
            self._changes[first] += many
            self._changes[last] -= many

    def totals(self) -> list[int]:
        """One for each moment."""
        return list(accumulate(self._changes[:-1]))


def _first_public(flaws: Flaws) -> Mapping[Severity, tuple[datetime, datetime]]:
    """From when to when the worst public flaw of an artifact is of each grave severity: a critical one hides others."""
    critical, high = (min(flaws.published[each], default=NEVER) for each in (Severity.CRITICAL, Severity.HIGH))
    return {Severity.CRITICAL: (critical, NEVER), Severity.HIGH: (high, critical)}


def _oldest(stays: Iterable[Stay], moments: Sequence[datetime]) -> list[float | None]:
    """At each moment, the age of the oldest that was there."""
    coming = deque(sorted(stays, key=itemgetter(1)))
    there: list[Stay] = []
    found: list[float | None] = []
    for at in moments:
        while coming and coming[0][1] <= at:
            heappush(there, coming.popleft())
        while there and there[0][2] <= at:
            heappop(there)
        found.append((at - there[0][0]).total_seconds() if there else None)
    return found
