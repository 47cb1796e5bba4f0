"""What operations need of whoever acts: the controller, handed in by the wiring."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from repave.model.names import FleetKey, ReleaseNumber
from repave.model.observation import Observation
from repave.model.plan import Plan

Watcher = Callable[[Plan, Observation], None]
"""Told of every decision about every fleet: for those who show it."""


@dataclass(frozen=True, kw_only=True)
class Settled:
    """What became of one fleet."""

    fleet: FleetKey
    reached: bool
    """Whether what was asked, and nothing else, was seen serving after the last step."""

    rolled_back: bool
    overtaken: bool
    """Whether somebody asked for something else meanwhile, or destroyed the fleet."""

    timed_out: bool
    paused: bool
    release: ReleaseNumber
    """What is wanted now: another than asked after a rollback, or once it was overtaken."""

    reason: str
    """Why it did not end as asked; empty when it did."""

    size: int
    serving: int
    endpoint: str


class Converge(Protocol):
    """Acts on fleets until nothing is left to do."""

    def __call__(self, fleets: tuple[FleetKey, ...], *, watcher: Watcher) -> tuple[Settled, ...]:
        """Observe, plan and act until every one of the fleets is as wanted, or stopped, or paused.

        May be ended at any point and called again. Raises Gone for a fleet of which nothing is wanted.
        """
        ...


def unwatched(_: Plan, __: Observation) -> None:
    """Nobody looks."""
