"""What operations need of whoever acts: the controller, handed in by the wiring."""

from collections.abc import Callable
from typing import Protocol

from repave.model.names import FleetKey
from repave.model.observation import Observation
from repave.model.plan import Plan

Watcher = Callable[[Plan, Observation], None]
"""Told of every decision about every fleet: for those who show it."""


class Converge(Protocol):
    """Acts on fleets until nothing is left to do."""

    def __call__(self, fleets: tuple[FleetKey, ...], *, watcher: Watcher) -> None:
        """Observe, plan and act until every one of the fleets is as wanted, or stopped, or paused.

        May be ended at any point and called again. Raises WorldError when the world does not answer for long.
        """
        ...


def unwatched(_: Plan, __: Observation) -> None:
    """Nobody looks."""
