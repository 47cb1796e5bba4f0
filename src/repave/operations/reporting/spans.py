"""Many lifetimes at once: sorted a single time, then asked about any number of moments."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate

from repave.operations.reporting.facts import Facts
from repave.ports.history import Lifetime


@dataclass(frozen=True, kw_only=True)
class Part:
    """Those that were there after a moment."""

    count: int
    first_seen: datetime
    """Of the first of them."""

    seconds: float
    """Their times after that moment and within the report's time, added up."""


class Spans:
    """The lifetimes of what runs one artifact in one fleet; at least one."""

    def __init__(self, lives: Iterable[Lifetime], facts: Facts) -> None:
        ended = sorted((life.gone_at or facts.until, life.first_seen, life) for life in lives)
        self.living = sum(life.gone_at is None for _, _, life in ended)
        self.last_seen = max(life.last_seen for _, _, life in ended)
        self.last_end = ended[-1][0]
        self._ends = [end for end, _, _ in ended]
        self._firsts = list(accumulate((first for _, first, _ in reversed(ended)), min))[::-1]
        """Of each and all that end after it, the earliest first sight."""
        since = facts.since.timestamp()
        self._begins = sorted(max(since, first.timestamp()) for _, first, _ in ended)
        self._ends_after = _sums_from([end.timestamp() for end in self._ends])
        self._begins_after = _sums_from(self._begins)
        self._since = since
        self._whole = self._after(self._firsts[0])

    def after(self, moment: datetime) -> Part | None:
        """Those that ended after it; None where none did."""
        # Most flaws are older than what has them.
        return self._whole if moment < self._firsts[0] else self._after(moment)

    def _after(self, moment: datetime) -> Part | None:
        ended = bisect_right(self._ends, moment)
        count = len(self._ends) - ended
        if not count:
            return None
        at = max(self._since, moment.timestamp())
        begun = bisect_left(self._begins, at)
        there = count - (len(self._begins) - begun)
        seconds = self._ends_after[ended] - self._begins_after[begun] - there * at
        return Part(count=count, first_seen=self._firsts[ended], seconds=seconds)


def _sums_from(numbers: list[float]) -> list[float]:
    """From each place to the end."""
    return [*list(accumulate(reversed(numbers)))[::-1], 0.0]
