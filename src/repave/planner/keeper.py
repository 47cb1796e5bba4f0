"""The keeper: lowers what was decided about members to steps, where no cloud keeps groups itself."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from repave.model.names import InstanceId, SlotId
from repave.model.observation import Backend, TrafficState
from repave.model.plan import Admit, Attach, Detach, Drain, Launch, StandBy, Step, Terminate
from repave.model.policy import FleetPolicy
from repave.model.target import Order
from repave.planner.sets import Member, Standing


def launch_again(orders: Iterable[Order], *, standby: bool) -> list[Step]:
    """Orders not seen yet are given again: the same slot starts nothing more."""
    reason = "ordered, and not seen yet"
    return [
        Launch(slot=order.slot, revision=order.revision, zone=order.zone, reason=reason, standby=standby)
        for order in orders
    ]


def attach(members: Iterable[Member], *, standby: bool) -> list[Step]:
    """Whatever is alive and has an address is checked by the balancer."""
    return [
        Attach(
            instance=member.instance.id,
            slot=member.slot,
            address=member.instance.address,
            port=member.instance.port,
            reason="it is not known to the balancer",
            standby=standby,
        )
        for member in members
        if member.standing is Standing.COMING and member.backend is None and member.instance.address is not None
    ]


def admit(member: Member, reason: str) -> list[Step]:
    """One that stands by gets requests."""
    return [Admit(instance=member.instance.id, slot=member.slot, reason=reason)]


def stand_by(member: Member, reason: str) -> list[Step]:
    """One that serves gets no new requests, and stays."""
    return [StandBy(instance=member.instance.id, slot=member.slot, reason=reason)]


def drain(member: Member, reason: str) -> list[Step]:
    """A serving member leaves: no new requests first."""
    return [Drain(instance=member.instance.id, slot=member.slot, reason=reason)]


def end(member: Member, reason: str) -> list[Step]:
    """One that serves nobody goes at once."""
    ending: list[Step] = []
    if member.backend is not None:
        ending.append(Detach(instance=member.instance.id, slot=member.slot, reason=reason))
    ending.append(Terminate(instance=member.instance.id, slot=member.slot, reason=reason))
    return ending


def dismiss(policy: FleetPolicy, member: Member, reason: str) -> list[Step]:
    """One that is coming leaves: at once; or, a worker that is attached, once what it may have begun has ended."""
    works = policy.health.steady_seconds is not None and member.backend is not None
    return drain(member, reason) if works and member.standing is Standing.COMING else end(member, reason)


def may_go(policy: FleetPolicy, member: Member, now: datetime, lag: timedelta) -> bool:
    """Whether a leaving member has no open requests any more, or has had its time; ``lag``: see ``Sets``."""
    backend = member.backend
    return backend is not None and (_idle(backend) or now >= drained_by(policy, backend, lag))


def reason_to_go(policy: FleetPolicy, member: Member) -> str:
    """Why it goes now."""
    if member.backend is None or not _idle(member.backend):
        return "its drain time is over"
    return "it is drained" if policy.health.steady_seconds is None else "it does not listen to SIGTERM"


def forget(strays: Iterable[Backend]) -> list[Step]:
    """What the provider no longer has, the balancer need not know."""
    return [
        Detach(
            instance=InstanceId(stray.instance), slot=SlotId(stray.instance), reason="the provider has no such instance"
        )
        for stray in strays
    ]


def drained_by(policy: FleetPolicy, backend: Backend, lag: timedelta) -> datetime:
    """When a leaving member goes at the latest, by the planner's clock."""
    return backend.since + timedelta(seconds=policy.drain_timeout_seconds) + lag


def _idle(backend: Backend) -> bool:
    return backend.state is TrafficState.DRAINED
