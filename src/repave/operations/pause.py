"""Pausing: nothing of a fleet is changed until it is resumed; what serves goes on serving."""

from dataclasses import dataclass

from repave.model.names import FleetKey
from repave.ports.clock import Clock
from repave.ports.intent import Intent


@dataclass(frozen=True, kw_only=True)
class Paused:
    """One fleet, after it."""

    environment: str
    fleet: str
    paused: bool


def pause(fleets: tuple[FleetKey, ...], intent: Intent, clock: Clock, *, paused: bool) -> tuple[Paused, ...]:
    """Pause or resume every fleet. Raises Gone for one that was never deployed."""
    return tuple(
        Paused(
            environment=key.environment,
            fleet=key.fleet,
            paused=intent.pause(key, clock.now(), paused=paused).paused,
        )
        for key in fleets
    )
