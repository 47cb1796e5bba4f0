"""Classify first: every instance of a fleet stands in exactly one set."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cached_property
from itertools import pairwise
from operator import attrgetter
from typing import NamedTuple

from repave.model.names import InstanceId, SlotId
from repave.model.observation import Backend, Instance, MachineState, Observation, TrafficState
from repave.model.policy import FleetPolicy
from repave.model.target import FailureKind, Order, Target

UNNUMBERED = 2**62
"""Comes after every number that is ever given."""


class Standing(StrEnum):
    """What one instance is to its fleet now."""

    SERVING = "serving"
    """Gets requests: the balancer's own word."""

    READY = "ready"
    """Stands by: healthy, and gets no requests."""

    COMING = "coming"
    """Alive, not yet found healthy, within its grace."""

    LATE = "late"
    """Alive, never found healthy, and its grace is over; or it failed before and still does not serve."""

    SICK = "sick"
    """Served once, as far as is known, and is unwell; it may come back."""

    LEAVING = "leaving"
    """Gets no new requests any more, by our own doing."""

    DEAD = "dead"
    """Its process ended."""


USE = (Standing.SERVING, Standing.READY, Standing.COMING, Standing.SICK, Standing.LEAVING, Standing.LATE, Standing.DEAD)
"""From what is of most use to a fleet to what is of none."""

TOLD: Mapping[TrafficState, Standing] = {
    TrafficState.SERVING: Standing.SERVING,
    TrafficState.READY: Standing.READY,
    TrafficState.DRAINING: Standing.LEAVING,
    TrafficState.DRAINED: Standing.LEAVING,
    TrafficState.FAILING: Standing.SICK,
}
"""What the balancer's word alone decides."""


class Member(NamedTuple):
    """One instance with all that is known of it. A tuple: a plan over a large fleet makes one for each instance."""

    instance: Instance
    slot: SlotId
    """The place it fills."""

    place: int
    """Members are put in order by it: as slots were given out."""

    backend: Backend | None
    standing: Standing
    current: bool
    """Whether it runs the wanted revision."""

    patience: timedelta
    """For how long after that it may still become healthy, by the planner's clock."""

    condemned: bool
    """Whether it was judged before, as a failure or a heal."""

    @property
    def begins(self) -> datetime:
        """When its grace began."""
        return begins(self.instance, self.backend)

    @property
    def healthy_by(self) -> datetime:
        """When its grace ends, by the planner's clock."""
        return self.begins + self.patience

    @property
    def was_leaving(self) -> bool:
        """Whether it was sent away before, dead or alive."""
        return self.backend is not None and TOLD.get(self.backend.state) is Standing.LEAVING

    @property
    def has_served(self) -> bool:
        """Whether the balancer ever sent it requests, as far as is known."""
        return self.backend is not None and self.backend.state is not TrafficState.CHECKING

    @property
    def since(self) -> datetime:
        """When it came to stand where it stands, as far as is known."""
        return self.backend.since if self.backend else self.instance.started_at


@dataclass(frozen=True, kw_only=True)
class Sets:
    """A whole fleet, classified; every tuple is sorted by slot."""

    members: tuple[Member, ...]
    """One for each slot that is filled."""

    doubles: tuple[Member, ...]
    """More of a slot that is filled already: a provider has started two for one launch."""

    strays: tuple[Backend, ...]
    """Known to the balancer, unknown to the provider."""

    orders: tuple[Order, ...]
    """Launches of the wanted revision whose instance has not been seen, still within their grace."""

    beside: tuple[Order, ...]
    """The same, of the old revision, beside a canary."""

    lost: tuple[Order, ...]
    """Both, past their grace."""

    closed: tuple[SlotId, ...]
    """Orders whose instance was seen, or whose revision is no longer wanted."""

    lag: timedelta
    """How far the planner's clock is ahead of the clocks of those who saw it all. How long something has been as it
    is follows from theirs alone: a clock of ours that was set forward condemns nothing, and cuts nothing off."""

    def of(self, *standings: Standing, current: bool | None = None) -> list[Member]:
        """The members that stand so, of the wanted revision, of others or (None) of any; by standing, then by slot."""
        groups = self._standing[current]
        return [member for standing in standings for member in groups[standing]]

    @property
    def serving(self) -> int:
        """How many get requests, doubles included."""
        doubles = sum(double.standing is Standing.SERVING for double in self.doubles)
        return self.count(Standing.SERVING) + doubles

    def count(self, standing: Standing) -> int:
        """How many members stand so."""
        return len(self._standing[None][standing])

    @cached_property
    def _standing(self) -> Mapping[bool | None, Mapping[Standing, list[Member]]]:
        """By whether they are of the wanted revision (None: all), then by where they stand; each sorted by slot."""
        groups: dict[bool | None, dict[Standing, list[Member]]]
        groups = {current: {standing: [] for standing in Standing} for current in (True, False, None)}
        everybody = groups[None]
        for member in self.members:
            groups[member.current][member.standing].append(member)
            everybody[member.standing].append(member)
        return groups


