"""Many lifetimes at once: sorted a single time, then asked about any number of moments."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from itertools import accumulate
from operator import itemgetter

from repave.operations.reporting.facts import Facts
from repave.ports.history import Lifetime


@dataclass(frozen=True, kw_only=True)
class Part:
    """Of what runs some artifacts, those that were there after a moment."""

    count: int
    living: int
    first_seen: datetime
    """Of the first of them."""

    last_seen: datetime
    """When a look last showed one."""

    last_end: datetime
    """When the last of them was gone, or the end of the time."""

    seconds: float
    """Their times after that moment and within the report's time, added up."""


class Spans:
    """The lifetimes of what runs one artifact in one fleet; at least one."""

    def __init__(self, lives: Sequence[Lifetime], facts: Facts) -> None:
        spans = sorted(((life.gone_at or facts.until, life.first_seen) for life in lives), key=itemgetter(0))
        self._living = sum(life.gone_at is None for life in lives)
        self._last_seen = max(life.last_seen for life in lives)
        self._ends = [end for end, _ in spans]
        self._firsts = list(accumulate((first for _, first in reversed(spans)), min))[::-1]
        """Of each and all that end after it, the earliest first sight."""
        self.first_seen = self._firsts[0]
        self._since = facts.since.timestamp()
        self._begins = sorted(max(self._since, first.timestamp()) for _, first in spans)
        self._ends_after = _sums_from([end.timestamp() for end in self._ends])
        self._begins_after = _sums_from(self._begins)

    def after(self, moment: datetime) -> Part | None:
        """Those that ended after it; None where none did."""
        ended = bisect_right(self._ends, moment)
        count = len(self._ends) - ended
        if not count:
            return None
        at = max(self._since, moment.timestamp())
        begun = bisect_left(self._begins, at)
        there = count - (len(self._begins) - begun)
        return Part(
            count=count,
            living=self._living,
            first_seen=self._firsts[ended],
            last_seen=self._last_seen,
            last_end=self._ends[-1],
            seconds=self._ends_after[ended] - self._begins_after[begun] - there * at,
        )


class Together:
    """What ran some artifacts in one fleet."""

    def __init__(self, spans: Sequence[Spans]) -> None:
        self._spans = spans
        self._first_seen = min(each.first_seen for each in spans)

    def after(self, moment: datetime) -> Part | None:
        """Those that ended after it; None where none did."""
        # Most flaws are older than what has them.
        return self._whole if moment < self._first_seen else self._after(moment)

    @cached_property
    def _whole(self) -> Part | None:
        return self._after(self._first_seen)

    def _after(self, moment: datetime) -> Part | None:
        parts = [part for each in self._spans if (part := each.after(moment)) is not None]
        if not parts:
            return None
        return Part(
            count=sum(part.count for part in parts),
            living=sum(part.living for part in parts),
            first_seen=min(part.first_seen for part in parts),
            last_seen=max(part.last_seen for part in parts),
            last_end=max(part.last_end for part in parts),
            seconds=sum(part.seconds for part in parts),
        )


def _sums_from(numbers: list[float]) -> list[float]:
    """From each place to the end."""
    return [*list(accumulate(reversed(numbers)))[::-1], 0.0]
