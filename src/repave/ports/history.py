"""What was seen and what happened."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol

from repave.model.chain import Recorded
from repave.model.event import Event
from repave.model.names import FleetKey, InstanceId, ReleaseNumber, RevisionId, SlotId, ZoneName
from repave.model.observation import Observation, TrafficState
from repave.model.plan import Plan
from repave.model.target import Order

OVERTAKEN = timedelta(minutes=1)
"""What is older than what is kept by no more was overtaken on its way, as a store that is busy has a writer wait for
half of that. Where it is more, the clock that dated what is kept was ahead: that is replaced."""


class Lifetime(NamedTuple):
    """One instance, from when to when it was seen. A tuple: each look at a large fleet makes one for each instance."""

    fleet: FleetKey
    instance: InstanceId
    slot: SlotId
    revision: RevisionId
    release: ReleaseNumber
    zone: ZoneName
    first_seen: datetime
    last_seen: datetime
    served_from: datetime | None
    """When it was first seen serving."""

    gone_at: datetime | None
    """When a complete list first lacked it; None while it is there."""

    launched_at: datetime | None = None
    """When it was ordered; by its provider's word where no order was known; None for one of before this was kept."""

    healthy_from: datetime | None = None
    """When the balancer was first seen to find it well, whether it got requests or stood by."""

    leaving_from: datetime | None = None
    """When it was first seen to get no new requests by repave's own doing."""


class Note(NamedTuple):
    """What an event says of one slot, as far as questions about many need it."""

    fleet: FleetKey
    slot: SlotId
    message: str


class Presence(NamedTuple):
    """An instance as far as questions about many need it: fewer fields, for there are many."""

    fleet: FleetKey
    instance: InstanceId
    slot: SlotId
    revision: RevisionId
    release: ReleaseNumber
    zone: ZoneName
    first_seen: datetime
    last_seen: datetime
    gone_at: datetime | None


def lived(lifetime: Lifetime, at: datetime | None) -> bool:
    """Whether it was there at that time, from its first sight to the list that lacked it; None: whether it is."""
    if at is None or lifetime.first_seen > at:
        return at is None and lifetime.gone_at is None
    return lifetime.gone_at is None or at < lifetime.gone_at


class Departed(NamedTuple):
    """How many instances of one fleet ran one release and are gone."""

    fleet: FleetKey
    release: ReleaseNumber
    instances: int
    first_seen: datetime
    """The first of them."""

    gone_at: datetime
    """The last of them."""


def summed(parts: Iterable[Departed]) -> tuple[Departed, ...]:
    """Of each release and fleet one, sorted."""
    whole: dict[tuple[ReleaseNumber, FleetKey], Departed] = {}
    for part in parts:
        known = whole.get((part.release, part.fleet), part._replace(instances=0))
        whole[part.release, part.fleet] = part._replace(
            instances=known.instances + part.instances,
            first_seen=min(known.first_seen, part.first_seen),
            gone_at=max(known.gone_at, part.gone_at),
        )
    return tuple(whole[key] for key in sorted(whole))


MARKS: Mapping[str, frozenset[TrafficState]] = {
    "served_from": frozenset({TrafficState.SERVING}),
    "healthy_from": frozenset({TrafficState.SERVING, TrafficState.READY}),
    "leaving_from": frozenset({TrafficState.DRAINING, TrafficState.DRAINED}),
}
"""The fields of a lifetime that hold when the balancer was first seen to show it so."""

MOMENTS = ("first_seen", "last_seen", "gone_at", "launched_at", *MARKS)
"""The fields of a lifetime that hold a time."""


def listed_at(observation: Observation) -> datetime:
    """When its machines were listed: what is shown as last seen may bear the time of a clock that was ahead."""
    return min(observation.machines.at, observation.at)


class History(Protocol):
    """Only ever added to."""

    def see(self, observation: Observation, orders: Iterable[Order] = ()) -> None:
        """Keep the newest observation, and the lifetimes that follow from it; one that was overtaken is passed over.

        Where what is kept was dated by a clock that was ahead, the lifetimes' dates beyond this observation become its.
        ``orders``: those that were open when it was made; the launch of an instance counts from its order.
        """
        ...

    def last_seen(self, fleet: FleetKey) -> Observation | None:
        """The newest observation."""
        ...

    def keep_plan(self, plan: Plan) -> None:
        """Keep the newest plan, for those who ask why; one that was overtaken is passed over."""
        ...

    def last_plan(self, fleet: FleetKey) -> Plan | None:
        """The newest plan."""
        ...

    def observed(self) -> tuple[FleetKey, ...]:
        """Every fleet of which an instance was ever seen, sorted; also those that are destroyed."""
        ...

    def lifetimes(
        self,
        fleet: FleetKey | None = None,
        *,
        living: bool = False,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> tuple[Lifetime, ...]:
        """Of one fleet or all, oldest first.

        ``living`` leaves out those that are gone, ``since`` those that were gone by then, and ``until`` those that
        were not yet seen before it.
        """
        ...

    def alive(self, releases: Collection[ReleaseNumber], at: datetime | None = None) -> tuple[Presence, ...]:
        """Those that run one of the releases, or ran it at that time, oldest first."""
        ...

    def departed(self, releases: Collection[ReleaseNumber], at: datetime | None = None) -> tuple[Departed, ...]:
        """Those that ran one of the releases and are gone, or were by then, counted; by release and fleet."""
        ...

    def named(self, name: str) -> tuple[Lifetime, ...]:
        """Those whose instance or slot has that name, oldest first."""
        ...

    def together(self) -> AbstractContextManager[None]:
        """What is written within is written all or not at all, by this thread; within another, it is a part of that.

        An event is recorded together with what it tells, so that neither is there without the other. In memory, where
        no write fails half-way, what was written before a failure stays.
        """
        ...

    def of_one_moment(self) -> AbstractContextManager[None]:
        """What this thread reads within is of one moment: what others write meanwhile is not seen.

        For questions of several parts, whose answers fit each other then, and come sooner.
        """
        ...

    def record(self, events: Iterable[Event]) -> None:
        """Add to the record: each event is numbered, and chained to the one before it."""
        ...

    def events(self, fleet: FleetKey | None = None, *, after: int = 0, limit: int = 1000) -> tuple[Event, ...]:
        """The story, which is all events with a message, after a sequence number, oldest first, ``limit`` at most."""
        ...

    def recorded(
        self, *, after: int = 0, limit: int = 1000, kinds: Collection[str] = (), fleet: FleetKey | None = None
    ) -> tuple[Recorded, ...]:
        """All that is recorded after a sequence number, oldest first, with hashes.

        Or what of it is of these ``kinds``; and of this ``fleet`` or of none.
        """
        ...

    def notes(self, kinds: Collection[str], *, since: datetime, until: datetime) -> Iterator[Note]:
        """What events of these kinds say of slots, in the order of the record: those of that time, its end left out.

        To be read to the end at once.
        """
        ...

    def spanned(self, since: datetime, until: datetime) -> tuple[int, int]:
        """The sequence numbers of the first and the last event of that time, its end left out; 0 and 0 without any.

        Between them may be events of other times: what is learned late has the time at which it happened, and clocks
        are set.
        """
        ...

    def newest_of(self, fleet: FleetKey, kinds: Collection[str]) -> Event | None:
        """The last event of the fleet that is of one of these kinds; None when there was none."""
        ...

    def newest_event(self) -> int:
        """The sequence number of the newest event of all; 0 before the first."""
        ...
