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
    floor = [0.0] * len(counters)
    bands = []
    for index, name in enumerate(names):
        ceiling = [low + counter.get(name, 0) * scale for low, counter in zip(floor, counters, strict=True)]
        upper = _points(ceiling, height)
        lower = list(reversed(_points(floor, height)))
        path = "M" + " L".join(f"{x:.1f} {y:.1f}" for x, y in [*upper, *lower]) + " Z"
        bands.append(Band(name=name, colour=PALETTE[index % len(PALETTE)], path=path))
        floor = ceiling
    return tuple(bands)


def line(values: Sequence[float], scale: float, height: float) -> str:
    """The path of one line, ``scale`` high for each unit, in a panel ``height`` high."""
    return "M" + " L".join(f"{x:.1f} {y:.1f}" for x, y in _points([value * scale for value in values], height))


def _points(values: Sequence[float], height: float) -> list[tuple[float, float]]:
    """A staircase: each moment holds its value until the next."""
    step = WIDTH / len(values)
    corners = []
    for index, value in enumerate(values):
        corners += [(index * step, height - value), ((index + 1) * step, height - value)]
    return corners