def classify(policy: FleetPolicy, target: Target, observation: Observation, now: datetime) -> Sets:
    """Sort everything seen, and every open order, into sets."""
    judged = _judged(target)
    lag = now - min(observation.machines.at, observation.traffic.at)
    classifier = Classifier(target, timedelta(seconds=policy.health.grace_seconds), now, lag)
    instances, numbered = observation.machines.instances, _are_numbered(observation.machines.instances)
    ranked = instances if numbered else sorted(instances, key=_as_given_out)
    backends, strays = _matched(ranked, observation.traffic.backends)
    members = [
        classifier.member(place, instance, backend, judged.get(instance.slot))
        for place, (instance, backend) in enumerate(zip(ranked, backends, strict=True))
    ]
    # Who fills the same slot stands side by side.
    doubled = not numbered and any(one.slot == other.slot for one, other in pairwise(members))
    doubles = _doubles(members) if doubled else ()
    open_orders = sorted(target.orders, key=lambda order: (slot_number(order.slot), order.slot))
    seen = {member.slot for member in members} if open_orders else set()
    closed = [order for order in open_orders if order.slot in seen or not _is_awaited(order, target)]
    waiting = [order for order in open_orders if order not in closed]
    grace = timedelta(seconds=policy.health.grace_seconds)
    hopeful = [order for order in waiting if now - order.ordered_at < grace]
    return Sets(
        members=tuple(member for member in members if member not in doubles) if doubles else tuple(members),
        doubles=doubles,
        strays=tuple(sorted(strays, key=lambda backend: backend.instance)),
        orders=tuple(order for order in hopeful if order.revision == target.revision),
        beside=tuple(order for order in hopeful if order.revision != target.revision),
        lost=tuple(order for order in waiting if now - order.ordered_at >= grace),
        closed=tuple(order.slot for order in closed),
        lag=lag,
    )


def _are_numbered(instances: Sequence[Instance]) -> bool:
    """Whether they come as their slots were given out, one for each: then nothing need be sorted."""
    return all(one < other for one, other in pairwise(slot_number(instance.slot) for instance in instances))


def _as_given_out(instance: Instance) -> tuple[int, SlotId, InstanceId]:
    """By the number of the slot; of equals by what they are called, so that it does not matter how they came."""
    return slot_number(instance.slot), instance.slot, instance.id


def _matched(
    instances: Sequence[Instance], backends: Sequence[Backend]
) -> tuple[Sequence[Backend | None], Sequence[Backend]]:
    """The backend of each instance, and the backends of none.

    Most often both are listed in the same order: then none is searched for, a tenth of a large fleet's plan.
    """
    paired = zip(instances, backends, strict=False)
    if len(instances) == len(backends) and all(instance.id == backend.instance for instance, backend in paired):
        return backends, ()
    unmatched = {backend.instance: backend for backend in backends}
    matched = [unmatched.pop(instance.id, None) for instance in instances]
    return matched, tuple(unmatched.values())


def _is_awaited(order: Order, target: Target) -> bool:
    return order.revision == target.revision or order.slot in target.canary.baseline


def _doubles(members: Iterable[Member]) -> tuple[Member, ...]:
    """All but the one of each slot that is of most use: which serves, or may soonest; of equals the oldest."""
    kept: set[SlotId] = set()
    doubles = []
    for member in sorted(members, key=lambda member: (USE.index(member.standing), member.instance.started_at)):
        if member.slot in kept:
            doubles.append(member)
        kept.add(member.slot)
    return tuple(sorted(doubles, key=attrgetter("place")))


def begins(instance: Instance, backend: Backend | None) -> datetime:
    """Grace runs from the latest new start: a balancer that lost its memory must not condemn a whole fleet."""
    return instance.started_at if backend is None else max(instance.started_at, backend.since)


def slot_number(slot: SlotId) -> int:
    """Slots are numbered as they are given out; what bears no number comes last."""
    digits = slot.rsplit("-", 1)[-1]
    return int(digits) if digits.isdecimal() else UNNUMBERED


def _judged(target: Target) -> dict[SlotId, bool]:
    """The slots that were judged before: whether they had served then."""
    served = {failure.slot: failure.kind is FailureKind.SICK for failure in target.failures}
    return served | {heal.slot: True for heal in target.heals}


class Classifier:
    """What is the same for every instance of a fleet, looked up once."""

    def __init__(self, target: Target, grace: timedelta, now: datetime, lag: timedelta) -> None:
        self._revision = target.revision
        self._grace = grace
        self._now = now
        self._patience = grace + lag

    def member(self, place: int, instance: Instance, backend: Backend | None, judged: bool | None) -> Member:
        """Classify one instance by what provider and balancer say of it.

        ``place``: among all, as slots were given out; ``judged``: None when it never was, else whether it had served by
        then.
        """
        if instance.state is MachineState.STOPPED:
            standing = Standing.DEAD
        else:
            told = None if backend is None else TOLD.get(backend.state)
            standing = told or self._unserving(instance, backend, judged)
        return Member(
            instance=instance,
            slot=instance.slot,
            place=place,
            backend=backend,
            standing=standing,
            current=instance.revision == self._revision,
            patience=self._patience,
            condemned=judged is not None,
        )

    def _unserving(
        self,
        instance: Instance,
        backend: Backend | None,
        judged: bool | None,
    ) -> Standing:
        """How one stands that is alive, and of which the balancer says nothing but that it is checked."""
        if judged is not None:
            return Standing.SICK if judged else Standing.LATE
        # What has an address and is not attached waits for us, not we for it.
        if self._now < begins(instance, backend) + self._patience or (backend is None and instance.address is not None):
            return Standing.COMING
        return Standing.SICK if self._attached_anew(instance, backend) else Standing.LATE

    def _attached_anew(self, instance: Instance, backend: Backend | None) -> bool:
        """Whether the balancer began to check it long after its start, as after losing its memory."""
        return backend is not None and backend.since - instance.started_at > self._grace
