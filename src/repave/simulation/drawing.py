"""Pictures over time: stacked bands and lines as paths of an SVG drawing."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

WIDTH = 1040.0
PALETTE = ("#8a5a44", "#2f6f8f", "#c0392b", "#3c7a57", "#8e6bbf", "#b8860b")
"""Releases in the order they appear: brick, water, alarm, leaf."""


@dataclass(frozen=True, kw_only=True)
class Band:
    """One name's share of the picture: a closed path."""

    name: str
    colour: str
    path: str


def in_order(counters: Iterable[Iterable[str]]) -> list[str]:
    """All names, in the order in which they first appear."""
    seen: dict[str, None] = {}
    for counter in counters:
        seen.update(dict.fromkeys(sorted(counter)))
    return list(seen)


def stack(counters: Sequence[Mapping[str, int]], names: Sequence[str], scale: float, height: float) -> tuple[Band, ...]:
    """One band for each name upon the one before, ``scale`` high for each that counts, in a panel ``height`` high."""
    step = WIDTH / len(counters)
    floor = [0.0] * len(counters)
    bands = []
    for index, name in enumerate(names):
        counted = [position for position, counter in enumerate(counters) if counter.get(name, 0)]
        ceiling = [low + counter.get(name, 0) * scale for low, counter in zip(floor, counters, strict=True)]
        first, last = counted[0], counted[-1] + 1
        upper = _staircase(ceiling[first:last], first, step, height)
        lower = list(reversed(_staircase(floor[first:last], first, step, height)))
        bands.append(Band(name=name, colour=PALETTE[index % len(PALETTE)], path=f"{_path([*upper, *lower])} Z"))
        floor = ceiling
    return tuple(bands)


def line(values: Sequence[float], scale: float, height: float) -> str:
    """The path of one line, ``scale`` high for each unit, in a panel ``height`` high."""
    return _path(_staircase([value * scale for value in values], 0, WIDTH / len(values), height))


def _path(points: Iterable[tuple[float, float]]) -> str:
    return "M" + " L".join(f"{x:.1f} {y:.1f}" for x, y in points)


def _staircase(values: Sequence[float], first: int, step: float, height: float) -> list[tuple[float, float]]:
    """The corners: each moment, the first at so many steps, holds its value until the next."""
    corners: list[tuple[float, float]] = []
    for place, value in enumerate(values, first):
        y = height - value
        if corners and corners[-1][1] == y:
            corners[-1] = ((place + 1) * step, y)
        else:
            corners += [(place * step, y), ((place + 1) * step, y)]
    return corners
