"""Anything at all, made of one draw: a thousand cases of a property cost what they check, not their drawing."""

from collections.abc import Iterable, Sequence
from typing import TypeVar

from hypothesis import strategies as st

Choice = TypeVar("Choice")


class Chooser:
    """Takes choices out of a row of bytes. Each has a byte of its own, so hypothesis makes each simpler by itself.

    The first of the choices is the simplest.
    """

    def __init__(self, digits: bytes) -> None:
        self._digits = digits
        self._next = 0

    def of(self, choices: Sequence[Choice]) -> Choice:
        """One of these. Raises IndexError when the bytes are used up."""
        digit = self._digits[self._next]
        self._next += 1
        return choices[digit % len(choices)]

    def number(self, least: int, most: int) -> int:
        """One of so many that a byte may not tell them apart: it takes two. The least is the simplest."""
        return least + (self.of(range(256)) * 256 + self.of(range(256))) % (most - least + 1)

    def some(self, choices: Iterable[Choice]) -> list[Choice]:
        """Any of these, in their order."""
        return [choice for choice in choices if self.of((False, True))]

    def mixed(self, items: Iterable[Choice]) -> list[Choice]:
        """All of these, in any order."""
        return sorted(items, key=lambda _: self.of(range(256)))

    def rows(self, most: int, size: int) -> list["Chooser"]:
        """Up to so many others, each with so many bytes; some are like the one before, as in life."""
        number, begins = self.of(range(most + 1)), self._next
        self._next += most * (size + 1)
        taken = self._digits[begins : self._next]
        rows: list[bytes] = []
        for place in range(0, number * (size + 1), size + 1):
            like = rows and taken[place] % 4 == 1
            rows.append(rows[-1] if like else taken[place + 1 : place + 1 + size])
        return [Chooser(row) for row in rows]


def choosers(size: int) -> st.SearchStrategy[Chooser]:
    """With so many bytes, which no choice is likelier in than another."""
    return st.binary(min_size=size, max_size=size).map(Chooser)
