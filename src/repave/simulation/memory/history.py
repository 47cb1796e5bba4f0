"""The history in memory: what was seen and what happened."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from itertools import islice
from threading import RLock
from typing import Any

from repave.model.chain import ORIGIN, Recorded, chained
from repave.model.event import Event
from repave.model.names import Digest, FleetKey, InstanceId, ReleaseNumber, RevisionId, SlotId
from repave.model.observation import Instance, Observation, TrafficState
from repave.model.plan import Plan
from repave.model.record import seen
from repave.model.target import Order
from repave.ports.history import MARKS, MOMENTS, OVERTAKEN, Departed, Lifetime, Note, Presence, listed_at, lived, summed

MARKED_BY: Mapping[TrafficState | None, tuple[str, ...]] = {
    state: tuple(mark for mark, states in MARKS.items() if state in states) for state in TrafficState
}
"""The fields of a lifetime that a state is the first to set."""


class MemoryHistory:
    """Only ever added to."""

    def __init__(self, artifact_of: Callable[[FleetKey, RevisionId], Digest | None], *, by: str = "") -> None:
        self._artifact_of = artifact_of
        self._by = by
        self._history_guard = RLock()
        self._observations: dict[FleetKey, Observation] = {}
        self._plans: dict[FleetKey, Plan] = {}
        self._lifetimes: dict[FleetKey, dict[InstanceId, Lifetime]] = {}
        self._last_seen: dict[FleetKey, dict[InstanceId, datetime]] = {}
        """Kept beside the lifetimes: of all that live it changes with every look, and mostly nothing else does."""

        self._living: dict[FleetKey, set[InstanceId]] = {}
        self._events: list[Event] = []

    def see(self, observation: Observation, orders: Iterable[Order] = ()) -> None:
        """Keep the newest; one that was overtaken is passed over."""
        ordered = {order.slot: order.ordered_at for order in orders}
        with self._history_guard:
            kept = self._observations.get(observation.fleet)
            if not _overtaken(observation, kept):
                if kept is not None and kept.at > observation.at:
                    self._date_back(observation)
                self._observations[observation.fleet] = observation
                self.record(self._live(observation, ordered))

    def last_seen(self, fleet: FleetKey) -> Observation | None:
        """The newest observation."""
        return self._observations.get(fleet)

    def keep_plan(self, plan: Plan) -> None:
        """Keep the newest; one that was overtaken is passed over."""
        with self._history_guard:
            if not _overtaken(plan, self._plans.get(plan.fleet)):
                self._plans[plan.fleet] = plan

    def last_plan(self, fleet: FleetKey) -> Plan | None:
        """The newest plan."""
        return self._plans.get(fleet)

    def observed(self) -> tuple[FleetKey, ...]:
        """Every fleet of which an instance was ever seen, sorted."""
        return tuple(sorted(fleet for fleet, lives in self._lifetimes.items() if lives))

    def lifetimes(
        self,
        fleet: FleetKey | None = None,
        *,
        living: bool = False,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> tuple[Lifetime, ...]:
        """Of one fleet or all, oldest first."""
        fleets = self._lifetimes if fleet is None else (fleet,)
        known = self._living if living else self._lifetimes
        chosen = [
            life
            for whose in fleets
            for life in (self._lifetime(whose, name) for name in known.get(whose, ()))
            if (since is None or life.gone_at is None or life.gone_at > since)
            and (until is None or life.first_seen < until)
        ]
        return tuple(sorted(chosen, key=lambda lifetime: (lifetime.first_seen, str(lifetime.fleet), lifetime.instance)))

    def alive(self, releases: Collection[ReleaseNumber], at: datetime | None = None) -> tuple[Presence, ...]:
        """Those that run one of the releases, or ran it at that time, oldest first."""
        found = (one for one in self.lifetimes() if one.release in releases and lived(one, at))
        return tuple(Presence._make(getattr(one, name) for name in Presence._fields) for one in found)

    def departed(self, releases: Collection[ReleaseNumber], at: datetime | None = None) -> tuple[Departed, ...]:
        """Those that ran one of the releases and are gone, or were by then, counted; by release and fleet."""
        return summed(
            Departed(one.fleet, one.release, 1, one.first_seen, one.gone_at)
            for one in self.lifetimes()
            if one.release in releases and one.gone_at is not None and (at is None or one.gone_at <= at)
        )

    def named(self, name: str) -> tuple[Lifetime, ...]:
        """Those whose instance or slot has that name, oldest first."""
        return tuple(one for one in self.lifetimes() if name in (one.instance, one.slot))

    @contextmanager
    def together(self) -> Iterator[None]:
        """Nobody else writes to the history meanwhile."""
        with self._history_guard:
            yield

    @contextmanager
    def of_one_moment(self) -> Iterator[None]:
        """Nobody writes to the history meanwhile."""
        with self._history_guard:
            yield

    def record(self, events: Iterable[Event]) -> None:
        """Add to the record."""
        with self._history_guard:
            for event in events:
                self._events.append(replace(event, by=event.by or self._by, sequence=len(self._events) + 1))

    def events(self, fleet: FleetKey | None = None, *, after: int = 0, limit: int = 1000) -> tuple[Event, ...]:
        """The story after a sequence number, oldest first."""
        told = (event for event in self._events[after:] if event.message and fleet in (None, event.fleet))
        return tuple(islice(told, limit))

    def recorded(
        self, *, after: int = 0, limit: int = 1000, kinds: Collection[str] = (), fleet: FleetKey | None = None
    ) -> tuple[Recorded, ...]:
        """All of it, or what is asked for; the hashes are made when they are asked for."""
        whole = tuple(chained(self._events, ORIGIN))
        of_kind = (one for one in whole[after:] if not kinds or one.event.kind in kinds)
        ours = (one for one in of_kind if fleet is None or one.event.fleet in (None, fleet))
        return tuple(islice(ours, limit))

    def notes(self, kinds: Collection[str], *, since: datetime, until: datetime) -> Iterator[Note]:
        """What events of these kinds and of that time say of slots, in the order of the record."""
        for event in self._events:
            if since <= event.at < until and event.kind in kinds and event.fleet is not None:
                yield Note(event.fleet, SlotId(event.slot), event.message)

    def spanned(self, since: datetime, until: datetime) -> tuple[int, int]:
        """The numbers of the first and the last event of that time."""
        numbers = [event.sequence for event in self._events if since <= event.at < until]
        return (numbers[0], numbers[-1]) if numbers else (0, 0)

    def newest_of(self, fleet: FleetKey, kinds: Collection[str]) -> Event | None:
        """The last event of one of these kinds."""
        story = reversed(self._events)
        return next((event for event in story if event.fleet == fleet and event.kind in kinds), None)

    def newest_event(self) -> int:
        """How many there are."""
        return len(self._events)

    def _date_back(self, observation: Observation) -> None:
        """What a clock that was ahead dated later than now was seen by now at the latest."""
        at, fleet = listed_at(observation), observation.fleet
        for name in self._lifetimes.get(fleet, {}):
            life = self._lifetime(fleet, name)
            ahead: dict[str, Any] = {
                field: at for field in MOMENTS if (moment := getattr(life, field)) is not None and moment > at
            }
            self._lifetimes[fleet][name] = life = life._replace(**ahead)
            self._last_seen[fleet][name] = life.last_seen

    def _live(self, observation: Observation, ordered: Mapping[SlotId, datetime]) -> tuple[Event, ...]:
        """Begin, carry on and end lifetimes; only a complete list ends one. Answers what is to be recorded of it."""
        at, fleet = listed_at(observation), observation.fleet
        lifetimes = self._lifetimes.setdefault(fleet, {})
        shown = {backend.instance: backend.state for backend in observation.traffic.backends}
        listed = {instance.id: instance for instance in observation.machines.instances}
        for name, instance in listed.items():
            lifetime = lifetimes.get(name)
            if lifetime is None:
                lifetime = lifetimes[name] = _born(instance, observation, ordered)
            marks: dict[str, Any] = {
                mark: min(observation.traffic.at, observation.at)
                for mark in MARKED_BY.get(shown.get(name), ())
                if getattr(lifetime, mark) is None
            }
            if marks or lifetime.gone_at is not None:
                lifetimes[name] = lifetime._replace(gone_at=None, **marks)
        self._last_seen.setdefault(fleet, {}).update(dict.fromkeys(listed, at))
        living = self._living.setdefault(fleet, set())
        began = {name: self._artifact_of(fleet, listed[name].revision) for name in listed.keys() - living}
        ended = set() if observation.machines.incomplete else living - listed.keys()
        for name in ended:
            lifetimes[name] = lifetimes[name]._replace(gone_at=at)
        living.update(listed)
        living.difference_update(ended)
        return seen(observation, began, ended)

    def _lifetime(self, fleet: FleetKey, name: InstanceId) -> Lifetime:
        return self._lifetimes[fleet][name]._replace(last_seen=self._last_seen[fleet][name])


def _overtaken(late: Observation | Plan, kept: Observation | Plan | None) -> bool:
    return kept is not None and late.at < kept.at <= late.at + OVERTAKEN


def _born(instance: Instance, observation: Observation, ordered: Mapping[SlotId, datetime]) -> Lifetime:
    return Lifetime(
        fleet=observation.fleet,
        instance=instance.id,
        slot=instance.slot,
        revision=instance.revision,
        release=instance.release,
        zone=instance.zone,
        first_seen=listed_at(observation),
        last_seen=listed_at(observation),
        served_from=None,
        gone_at=None,
        launched_at=min(ordered.get(instance.slot, instance.started_at), listed_at(observation)),
    )
