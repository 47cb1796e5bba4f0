"""The report: one HTML page without anything from elsewhere, made to be looked at."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from demo.timeline import Act, Second
from repave.simulation.drawing import WIDTH, Band, in_order, line, stack


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
    releases = in_order(second.by_release for second in timeline)
    zones = sorted({zone for second in timeline for zone in second.by_zone})
    most = max(size + 1, *(sum(second.by_release.values()) for second in timeline))
    slowest = max(50.0, *(second.slowest for second in timeline))
    scale = 90.0 / slowest
    return Picture(
        bands=stack([second.by_release for second in timeline], releases, height / most, height),
        zones=tuple(
            Band(name=zone, colour="#444", path=line([second.by_zone[zone] for second in timeline], 30.0 / most, 30.0))
            for zone in zones
        ),
        median=line([second.median for second in timeline], scale, 90.0),
        slowest=line([second.slowest for second in timeline], scale, 90.0),
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
