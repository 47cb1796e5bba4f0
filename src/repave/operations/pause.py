"""Pausing: nothing of a fleet is changed until it is resumed, or the time is over; what serves goes on serving."""

from dataclasses import dataclass
from datetime import datetime

from repave.model.event import Event
from repave.model.names import FleetKey
from repave.model.plan import Rule
from repave.ports.clock import Clock
from repave.ports.store import Store


@dataclass(frozen=True, kw_only=True)
class Paused:
    """One fleet, after it."""

    environment: str
    fleet: str
    paused: bool
    until: datetime | None
    reason: str


def pause(
    fleets: tuple[FleetKey, ...],
    store: Store,
    clock: Clock,
    *,
    paused: bool,
    until: datetime | None = None,
    reason: str = "",
) -> tuple[Paused, ...]:
    """Pause or resume every fleet; resuming lets a canary go on past its checkpoint. Raises Gone: never deployed."""
    told = []
    for key in fleets:
        now = clock.now()
        words = "paused by a person" if paused else "resumed by a person"
        message = f"{words}{f', until {until.isoformat()}' if until else ''}{f': {reason}' if reason else ''}"
        passes = not paused and _waits_for_a_person(store, key)
        with store.together():
            if passes:
                store.pass_checkpoint(key)
            target = store.pause(key, now, paused=paused, until=until, reason=reason)
            kind, details = ("pause", {"until": until}) if paused else ("resume", {"passes_checkpoint": passes})
            store.record([Event(at=now, fleet=key, kind=kind, message=message, details=details)])
        told.append(
            Paused(
                environment=key.environment,
                fleet=key.fleet,
                paused=target.paused,
                until=target.paused_until,
                reason=target.paused_reason,
            )
        )
    return tuple(told)


def _waits_for_a_person(store: Store, key: FleetKey) -> bool:
    plan = store.last_plan(key)
    return plan is not None and any(hold.rule is Rule.CHECKPOINT for hold in plan.holds)
