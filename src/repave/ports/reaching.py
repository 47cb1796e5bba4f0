"""Mirrors, asked one after the other."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from repave.ports.errors import Unreachable

Place = TypeVar("Place")
Answer = TypeVar("Answer")


def first_reached(places: Sequence[Place], ask: Callable[[Place], Answer]) -> Answer:
    """The answer of the first place that can be reached.

    Raises Unreachable, with what each said, and whatever else ``ask`` raises.
    """
    *others, last = places
    passed_over: list[str] = []
    for place in others:
        try:
            return ask(place)
        except Unreachable as failure:
            passed_over.append(failure.message)
    try:
        return ask(last)
    except Unreachable as failure:
        if not passed_over:
            raise
        raise Unreachable("; ".join((*passed_over, failure.message)), hint=failure.hint) from failure
