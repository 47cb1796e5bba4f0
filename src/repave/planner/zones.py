"""Where instances go: spread over the zones that have room, at most one apart."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from heapq import heapify, heappop, heapreplace
from operator import attrgetter

from repave.model.names import ZoneName
from repave.model.policy import FleetPolicy
from repave.model.target import Failure, FailureKind, Target
from repave.planner.sets import Member, Sets, Standing

FIRST_BACKOFF_SECONDS = 30.0
"""A zone without room is left alone for as long as a cloud takes to find some; doubled each time."""

LONGEST_BACKOFF_SECONDS = 300.0
"""Longer, and a zone that is back would stay empty."""

MEMORY = timedelta(hours=1)
"""What befell a zone longer ago says nothing about now."""

UNDECLARED = 10**6
"""A zone that is no longer declared counts as fuller than any."""


SHUT = frozenset({FailureKind.NO_CAPACITY, FailureKind.ZONE_LOST})
"""Failures that speak of the zone."""


class Zones:
    """The zones of one fleet now: which are lost, which were shut by what befell them, which a person took out."""

    def __init__(self, policy: FleetPolicy, target: Target, sets: Sets, now: datetime, *, judging: bool) -> None:
        self.declared = policy.zones
        self.lost = _lost(sets, target.failures, now, judging=judging)
        self.closed = _closed(target.failures, now)
        """Left alone until then: lost, or without room, lately."""

        self.out = {out.zone: out for out in target.zones_out if out.until is None or out.until > now}
        self.shut = self.lost.union(self.closed, self.out)
        """Where nothing is launched now."""

        if self.shut.issuperset(self.declared):
            self.shut = frozenset(self.closed).union(self.out)

    @property
    def opens_at(self) -> datetime | None:
        """When the first that was left alone is tried again."""
        return min(self.closed.values(), default=None)

    def spread(self, filled: Iterable[ZoneName]) -> "Spread":
        """The zones, filled so, that instances can be launched in."""
        return Spread(self.declared, self.shut, filled)


def _closed(failures: Iterable[Failure], now: datetime) -> dict[ZoneName, datetime]:
    """The zones that were lost or had no room lately, and until when they are left alone."""
    shut: dict[ZoneName, list[datetime]] = {}
    for failure in failures:
        if failure.kind in SHUT and timedelta(0) <= now - failure.at < MEMORY:
            shut.setdefault(failure.zone, []).append(failure.at)
    until = {zone: _reopens(times) for zone, times in shut.items()}
    return {zone: end for zone, end in until.items() if end > now}


def _lost(sets: Sets, failures: Iterable[Failure], now: datetime, *, judging: bool) -> frozenset[ZoneName]:
    """The zones where nobody serves any more of several who did: it is the zone that is ill, not each of them.

    Of a revision under judgement only what has served is a witness. In a zone that was lost lately, one that does not
    come up is enough. When as many are down elsewhere as serve there, it is not the zones.
    """
    unwell = {member.instance.zone for member in sets.of(Standing.DEAD, Standing.SICK, Standing.LATE)}
    if not unwell:
        return frozenset()
    serving = Counter(member.instance.zone for member in sets.of(Standing.SERVING))
    witnesses = [m for m in sets.of(Standing.DEAD, Standing.SICK) if m.has_served or not (m.current and judging)]
    down = Counter(member.instance.zone for member in witnesses)
    lately = {f.zone for f in failures if f.kind is FailureKind.ZONE_LOST and timedelta(0) <= now - f.at < MEMORY}
    silent = frozenset(zone for zone in unwell if not serving[zone] and (down[zone] > 1 or zone in lately))
    down_elsewhere = sum(count for zone, count in down.items() if zone not in silent)
    return silent if down_elsewhere < serving.total() else frozenset()


def _reopens(times: Iterable[datetime]) -> datetime:
    """Each new try that fails doubles the wait; those that failed together are one."""
    seconds = FIRST_BACKOFF_SECONDS
    first, *later = sorted(times)
    until = first + timedelta(seconds=seconds)
    for at in later:
        if at >= until:
            seconds = min(LONGEST_BACKOFF_SECONDS, seconds * 2)
            until = at + timedelta(seconds=seconds)
    return until


def leaving_order(members: Iterable[Member], zones: Sequence[ZoneName]) -> list[Member]:
    """So that each next one leaves the fullest zone: of equals the one that does not serve, then the oldest."""
    queues: dict[ZoneName, list[Member]] = {}
    for member in members:
        queues.setdefault(member.instance.zone, []).append(member)
    for queue in queues.values():
        # The same as by `_dispensable` at once, many times as fast.
        for rank in (attrgetter("place"), attrgetter("instance.started_at"), _serves):
            queue.sort(key=rank, reverse=True)
    declared = frozenset(zones)

    def fullness(zone: ZoneName) -> tuple[int, Dispensable, ZoneName]:
        queue = queues[zone]
        return -len(queue) - (0 if zone in declared else UNDECLARED), _dispensable(queue[-1]), zone

    fullest_first = [fullness(zone) for zone in queues]
    heapify(fullest_first)
    ordered: list[Member] = []
    while fullest_first:
        zone = fullest_first[0][2]
        ordered.append(queues[zone].pop())
        if queues[zone]:
            heapreplace(fullest_first, fullness(zone))
        else:
            heappop(fullest_first)
    return ordered


Dispensable = tuple[bool, datetime, int]
"""Whether it serves, its start, its place: the least goes first."""


def _dispensable(member: Member) -> Dispensable:
    return _serves(member), member.instance.started_at, member.place


def _serves(member: Member) -> bool:
    return member.standing is Standing.SERVING


class Spread:
    """The zones of one fleet, counted as instances are added."""

    def __init__(self, zones: Sequence[ZoneName], closed: Iterable[ZoneName], filled: Iterable[ZoneName]) -> None:
        shut = set(closed)
        self._declared = frozenset(zones)
        self.usable = tuple(zone for zone in zones if zone not in shut)
        self._count = Counter(filled)

    def next(self) -> ZoneName | None:
        """The emptiest usable zone, the first named of equals; None when none is usable."""
        if not self.usable:
            return None
        chosen = min(self.usable, key=lambda zone: self._count[zone])
        self._count[chosen] += 1
        return chosen

    def leave(self, zone: ZoneName) -> None:
        """One that was counted is to go."""
        self._count[zone] -= 1

    @property
    def uneven(self) -> bool:
        """Whether moving one instance would even the fleet out: two usable zones differ by more than one."""
        counts = [self._count[zone] for zone in self.usable]
        homeless = any(count for zone, count in self._count.items() if zone not in self._declared)
        return bool(counts) and (homeless or max(counts) - min(counts) > 1)
