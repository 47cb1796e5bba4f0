"""When what happens: bad hours with quiet days between them, drawn before anything begins."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from random import Random

from repave.simulation.chaos.kinds import Kind

DAYS_APART = 5.0
"""From one bad hour to the next, on average: each is over, and the fleet at rest, before the next begins."""

MOST_FAULTS = 7
"""In one bad hour."""

SPREAD_SECONDS = 1800.0
"""Within which they begin."""


@dataclass(frozen=True, kw_only=True)
class Planned:
    """One fault to come."""

    kind: Kind
    after: timedelta
    """The beginning."""

    lasts: timedelta


@dataclass(frozen=True, kw_only=True)
class BadHour:
    """Faults that come close together."""

    faults: tuple[Planned, ...]

    @property
    def over(self) -> timedelta:
        """When the last of them has ended."""
        return max(fault.after + fault.lasts for fault in self.faults)


def calendar(kinds: Sequence[Kind], days: float, chance: Random, *, haste: float = 1.0) -> tuple[BadHour, ...]:
    """The bad hours of so many days; none when there are no kinds. With ``haste``, all takes so much less time."""
    if not kinds:
        return ()
    hours = max(1, round(days / DAYS_APART))
    apart = timedelta(days=days) / hours
    return tuple(
        BadHour(faults=tuple(_faults(kinds, apart * (number + chance.uniform(0.1, 0.6)), chance, haste)))
        for number in range(hours)
    )


def _faults(kinds: Sequence[Kind], begins: timedelta, chance: Random, haste: float) -> Iterable[Planned]:
    for _ in range(chance.randint(2, MOST_FAULTS)):
        (kind,) = chance.choices(kinds, [kind.weight for kind in kinds])
        after = begins + timedelta(seconds=chance.uniform(0, SPREAD_SECONDS) / haste)
        yield Planned(kind=kind, after=after, lasts=timedelta(seconds=chance.uniform(*kind.seconds) / haste))
