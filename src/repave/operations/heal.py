"""A person says that what looks sick is sick: it is replaced, whatever the healing limit."""

from dataclasses import dataclass

from repave.model.event import Event
from repave.model.names import FleetKey
from repave.model.observation import TrafficState
from repave.operations.status import instance_statuses
from repave.ports.clock import Clock
from repave.ports.store import Store


@dataclass(frozen=True, kw_only=True)
class HealingAllowed:
    """One fleet, after it."""

    environment: str
    fleet: str
    stopped: bool
    """Whether healing had been stopped."""

    sick: tuple[str, ...]
    """Slots that looked sick when the fleet was last seen."""


def allow_healing(
    fleets: tuple[FleetKey, ...], store: Store, clock: Clock, *, reason: str
) -> tuple[HealingAllowed, ...]:
    """Allow it in every fleet. Raises Gone for one that was never deployed."""
    return tuple(_allow(key, store, clock, reason) for key in fleets)


def _allow(key: FleetKey, store: Store, clock: Clock, reason: str) -> HealingAllowed:
    before, now = store.target(key), clock.now()
    sick = [one.slot for one in instance_statuses(store.last_seen(key)) if one.state == TrafficState.FAILING]
    message = f"a person allowed the sick to be replaced{f': {reason}' if reason else ''}"
    with store.together():
        store.allow_healing(key, now)
        store.record([Event(at=now, fleet=key, kind="healing", message=message)])
    return HealingAllowed(
        environment=key.environment,
        fleet=key.fleet,
        stopped=before is not None and before.healing_stopped is not None,
        sick=tuple(sick),
    )
