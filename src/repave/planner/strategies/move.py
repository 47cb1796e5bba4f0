"""What every strategy is asked, and what it answers."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Move:
    """One fleet's capacity on its way from old instances to new ones; all numbers count instances."""

    size: int
    surge: int
    """Above ``size``, while moving."""

    new: int
    """Of the wanted revision: serving, coming or ordered."""

    occupied: int
    """Everything alive that takes a place, new and old; what is sick and old takes none."""


@dataclass(frozen=True, kw_only=True)
class Allowance:
    """What may be done now, before the disruption budget is asked."""

    launches: int
    """New instances to start."""

    retire_old: bool
    """Whether old instances may leave as the budget allows."""
