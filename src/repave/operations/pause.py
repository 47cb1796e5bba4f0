"""Pausing: nothing of a fleet is changed until it is resumed; what serves goes on serving."""

from dataclasses import dataclass

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


def pause(fleets: tuple[FleetKey, ...], store: Store, clock: Clock, *, paused: bool) -> tuple[Paused, ...]:
    """Pause or resume every fleet; resuming lets a canary go on past its checkpoint. Raises Gone: never deployed."""
    done = []
    for key in fleets:
        if not paused and _waits_for_a_person(store, key):
            store.pass_checkpoint(key)
        target = store.pause(key, clock.now(), paused=paused)
        done.append(Paused(environment=key.environment, fleet=key.fleet, paused=target.paused))
    return tuple(done)


def _waits_for_a_person(store: Store, key: FleetKey) -> bool:
    plan = store.last_plan(key)
    return plan is not None and any(hold.rule is Rule.CHECKPOINT for hold in plan.holds)
