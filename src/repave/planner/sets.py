"""Classify first: every instance of a fleet stands in exactly one set."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cached_property

from repave.model.names import SlotId
from repave.model.observation import Backend, Instance, MachineState, Observation, TrafficState
from repave.model.policy import FleetPolicy
from repave.model.target import FailureKind, Order, Target

UNNUMBERED = 2**62
"""Comes after every number that is ever given."""


class Standing(StrEnum):
    """What one instance is to its fleet now."""

    SERVING = "serving"
    """Gets requests: the balancer's own word."""

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


TOLD: Mapping[TrafficState, Standing] = {
    TrafficState.SERVING: Standing.SERVING,
    TrafficState.DRAINING: Standing.LEAVING,
    TrafficState.DRAINED: Standing.LEAVING,
    TrafficState.FAILING: Standing.SICK,
}
"""What the balancer's word alone decides."""


@dataclass(frozen=True, kw_only=True)
class Member:
    """One instance with all that is known of it."""

    instance: Instance
    number: tuple[int, str]
    """Of its slot: members are told apart and put in order by it."""

    backend: Backend | None
    standing: Standing
    current: bool
    """Whether it runs the wanted revision."""

    healthy_by: datetime
    """When its grace ends."""

    condemned: bool
    """Whether it was judged before, as a failure or a heal."""

    @property
    def slot(self) -> SlotId:
        """The place it fills."""
        return self.instance.slot

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
    strays: tuple[Backend, ...]
    """Known to the balancer, unknown to the provider."""

    orders: tuple[Order, ...]
    """Launches of the wanted revision whose instance has not been seen, still within their grace."""

    lost: tuple[Order, ...]
    """The same, past their grace."""

    closed: tuple[SlotId, ...]
    """Orders whose instance was seen, or whose revision is no longer wanted."""

    def of(self, *standings: Standing, current: bool | None = None) -> list[Member]:
        """The members that stand so, of the wanted revision, of others or (None) of any; by standing, then by slot."""
        return [
            member
            for standing in standings
            for member in self._by_standing[standing]
            if current is None or member.current == current
        ]

    @cached_property
    def _by_standing(self) -> Mapping[Standing, list[Member]]:
        by_standing: dict[Standing, list[Member]] = {standing: [] for standing in Standing}
        for member in self.members:
            by_standing[member.standing].append(member)
        return by_standing


def classify(policy: FleetPolicy, target: Target, observation: Observation, now: datetime) -> Sets:
    """Sort everything seen, and every open order, into sets."""
    backends = {backend.instance: backend for backend in observation.traffic.backends}
    judged = _judged(target)
    members = [
        _member(policy, target, Sighted(instance, backends.pop(instance.id, None), judged.get(instance.slot)), now)
        for instance in observation.machines.instances
    ]
    members.sort(key=lambda member: (member.number, member.instance.id))
    seen = {member.slot for member in members}
    open_orders = sorted(target.orders, key=lambda order: slot_number(order.slot))
    waiting = [order for order in open_orders if order.slot not in seen and order.revision == target.revision]
    grace = timedelta(seconds=policy.health.grace_seconds)
    return Sets(
        members=tuple(members),
        strays=tuple(sorted(backends.values(), key=lambda backend: backend.instance)),
        orders=tuple(order for order in waiting if now - order.ordered_at < grace),
        lost=tuple(order for order in waiting if now - order.ordered_at >= grace),
        closed=tuple(order.slot for order in open_orders if order.slot in seen or order.revision != target.revision),
    )


def slot_number(slot: SlotId) -> tuple[int, str]:
    """Order slots as they were given out; what bears no number comes last."""
    digits = slot.rsplit("-", 1)[-1]
    return (int(digits), slot) if digits.isdecimal() else (UNNUMBERED, slot)


def _judged(target: Target) -> dict[SlotId, bool]:
    """The slots that were judged before: whether they had served then."""
    served = {failure.slot: failure.kind is FailureKind.SICK for failure in target.failures}
    return served | {heal.slot: True for heal in target.heals}


@dataclass(frozen=True)
class Sighted:
    """What the provider, the balancer and the store know of one instance."""

    instance: Instance
    backend: Backend | None
    judged: bool | None
    """None: never judged; else whether it had served by then."""


def _member(policy: FleetPolicy, target: Target, sighted: Sighted, now: datetime) -> Member:
    instance, backend = sighted.instance, sighted.backend
    # The grace runs from the latest new start: a balancer that lost its memory must not condemn a whole fleet.
    begins = instance.started_at if backend is None else max(instance.started_at, backend.since)
    healthy_by = begins + timedelta(seconds=policy.health.grace_seconds)
    return Member(
        instance=instance,
        number=slot_number(instance.slot),
        backend=backend,
        standing=_standing(policy, sighted, overdue=now >= healthy_by),
        current=instance.revision == target.revision,
        healthy_by=healthy_by,
        condemned=sighted.judged is not None,
    )


def _standing(policy: FleetPolicy, sighted: Sighted, *, overdue: bool) -> Standing:
    if sighted.instance.state is MachineState.STOPPED:
        return Standing.DEAD
    known = TOLD.get(sighted.backend.state) if sighted.backend else None
    return known or _unserving(policy, sighted, overdue=overdue)


def _unserving(policy: FleetPolicy, sighted: Sighted, *, overdue: bool) -> Standing:
    """How one stands that is alive, and of which the balancer says nothing but that it is checked."""
    instance, backend = sighted.instance, sighted.backend
    if sighted.judged is not None:
        return Standing.SICK if sighted.judged else Standing.LATE
    # What has an address and is not attached waits for us, not we for it.
    if not overdue or (backend is None and instance.address is not None):
        return Standing.COMING
    return Standing.SICK if _attached_anew(policy, instance, backend) else Standing.LATE


def _attached_anew(policy: FleetPolicy, instance: Instance, backend: Backend | None) -> bool:
    """Whether the balancer began to check it long after its start, as after losing its memory: it may have served."""
    grace = timedelta(seconds=policy.health.grace_seconds)
    return backend is not None and backend.since - instance.started_at > grace
