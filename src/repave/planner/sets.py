"""Classify first: every instance of a fleet stands in exactly one set."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from repave.model.names import SlotId
from repave.model.observation import Backend, Instance, MachineState, Observation, TrafficState
from repave.model.policy import FleetPolicy
from repave.model.target import Order, Target


class Standing(StrEnum):
    """What one instance is to its fleet now."""

    SERVING = "serving"
    """Gets requests: the balancer's own word."""

    COMING = "coming"
    """Alive, not yet found healthy, within its grace."""

    LATE = "late"
    """Alive, not found healthy within its grace."""

    SICK = "sick"
    """Served, then failed the balancer's checks."""

    LEAVING = "leaving"
    """Gets no new requests any more, by our own doing."""

    DEAD = "dead"
    """Its process ended."""


@dataclass(frozen=True, kw_only=True)
class Member:
    """One instance with all that is known of it."""

    instance: Instance
    backend: Backend | None
    standing: Standing
    current: bool
    """Whether it runs the wanted revision."""

    healthy_by: datetime
    """When its grace ends."""

    @property
    def slot(self) -> SlotId:
        """The place it fills."""
        return self.instance.slot

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

    def of(self, *standings: Standing, current: bool) -> tuple[Member, ...]:
        """The members of the wanted revision (or of others) that stand so."""
        return tuple(m for m in self.members if m.current == current and m.standing in standings)


def classify(policy: FleetPolicy, target: Target, observation: Observation, now: datetime) -> Sets:
    """Sort everything seen, and every open order, into sets."""
    backends = {backend.instance: backend for backend in observation.traffic.backends}
    members = [
        _member(policy, target, instance, backends.pop(instance.id, None), now)
        for instance in sorted(
            observation.machines.instances, key=lambda instance: (slot_number(instance.slot), instance.id)
        )
    ]
    seen = {member.slot for member in members}
    open_orders = sorted(target.orders, key=lambda order: slot_number(order.slot))
    waiting = [order for order in open_orders if order.slot not in seen and order.revision == target.revision]
    grace = timedelta(seconds=policy.health.grace_seconds)
    lost = tuple(order for order in waiting if now - order.ordered_at >= grace)
    return Sets(
        members=tuple(members),
        strays=tuple(sorted(backends.values(), key=lambda backend: backend.instance)),
        orders=tuple(order for order in waiting if order not in lost),
        lost=lost,
        closed=tuple(order.slot for order in open_orders if order.slot in seen or order.revision != target.revision),
    )


def slot_number(slot: SlotId) -> tuple[int, str]:
    """Order slots as they were given out; what bears no number comes last."""
    digits = slot.rsplit("-", 1)[-1]
    return (int(digits), slot) if digits.isdigit() else (2**62, slot)


def _member(policy: FleetPolicy, target: Target, instance: Instance, backend: Backend | None, now: datetime) -> Member:
    # The grace runs from the latest new start: a balancer that lost its memory must not condemn a whole fleet.
    begins = instance.started_at if backend is None else max(instance.started_at, backend.since)
    healthy_by = begins + timedelta(seconds=policy.health.grace_seconds)
    return Member(
        instance=instance,
        backend=backend,
        standing=_standing(
            instance, backend, late=backend is not None and now >= healthy_by, never_up=now >= healthy_by
        ),
        current=instance.revision == target.revision,
        healthy_by=healthy_by,
    )


def _standing(instance: Instance, backend: Backend | None, *, late: bool, never_up: bool) -> Standing:
    if instance.state is MachineState.STOPPED:
        return Standing.DEAD
    if backend is None:
        # Without an address it cannot be attached: its start is what takes too long.
        return Standing.LATE if never_up and instance.address is None else Standing.COMING
    match backend.state:
        case TrafficState.SERVING:
            return Standing.SERVING
        case TrafficState.FAILING:
            return Standing.SICK
        case TrafficState.DRAINING | TrafficState.DRAINED:
            return Standing.LEAVING
        case TrafficState.CHECKING:
            return Standing.LATE if late else Standing.COMING
