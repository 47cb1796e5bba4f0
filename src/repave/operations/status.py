"""What every fleet is doing, as last seen: read from the store alone, so that it answers at once and everywhere."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from repave.model.names import EnvironmentName, FleetKey
from repave.model.observation import Instance, MachineState, Observation, TrafficState
from repave.model.plan import Ages, Plan, Rule
from repave.model.target import Target
from repave.operations.releases import title
from repave.operations.strangers import strangers
from repave.planner.demand import spoken
from repave.ports.store import Store

UNSEEN = "not seen yet"


@dataclass(frozen=True, kw_only=True)
class InstanceStatus:
    """One instance, as provider and balancer saw it."""

    instance: str
    slot: str
    release: str
    zone: str
    state: str
    """The balancer's word once it checks the instance, before that the provider's."""

    since: datetime
    """When it came into this state; for one that the balancer does not know, when it was started."""

    address: str | None
    port: int | None
    detail: str


@dataclass(frozen=True, kw_only=True)
class SizingStatus:
    """What moves the size of a fleet, by the latest plan."""

    lowest: int
    highest: int
    """Between these it may be just now."""

    measured: tuple[str, ...]
    """Each metric beside its target, as ``cpu is 41% of 60%``."""

    changed_at: datetime | None
    """When metrics or the clock last changed it; None for never."""

    reason: str
    """Why they did."""


@dataclass(frozen=True, kw_only=True)
class FleetStatus:
    """One fleet: what is wanted, and what was seen."""

    project: str
    environment: str
    fleet: str
    release: str
    """Wanted."""

    releases: dict[str, int]
    """Seen: serving instances by release."""

    phase: str
    summary: str
    size: int
    """Wanted."""

    sizing: SizingStatus | None
    """None for a size that nothing moves."""

    serving: int
    zones: dict[str, int]
    """Serving instances by zone."""

    endpoint: str
    since: datetime
    """When this release became the wanted one."""

    seen_at: datetime | None
    """Of when all of this is; None before the first look."""

    incomplete: str
    """What could not be seen then."""

    paused: bool
    paused_until: datetime | None
    paused_reason: str
    protected: dict[str, datetime]
    """By slot: until when a person protects it."""

    to_be_replaced: tuple[str, ...]
    """Slots that a person asked to be replaced."""

    healing_stopped: datetime | None
    """Since when the sick are no longer replaced, because too many fell sick at once."""

    stopped: str
    revoked: str
    """Why what is wanted must not be started any more; empty when it may."""

    unknown: tuple[str, ...]
    """Slots whose instances run what no record here knows; they count as old ones."""

    deadlines: tuple[str, ...]
    """What is due, or cannot be kept, in words."""

    ages: Ages | None
    """Of what serves, by the last plan; None where no age is limited."""

    instances: tuple[InstanceStatus, ...]


def fleet_statuses(store: Store, environment: EnvironmentName | None = None) -> tuple[FleetStatus, ...]:
    """Every fleet with a target, of one environment or of all."""
    keys = [key for key in store.fleets() if environment is None or key.environment == environment]
    return tuple(status for key in keys if (status := fleet_status(store, key)))


def fleet_status(store: Store, key: FleetKey) -> FleetStatus | None:
    """One fleet; None when it has no target."""
    target = store.target(key)
    if target is None:
        return None
    seen = store.last_seen(key)
    return status_of(target, seen, store.last_plan(key), strangers(store, key, seen))


def status_of(target: Target, seen: Observation | None, plan: Plan | None, unknown: tuple[str, ...]) -> FleetStatus:
    """Put together what is wanted, what was seen and what was planned."""
    instances = instance_statuses(seen)
    serving = [instance for instance in instances if instance.state == TrafficState.SERVING]
    return FleetStatus(
        project=target.fleet.project,
        environment=target.fleet.environment,
        fleet=target.fleet.fleet,
        release=title(target.release),
        releases=dict(sorted(Counter(instance.release for instance in serving).items())),
        phase="paused" if target.paused else plan.phase.value if plan else UNSEEN,
        summary=plan.summary if plan else "",
        size=target.size,
        sizing=_sizing(target, plan),
        serving=len(serving),
        zones=dict(sorted(Counter(instance.zone for instance in serving).items())),
        endpoint=seen.traffic.endpoint if seen else "",
        since=target.since,
        seen_at=seen.at if seen else None,
        incomplete="; ".join(filter(None, (seen.machines.incomplete, seen.traffic.incomplete))) if seen else "",
        paused=target.paused,
        paused_until=target.paused_until,
        paused_reason=target.paused_reason,
        protected={known.slot: known.until for known in target.protections},
        to_be_replaced=tuple(wish.slot for wish in target.replacements),
        healing_stopped=target.healing_stopped,
        stopped=target.stopped,
        revoked=next((one.reason for one in target.revoked if one.revision == target.revision), ""),
        unknown=unknown,
        deadlines=tuple(hold.detail for hold in plan.holds if hold.rule is Rule.DEADLINE) if plan else (),
        ages=plan.ages if plan else None,
        instances=instances,
    )


def _sizing(target: Target, plan: Plan | None) -> SizingStatus | None:
    if plan is None or plan.sizing is None:
        return None
    return SizingStatus(
        lowest=plan.sizing.lowest,
        highest=plan.sizing.highest,
        measured=tuple(spoken(gauge) for gauge in plan.sizing.gauges),
        changed_at=target.size_history.resized_at,
        reason=target.size_history.reason,
    )


def instance_statuses(seen: Observation | None) -> tuple[InstanceStatus, ...]:
    """Every instance the provider listed, oldest slot first."""
    if seen is None:
        return ()
    backends = {backend.instance: backend for backend in seen.traffic.backends}

    def one(instance: Instance) -> InstanceStatus:
        backend = backends.get(instance.id)
        known = backend is not None and instance.state is not MachineState.STOPPED
        return InstanceStatus(
            instance=instance.id,
            slot=instance.slot,
            release=title(instance.release),
            zone=instance.zone,
            state=backend.state.value if known and backend else instance.state.value,
            since=backend.since if known and backend else instance.started_at,
            address=instance.address,
            port=instance.port,
            detail=instance.detail or (backend.detail if backend else ""),
        )

    return tuple(one(instance) for instance in sorted(seen.machines.instances, key=_order_of_slots))


def _order_of_slots(instance: Instance) -> tuple[int, str]:
    """``web-9`` before ``web-10``: slots count up, so this is also their age."""
    number = instance.slot.rpartition("-")[2]
    return (int(number) if number.isdigit() else 0, instance.slot)
