"""Observation: what was seen, when, and what could not be seen. The second of the planner's four types."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from repave.model.metrics import MetricSighting
from repave.model.names import FleetKey, InstanceId, ReleaseNumber, RevisionId, SlotId, ZoneName


class MachineState(StrEnum):
    """What the provider says of an instance. One that is gone is not listed."""

    STARTING = "starting"
    RUNNING = "running"
    STOPPED = "stopped"
    """Its process ended, whatever the exit code; it still takes a place until it is terminated."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Instance:
    """One instance as its provider lists it, by the tags it was launched with."""

    id: InstanceId
    slot: SlotId
    revision: RevisionId
    release: ReleaseNumber
    zone: ZoneName
    state: MachineState
    started_at: datetime
    address: str | None
    """IP address the load balancer reaches it by; None until it has one."""

    port: int | None
    """None of a worker, which listens nowhere."""

    detail: str = ""
    """For people: exit code or signal of a stopped one."""

    said: str = ""
    """For people: the end of its console, where the provider has it at hand."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MachineSighting:
    """What one call to the provider saw of one fleet."""

    at: datetime
    instances: tuple[Instance, ...]
    incomplete: str = ""
    """Why the list may lack something; empty when it is complete."""


class TrafficState(StrEnum):
    """What the load balancer says of an instance. One it does not know is not listed."""

    CHECKING = "checking"
    """Attached, gets no requests: has not yet been found healthy."""

    SERVING = "serving"
    """Healthy by the balancer's own checks, gets requests."""

    READY = "ready"
    """Stands by: healthy by the balancer's own checks, gets no requests until it is admitted."""

    FAILING = "failing"
    """Was serving or ready, then failed its checks: gets no new requests."""

    DRAINING = "draining"
    """Gets no new requests, still has open ones."""

    DRAINED = "drained"
    """Gets no new requests and has no open ones."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Backend:
    """One instance as the load balancer sees it."""

    instance: InstanceId
    state: TrafficState
    since: datetime
    """When it came into this state."""

    sessions: int = 0
    detail: str = ""
    """For people: the last check's result."""

    passes_from: datetime | None = None
    """Of one that is being checked: when all its checks can have been good at the soonest; None where nobody knows."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TrafficSighting:
    """What one call to the load balancer saw of one fleet."""

    at: datetime
    backends: tuple[Backend, ...]
    endpoint: str = ""
    """Where clients reach the fleet, as ``http://address:port``."""

    incomplete: str = ""
    """Why the list may lack something; empty when it is complete."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Neighbour:
    """Another fleet of the environment, as far as whose turn it is hangs on it."""

    fleet: FleetKey
    release: ReleaseNumber | None
    """Wanted of it; None when nothing is."""

    carried: bool = False
    """Whether what is wanted has carried that whole fleet in good health since it is wanted."""

    returning: bool = False
    """Whether it is on its way back: what is wanted carried it before, and does not yet again."""

    stands: str = ""
    """Why it does not move by itself, in words after its name; empty when it may."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Observation:
    """Everything seen of one fleet for one decision. Known to be stale: it says of when it is."""

    fleet: FleetKey
    at: datetime
    machines: MachineSighting
    traffic: TrafficSighting
    metrics: MetricSighting = field(default_factory=MetricSighting)
    """Empty where nothing needs it."""

    neighbours: tuple[Neighbour, ...] = ()
    """The fleets that stand before or after it, by what is recorded of them."""
