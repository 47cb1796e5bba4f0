"""The order of fleets by their `after`: who comes before whom, and what makes no order."""

from collections.abc import Iterator, Mapping, Sequence

from repave.config.document import Document
from repave.config.errors import Problem
from repave.config.problems import Unfit, nearest, one_of, problem
from repave.config.words import mapping_of
from repave.model.names import FleetName
from repave.model.project import Fleet


def ahead_of(fleet: FleetName, fleets: Mapping[FleetName, Fleet]) -> tuple[FleetName, ...]:
    """Every fleet that comes before this one, directly or through another, nearest first."""
    found: dict[FleetName, None] = {}
    waiting = list(fleets[fleet].after)
    while waiting:
        name = waiting.pop(0)
        if name not in found:
            found[name] = None
            waiting += fleets[name].after
    return tuple(found)


def check_order(document: Document) -> Iterator[Problem]:
    """Names that no fleet has, and circles: each is told once, at the name that closes it."""
    named = {name: _names(fields) for name, fields in mapping_of(mapping_of(document.data).get("fleets")).items()}
    closed: set[frozenset[str]] = set()
    for fleet, others in named.items():
        for index, other in enumerate(others):
            place = document.at_value(("fleets", fleet, "after", index))
            if other not in named:
                known = tuple(name for name in named if name != fleet)
                unfit = Unfit(one_of(known), nearest=nearest(other, known))
                yield problem(document, place, f"unknown fleet `{other}` in `after`", unfit)
            elif other in others[:index]:
                yield problem(document, place, f"`{other}` stands in `after` again", Unfit("it once"))
            elif (way := _way(other, fleet, named)) and frozenset(way) not in closed:
                closed.add(frozenset(way))
                found = "a fleet cannot come after itself: " + " after ".join(f"`{name}`" for name in (fleet, *way))
                yield problem(document, place, found, Unfit("an order with a first fleet"))


def _names(fields: object) -> list[str]:
    """What stands in a fleet's `after`; what is no list of texts is told by the structure's check."""
    after = mapping_of(fields).get("after")
    return [name for name in after if isinstance(name, str)] if isinstance(after, list) else []


def _way(start: str, end: str, named: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """The names from one fleet to another, each after the next; empty when there is no such way."""
    came_from: dict[str, str] = {start: ""}
    waiting = [start]
    while waiting:
        name = waiting.pop(0)
        if name == end:
            way = [name]
            while came_from[way[-1]]:
                way.append(came_from[way[-1]])
            return tuple(reversed(way))
        fresh = [other for other in named.get(name, ()) if other not in came_from]
        came_from |= dict.fromkeys(fresh, name)
        waiting += fresh
    return ()
