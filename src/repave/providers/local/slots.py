"""Slots that were used up, remembered in little space: numbered names as ranges, others by name."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from repave.model.names import SlotId

NUMBERED = re.compile(r"(.*?)(0|[1-9][0-9]{0,17})", re.DOTALL)
"""A name that ends in a number without leading zeros, so that ``web-7`` and ``web-07`` stay two slots."""


@dataclass(frozen=True, kw_only=True)
class SpentSlots:
    """A set of slots that only grows."""

    ranges: Mapping[str, tuple[tuple[int, int], ...]] = field(default_factory=dict)
    """By prefix: first and last number of each unbroken run, sorted, never touching."""

    names: frozenset[str] = frozenset()

    def __contains__(self, slot: object) -> bool:
        """Whether the slot was added."""
        if not isinstance(slot, str):
            return False
        numbered = NUMBERED.fullmatch(slot)
        if numbered is None:
            return slot in self.names
        number = int(numbered[2])
        return any(first <= number <= last for first, last in self.ranges.get(numbered[1], ()))

    def add(self, slot: SlotId) -> Self:
        """The set with the slot in it."""
        numbered = NUMBERED.fullmatch(slot)
        if numbered is None:
            return type(self)(ranges=self.ranges, names=self.names | {slot})
        runs = _with(self.ranges.get(numbered[1], ()), int(numbered[2]))
        return type(self)(ranges={**self.ranges, numbered[1]: runs}, names=self.names)


def _with(runs: tuple[tuple[int, int], ...], number: int) -> tuple[tuple[int, int], ...]:
    merged: list[tuple[int, int]] = []
    for first, last in sorted((*runs, (number, number))):
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
        else:
            merged.append((first, last))
    return tuple(merged)
