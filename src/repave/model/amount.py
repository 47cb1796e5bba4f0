"""Amounts that a policy gives as a count or as a share of a fleet."""

from dataclasses import dataclass
from math import ceil


@dataclass(frozen=True, kw_only=True)
class Amount:
    """A count of instances, or a percentage of a fleet's wanted size."""

    value: int
    percent: bool = False

    def __post_init__(self) -> None:
        """Refuse what means nothing: a negative amount."""
        if self.value < 0:
            raise ValueError(f"an amount is 0 or more, not {self.value}")

    def of(self, size: int) -> int:
        """Instances out of ``size``; a percentage is rounded up, so that a small fleet can move at all."""
        return ceil(size * self.value / 100) if self.percent else self.value

    def __str__(self) -> str:
        """As the file writes it: ``2`` or ``25%``."""
        return f"{self.value}%" if self.percent else str(self.value)
