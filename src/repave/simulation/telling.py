"""A run as a story: what was done to the fleet, and what repave did about it, in the order it happened."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from repave.model.event import Event
from repave.simulation.theatre import Theatre

EVERYTHING = 1_000_000
"""Events of one run: more than any has."""

NAMED = 3
"""So many slots are named of those that the same happens to."""

UNTOLD = frozenset({"seen"})


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line of the story."""

    at: datetime
    who: str
    """``*``: the world or a person; else what kind of thing repave saw or did."""

    words: str

    def __str__(self) -> str:
        """As people read it."""
        return f"{self.at:%m-%d %H:%M:%S}  {self.who:<10} {self.words}"


def story(theatre: Theatre) -> tuple[Line, ...]:
    """All of it. What happened to many instances in the same second is one line."""
    events = theatre.stage.store.events(theatre.stage.fleet, limit=EVERYTHING)
    told = [Line(at=each.at, who="*", words=f"{each.kind}: {each.words}") for each in theatre.trouble.told]
    return tuple(sorted([*told, *_gathered(events)], key=lambda line: (line.at, line.who != "*")))


def _gathered(events: Sequence[Event]) -> Iterator[Line]:
    told = (event for event in events if event.kind not in UNTOLD)
    for (at, kind), group in groupby(told, key=lambda event: (event.at, event.kind)):
        same = list(group)
        if len(same) == 1 or not same[0].slot:
            yield from (Line(at=at, who=kind, words=event.message) for event in same)
        else:
            yield Line(at=at, who=kind, words=f"{len(same)} instances, {_named(same)}")


def _named(events: Iterable[Event]) -> str:
    slots = [str(event.slot) for event in events]
    return ", ".join(slots) if len(slots) <= NAMED else f"{slots[0]} to {slots[-1]}"
