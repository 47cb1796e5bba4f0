"""What every strategy is asked, and what it answers."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Move:
    """One fleet's capacity on its way from old instances to new ones; all numbers count instances."""

    size: int
    floor: int
    """So many must serve."""

    most: int
    """New instances that there may be by the step that is judged; ``size`` where none is."""

    surge: int
    """Above ``size``, while moving."""

    new: int
    """Of the wanted revision: serving, coming or ordered."""

    new_ready: int
    """Of the wanted revision: healthy by the balancer's checks, serving or standing by."""

    new_serving: int
    """Of the wanted revision: serving."""

    old: int
    """Of other revisions: serving, coming or standing by."""

    serving: int
    """New and old."""

    occupied: int
    """Everything alive that takes a place, new and old; what is sick and old takes none."""

    beside: int = 0
    """Of the old revision: to be started beside the new, to compare it with."""

    switched: bool
    """Whether it was decided before that all requests go over to the wanted revision."""


@dataclass(frozen=True, kw_only=True)
class Allowance:
    """What may be done now, before the disruption budget is asked."""

    launches: int
    """New instances to start."""

    above: int
    """Instances that may be alive above the size."""

    admits: int
    """New instances that stand by and may get requests now."""

    retires: int
    """Old instances that serve and may leave as the budget allows."""

    most: int
    """New instances that there are to be for now."""

    beside: int = 0
    """Instances of the old revision to start beside the new."""

    standby: bool = False
    """Whether new instances stand by until they are admitted."""

    switches: bool = False
    """Whether it is decided now that all requests go over to the wanted revision."""

    keeps: bool = False
    """Whether old instances that were proven stand by for a time before they leave."""
