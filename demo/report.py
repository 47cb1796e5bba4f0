"""The report: one HTML page without anything from elsewhere, made to be looked at."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from demo.timeline import Act, Second

WIDTH = 1040.0
PALETTE = ("#8a5a44", "#2f6f8f", "#c0392b", "#3c7a57", "#8e6bbf", "#b8860b")
"""Releases in the order they appear: brick, water, alarm, leaf."""


@dataclass(frozen=True, kw_only=True)
class Band:
    """One release's share of the picture: a closed path."""

    name: str
    colour: str
    path: str


@dataclass(frozen=True, kw_only=True)
class Picture:
    """Everything the page draws, in the coordinates of its drawing (WIDTH wide)."""

    bands: tuple[Band, ...]
    zones: tuple[Band, ...]
    median: str
    slowest: str
    failures: tuple[tuple[float, float], ...]
    """Where on the time axis, and how many."""

    acts: tuple[tuple[float, float, str], ...]
    """From, width, title."""

    ticks: tuple[tuple[float, str], ...]
    most_instances: int
    wanted_at: float
    """Where the wanted size lies in the instances' panel."""

    most_milliseconds: float


def picture(timeline: Sequence[Second], acts: Sequence[Act], *, size: int, height: float) -> Picture:
    """Lay the timeline out; ``size`` is the wanted number, ``height`` that of the instances' panel."""
    begins, length = timeline[0].at, len(timeline)
    step = WIDTH / length
    releases = _in_order(second.by_release for second in timeline)
    zones = sorted({zone for second in timeline for zone in second.by_zone})
    most = max(size + 1, *(sum(second.by_release.values()) for second in timeline))
    slowest = max(50.0, *(second.slowest for second in timeline))
    scale = 90.0 / slowest
    return Picture(
        bands=_stack([second.by_release for second in timeline], releases, height / most, height),
        zones=tuple(
            Band(name=zone, colour="#444", path=_line([second.by_zone[zone] for second in timeline], 30.0 / most, 30.0))
            for zone in zones
        ),
        median=_line([second.median for second in timeline], scale, 90.0),
        slowest=_line([second.slowest for second in timeline], scale, 90.0),
        failures=tuple((index * step, second.failed) for index, second in enumerate(timeline) if second.failed),
        acts=tuple(((act.begins - begins) * step, act.seconds * step, act.title) for act in acts),
        ticks=tuple((index * step, f"{index} s") for index in range(0, length, max(10, length // 100 * 10))),
        most_instances=most,
        wanted_at=height - size * height / most,
        most_milliseconds=slowest,
    )


def write(path: Path, facts: Mapping[str, Any], timeline: Sequence[Second], acts: Sequence[Act]) -> None:
    """Write the page."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    page = environment.get_template("report.html.j2")
    path.write_text(
        page.render(
            facts=facts, acts=acts, picture=picture(timeline, acts, size=facts["size"], height=150.0), width=WIDTH
        ),
        encoding="utf-8",
    )


def _in_order(counters: Iterable[Iterable[str]]) -> list[str]:
    seen: dict[str, None] = {}
    for counter in counters:
        seen.update(dict.fromkeys(sorted(counter)))
    return list(seen)


def _stack(
    counters: Sequence[Mapping[str, int]], names: Sequence[str], scale: float, height: float
) -> tuple[Band, ...]:
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


def _points(values: Sequence[float], height: float) -> list[tuple[float, float]]:
    """A staircase: each second holds its value until the next."""
    step = WIDTH / len(values)
    corners = []
    for index, value in enumerate(values):
        corners += [(index * step, height - value), ((index + 1) * step, height - value)]
    return corners


def _line(values: Sequence[float], scale: float, height: float) -> str:
    return "M" + " L".join(f"{x:.1f} {y:.1f}" for x, y in _points([value * scale for value in values], height))
