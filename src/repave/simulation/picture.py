"""A run as a picture: who was there over time, by release and by zone, and what was done to them."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from html import escape

from repave.simulation.drawing import WIDTH, in_order, line, stack
from repave.simulation.machines import Machine
from repave.simulation.theatre import Episode, Theatre

QUIET = timedelta(minutes=3)
"""A time in which nothing happens is drawn as if it were no longer."""

SAMPLES = 700
"""Moments that are drawn: more would be finer than the paper."""

PANEL, ZONE, ROW, ROWS = 170.0, 34.0, 7.0, 8
LEFT = 96.0


@dataclass(frozen=True, kw_only=True)
class Span:
    """One instance, as long as its process was there."""

    release: str
    zone: str
    begins: datetime
    ends: datetime


class Axis:
    """Time, with its quiet parts shortened."""

    def __init__(self, moments: Iterable[datetime]) -> None:
        self._moments = sorted(set(moments))
        self._drawn = [timedelta(0)]
        for earlier, later in zip(self._moments, self._moments[1:], strict=False):
            self._drawn.append(self._drawn[-1] + min(QUIET, later - earlier))
        self._length = max(self._drawn[-1], timedelta(seconds=1))

    def x(self, at: datetime) -> float:
        """Where a moment that happened is drawn."""
        return WIDTH * (self._drawn[bisect_left(self._moments, at)] / self._length)

    def samples(self) -> list[datetime]:
        """Moments at equal distances on the paper."""
        found, index = [], 0
        for number in range(SAMPLES):
            drawn = self._length * (number + 0.5) / SAMPLES
            while index + 1 < len(self._drawn) and self._drawn[index + 1] <= drawn:
                index += 1
            found.append(self._moments[index] + (drawn - self._drawn[index]))
        return found


def svg(theatre: Theatre) -> str:
    """The picture of a run that was played, as the text of an SVG file."""
    end = theatre.stage.world.clock.now()
    stage = theatre.stage
    spans = [_span(machine, end) for machine in stage.world.machines.values() if machine.fleet == stage.fleet]
    episodes = theatre.episodes
    axis = Axis([*_edges(spans), *(moment for each in episodes for moment in (each.begins, each.ends or end)), end])
    there = [[span for span in spans if span.begins <= at < span.ends] for at in axis.samples()]
    by_release = [Counter(span.release for span in each) for each in there]
    by_zone = [Counter(span.zone for span in each) for each in there]
    most = max(theatre.script.instances + 1, *(sum(each.values()) for each in by_release))
    zones = [str(zone) for zone in theatre.stage.policy.zones]
    height = PANEL + ZONE * len(zones) + ROW * ROWS + 70
    parts = [
        _opening(height, theatre),
        *_releases(by_release, most),
        *(
            _zone(zone, [each[zone] for each in by_zone], most, PANEL + 16 + ZONE * number)
            for number, zone in enumerate(zones)
        ),
        *_faults(episodes, axis.x, end, PANEL + 26 + ZONE * len(zones)),
        "</svg>\n",
    ]
    return "\n".join(parts)


def _span(machine: Machine, end: datetime) -> Span:
    ends = [at for at in (machine.dead_at(), machine.ended_at, end) if at is not None]
    return Span(
        release=f"r{machine.revision.release}", zone=str(machine.zone), begins=machine.launched_at, ends=min(ends)
    )


def _edges(spans: Iterable[Span]) -> Iterable[datetime]:
    for span in spans:
        yield span.begins
        yield max(span.begins, span.ends)


def _opening(height: float, theatre: Theatre) -> str:
    script = theatre.script
    title = f"seed {script.seed}: {script.instances} instances in {script.zones} zones, {script.days:g} days"
    box = f"{-LEFT:g} -34 {WIDTH + LEFT + 20:g} {height:g}"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" viewBox="{box}">',
        "<style>text { font: 12px sans-serif; fill: #6c757d; } .name { fill: #23282d; font-weight: 600; }</style>",
        f'<rect x="{-LEFT:g}" y="-34" width="100%" height="100%" fill="#fff"/>',
        f'<text x="0" y="-16" class="name">{escape(title)}; quiet times are shortened</text>',
    ]
    return "\n".join(parts)


def _releases(by_release: Sequence[Counter[str]], most: int) -> Iterable[str]:
    yield f'<text x="{-LEFT + 6:g}" y="14" class="name">instances</text>'
    yield f'<text x="{-LEFT + 6:g}" y="30">by release</text><text x="-6" y="12" text-anchor="end">{most}</text>'
    for number, band in enumerate(stack(by_release, in_order(by_release), PANEL / most, PANEL)):
        yield f'<path d="{band.path}" fill="{band.colour}" opacity=".88"><title>{escape(band.name)}</title></path>'
        x, y = 6 - LEFT + 24 * (number % 3), 48 + 16 * (number // 3)
        yield f'<text x="{x:g}" y="{y:g}" style="fill: {band.colour}">{escape(band.name)}</text>'
    yield f'<line x1="0" x2="{WIDTH:g}" y1="{PANEL:g}" y2="{PANEL:g}" stroke="#999"/>'


def _zone(zone: str, counts: Sequence[int], most: int, y: float) -> str:
    path = line([float(count) for count in counts], (ZONE - 4) / most, ZONE - 4)
    return (
        f'<g transform="translate(0 {y:g})"><text x="{-LEFT + 6:g}" y="24">zone {escape(zone)}</text>'
        f'<path d="{path}" fill="none" stroke="#444" stroke-width="1.4"/></g>'
    )


def _faults(episodes: Sequence[Episode], x: Callable[[datetime], float], end: datetime, y: float) -> Iterable[str]:
    yield f'<text x="{-LEFT + 6:g}" y="{y + 14:g}" class="name">faults</text>'
    for number, episode in enumerate(episodes):
        left, right = x(episode.begins), x(episode.ends or end)
        title = f"{episode.begins:%Y-%m-%d %H:%M} {episode.kind}: {episode.words}"
        yield (
            f'<rect x="{left:.1f}" y="{y + ROW * (number % ROWS):g}" width="{max(2.0, right - left):.1f}" '
            f'height="{ROW - 2:g}" fill="#c0392b" opacity=".75"><title>{escape(title)}</title></rect>'
        )
