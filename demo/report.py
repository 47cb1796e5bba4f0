"""The report: one HTML page without anything from elsewhere, made to be looked at."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from demo.timeline import Act, Second
from repave.simulation.drawing import WIDTH, Band, in_order, line, stack

TEN_SECONDS = 10_000
"""In milliseconds."""

LETTER_WIDTH = 8.0
"""In the picture's headings, with what keeps two of them apart."""


@dataclass(frozen=True, kw_only=True)
class Picture:
    """Everything the page draws, in the coordinates of its drawing (WIDTH wide)."""

    bands: tuple[Band, ...]
    zones: tuple[Band, ...]
    median: str
    slowest: str
    failures: tuple[tuple[float, float], ...]
    """Where on the time axis, and how many."""

    acts: tuple[tuple[float, float, str, str], ...]
    """From, width, what is written above, title."""

    ticks: tuple[tuple[float, str], ...]
    most_instances: int
    wanted_at: float
    """Where the wanted size lies in the instances' panel."""

    slowest_at_most: str
    """What the height of the latency's panel stands for."""


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
        acts=tuple(
            ((act.begins - begins) * step, act.seconds * step, heading(number, act, act.seconds * step), act.title)
            for number, act in enumerate(acts, start=1)
        ),
        ticks=tuple((index * step, f"{index} s") for index in range(0, length, max(10, length // 100 * 10))),
        most_instances=most,
        wanted_at=height - size * height / most,
        slowest_at_most=duration(slowest),
    )


def heading(number: int, act: Act, width: float) -> str:
    """The act's number, with its name where that has room; the table below the picture has both."""
    named = f"{number} {act.name}"
    return named if len(named) * LETTER_WIDTH <= width else str(number)


def duration(milliseconds: float) -> str:
    """Short: seconds once there are ten of them."""
    return f"{milliseconds:.0f} ms" if milliseconds < TEN_SECONDS else f"{milliseconds / 1000:.0f} s"


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
