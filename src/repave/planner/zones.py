"""Where instances go: spread over the zones that have room, at most one apart."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from repave.model.names import ZoneName
from repave.model.target import Failure, FailureKind

FIRST_BACKOFF_SECONDS = 30.0
"""A zone without room is left alone for as long as a cloud takes to find some; doubled each time."""

LONGEST_BACKOFF_SECONDS = 300.0
"""Longer, and a zone that is back would stay empty."""

MEMORY = timedelta(hours=1)
"""Refusals older than that say nothing about now."""


def closed_zones(failures: Iterable[Failure], now: datetime) -> dict[ZoneName, datetime]:
    """The zones that had no room lately, and until when they are left alone."""
    refusals: dict[ZoneName, list[datetime]] = {}
    for failure in failures:
        if failure.kind is FailureKind.NO_CAPACITY and now - failure.at < MEMORY:
            refusals.setdefault(failure.zone, []).append(failure.at)
    until = {
        zone: max(times)
        + timedelta(seconds=min(LONGEST_BACKOFF_SECONDS, FIRST_BACKOFF_SECONDS * 2 ** (len(times) - 1)))
        for zone, times in refusals.items()
    }
    return {zone: end for zone, end in until.items() if end > now}


class Spread:
    """The zones of one fleet, counted as instances are added."""

    def __init__(self, zones: Sequence[ZoneName], closed: Iterable[ZoneName], filled: Iterable[ZoneName]) -> None:
        shut = set(closed)
        self.usable = tuple(zone for zone in zones if zone not in shut)
        self._count = Counter(filled)

    def next(self) -> ZoneName | None:
        """The emptiest usable zone, the first named of equals; None when none is usable."""
        if not self.usable:
            return None
        chosen = min(self.usable, key=lambda zone: self._count[zone])
        self._count[chosen] += 1
        return chosen

    @property
    def uneven(self) -> bool:
        """Whether two usable zones differ by more than one."""
        counts = [self._count[zone] for zone in self.usable]
        return bool(counts) and max(counts) - min(counts) > 1

    def crowding(self, zone: ZoneName) -> int:
        """How full a zone is; one that is no longer declared counts as fullest."""
        return self._count[zone] if zone in self.usable else self._count[zone] + 10**6
