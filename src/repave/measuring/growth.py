"""How much counters have grown over some looks; pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

LOOKS_PER_WINDOW = 12
"""So many looks are kept of a window: what has left it is forgotten in steps of a twelfth, 5 s of a minute."""

Counters = Mapping[str, float]
"""Values that only grow, by name."""


@dataclass(frozen=True, kw_only=True)
class Look:
    """The counters of a fleet's instances at one moment."""

    at: datetime
    counters: Mapping[str, Counters]
    """By instance."""


@dataclass(frozen=True, kw_only=True)
class Growth:
    """What became of one instance's counters."""

    seconds: float
    """Between the first and the last look at it; above 0."""

    counters: Counters
    """By how much each has grown."""


def kept(looks: Sequence[Look], latest: Look, *, window_seconds: float) -> tuple[Look, ...]:
    """The looks of the window that ends with ``latest``, oldest first and ``latest`` last: as few as will do.

    A look from the future, as after a clock was set back, is not one of them.
    """
    begin = latest.at - timedelta(seconds=window_seconds)
    within = [look for look in looks if begin <= look.at < latest.at]
    spacing = timedelta(seconds=window_seconds / LOOKS_PER_WINDOW)
    # The newest but one makes room for the latest as long as it is near the one before it.
    if len(within) > 1 and within[-1].at - within[-2].at < spacing:
        within.pop()
    return (*within, latest)


def growth(looks: Sequence[Look], instance: str) -> Growth | None:
    """Over all the looks, oldest first, that saw the instance; None when fewer than two did.

    A counter that has become smaller began anew, as after its process was started again: it counts from zero.
    """
    seen = [(look.at, look.counters[instance]) for look in looks if instance in look.counters]
    if not seen or seen[-1][0] <= seen[0][0]:
        return None
    grown = dict.fromkeys(seen[-1][1], 0.0)
    for (_, before), (_, after) in pairwise(seen):
        for name in grown.keys() & after.keys():
            value, last = after[name], before.get(name, 0.0)
            grown[name] += value - last if value >= last else value
    return Growth(seconds=(seen[-1][0] - seen[0][0]).total_seconds(), counters=grown)
