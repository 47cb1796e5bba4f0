"""What a person asks of instances: protect them for a time, or have them replaced, one or all of a fleet."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from repave.config.problems import nearest, one_of
from repave.model.event import Event
from repave.model.names import FleetKey, SlotId
from repave.model.wishes import Protection, Replacement
from repave.operations.errors import Refused
from repave.operations.status import InstanceStatus, instance_statuses
from repave.ports.clock import Clock
from repave.ports.store import Store


@dataclass(frozen=True, kw_only=True)
class Named:
    """One instance of one fleet, as last seen."""

    fleet: FleetKey
    slot: SlotId
    instance: str


@dataclass(frozen=True, kw_only=True)
class Wished:
    """What now holds of one instance."""

    environment: str
    fleet: str
    slot: str
    instance: str
    protected_until: datetime | None
    to_be_replaced: bool


def fleets_running(fleets: Iterable[FleetKey], store: Store) -> tuple[FleetKey, ...]:
    """Those of which something is wanted. Raises Refused when there is none."""
    asked = tuple(fleets)
    running = tuple(key for key in asked if store.target(key))
    if not running:
        where = asked[0].environment
        raise Refused(f"{where} was never deployed", hint=f"`repave deploy {where}`")
    return running


def instance_named(fleets: tuple[FleetKey, ...], store: Store, name: str) -> Named:
    """The instance of that slot or name in any of the fleets. Raises Refused with the nearest one."""
    known: dict[str, list[tuple[FleetKey, InstanceStatus]]] = {}
    for key in fleets:
        for one in instance_statuses(store.last_seen(key)):
            for word in {one.slot, one.instance}:
                known.setdefault(word, []).append((key, one))
    found = known.get(name, [])
    if len(found) == 1:
        ((fleet, one),) = found
        return Named(fleet=fleet, slot=SlotId(one.slot), instance=one.instance)
    if found:
        raise Refused(f"several instances are named {name}", hint="name one by its slot, as `repave status` shows it")
    slots = [one.slot for pairs in known.values() for _, one in pairs]
    meant = nearest(name, known)
    raise Refused(
        f"no instance or slot is named {name}; expected {one_of(sorted(set(slots))) if slots else 'one that was seen'}",
        hint=f"did you mean {meant}?" if meant else "`repave status` lists them",
    )


class Wishing:
    """Writes wishes down, each with its event; the planner follows them."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def protect(self, one: Named, *, until: datetime, reason: str) -> Wished:
        """Nothing that can wait takes it out until then, nor who asked before for it to be replaced.

        Raises Gone; Refused for a time that is over.
        """
        now = self._clock.now()
        if until <= now:
            raise Refused(f"{until.isoformat()} is over", hint="name a time to come, such as `--until 2h`")
        with self._store.together():
            self._store.protect(one.fleet, Protection(slot=one.slot, since=now, until=until, reason=reason))
            return self._told(one, "protect", f"{one.slot} is protected until {until.isoformat()}", reason)

    def unprotect(self, one: Named, *, reason: str) -> Wished:
        """Undo it. Raises Gone; Refused when nothing protects it."""
        target, now = self._store.target(one.fleet), self._clock.now()
        if target is None or all(known.slot != one.slot or known.until <= now for known in target.protections):
            raise Refused(f"{one.slot} is not protected", hint="`repave status` shows what is")
        with self._store.together():
            self._store.unprotect(one.fleet, one.slot)
            return self._told(one, "protect", f"{one.slot} is no longer protected", reason)

    def replace(self, one: Named, *, reason: str) -> Wished:
        """Another takes its place, launch first. Raises Gone."""
        with self._store.together():
            self._store.ask_replacement(one.fleet, Replacement(slot=one.slot, since=self._clock.now(), reason=reason))
            return self._told(one, "replace", f"a person asked for {one.slot} to be replaced", reason)

    def replace_all(self, fleet: FleetKey, *, reason: str) -> tuple[Wished, ...]:
        """Another takes the place of each that is there, as many at a time as the roll-out says; those protected stay.

        Raises Gone.
        """
        now = self._clock.now()
        with self._store.together():
            target = self._store.target(fleet)
            protected = {known.slot for known in target.protections if known.until > now} if target else set()
            return tuple(
                self.replace(Named(fleet=fleet, slot=SlotId(one.slot), instance=one.instance), reason=reason)
                for one in instance_statuses(self._store.last_seen(fleet))
                if one.slot not in protected
            )

    def _told(self, one: Named, kind: str, message: str, reason: str) -> Wished:
        now, said = self._clock.now(), f"{message}{f': {reason}' if reason else ''}"
        self._store.record([Event(at=now, fleet=one.fleet, kind=kind, slot=one.slot, message=said)])
        target = self._store.target(one.fleet)
        protections = target.protections if target else ()
        return Wished(
            environment=one.fleet.environment,
            fleet=one.fleet.fleet,
            slot=one.slot,
            instance=one.instance,
            protected_until=next((p.until for p in protections if p.slot == one.slot and p.until > now), None),
            to_be_replaced=target is not None and any(wish.slot == one.slot for wish in target.replacements),
        )
