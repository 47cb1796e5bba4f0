"""The end of an environment: drained, every instance ended, the frontend removed, the target forgotten."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from repave.model.event import Event
from repave.model.names import FleetKey, SlotId
from repave.model.succession import generation_at
from repave.operations.converge import Converge, Watcher
from repave.operations.errors import Refused
from repave.ports.clock import Clock
from repave.ports.intent import Aim
from repave.ports.provider import Machines
from repave.ports.store import Store
from repave.ports.traffic import Traffic


@dataclass(frozen=True, kw_only=True)
class Destroyed:
    """One fleet that is no more."""

    environment: str
    fleet: str
    ended: int
    """Instances that lived when it began."""


class Destroying:
    """Ends fleets; may be interrupted at any point and called again."""

    def __init__(self, *, store: Store, clock: Clock, machines: Machines, traffic: Traffic, converge: Converge) -> None:
        self._store = store
        self._clock = clock
        self._machines = machines
        self._traffic = traffic
        self._converge = converge

    def destroy(self, fleets: tuple[FleetKey, ...], watcher: Watcher) -> tuple[Destroyed, ...]:
        """Scale to nothing by the ordinary way, so that open requests end; then forget.

        Raises Refused, before anything is changed, while a person protects one of those that live.
        """
        living = {key: tuple(instance.slot for instance in self._machines.observe(key).instances) for key in fleets}
        self._refuse_protected(living)
        wanted = tuple(key for key in fleets if self._empty(key))
        self._converge(wanted, watcher=watcher)
        for key in fleets:
            self._end_rest(key)
            self._traffic.remove(key)
            with self._store.together():
                self._store.forget(key)
                self._store.record([Event(at=self._clock.now(), fleet=key, kind="destroy", message="destroyed")])
        return tuple(Destroyed(environment=key.environment, fleet=key.fleet, ended=len(living[key])) for key in fleets)

    def _refuse_protected(self, living: Mapping[FleetKey, Collection[SlotId]]) -> None:
        """It would end all others, and then wait for the time that was asked for."""
        now = self._clock.now()
        for key, slots in living.items():
            target = self._store.target(key)
            for one in target.protections if target else ():
                if one.slot in slots and one.until > now:
                    until = f"{one.until:%Y-%m-%d %H:%M} UTC{f': {one.reason}' if one.reason else ''}"
                    raise Refused(
                        f"{one.slot} of {key.environment}/{key.fleet} is protected until {until}",
                        hint=f"nothing was changed; `repave unprotect {key.environment} {one.slot}` lets it go",
                    )

    def _empty(self, key: FleetKey) -> bool:
        """Want none of it; a paused fleet is resumed, since nothing of it is to be kept."""
        target = self._store.target(key)
        if target is None:
            return False
        now = self._clock.now()
        aim = Aim(revision=target.revision, release=target.release, size=0, reason="destroyed by a person")
        with self._store.together():
            if target.paused:
                self._store.pause(key, now, paused=False)
            self._store.aim(key, aim, now)
            self._store.record([Event(at=now, fleet=key, kind="destroy", message="none of it is wanted any more")])
        return True

    def _end_rest(self, key: FleetKey) -> None:
        """What no target lists any more, as after an interrupted destruction: found by its tags, ended at once."""
        target = self._store.target(key)
        generation = target.generation if target else generation_at(self._clock.now())
        for instance in self._machines.observe(key).instances:
            self._traffic.detach(key, instance.id, generation=generation)
            self._machines.terminate(key, instance.id, generation=generation)
