"""Plan: the steps proposed, and why each waiting thing waits. The third of the planner's four types."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal

from repave.model.canary import CanaryStage
from repave.model.disruption import Disruption, Drawer
from repave.model.names import FleetKey, InstanceId, ReleaseNumber, RevisionId, SlotId, ZoneName
from repave.model.scaling import Resize, SizeHistory, Sizing
from repave.model.target import Failure, Heal, Sickness


@dataclass(frozen=True, kw_only=True, slots=True)
class Launch:
    """Start an instance of ``revision`` in ``slot``; the same slot again starts nothing more."""

    slot: SlotId
    revision: RevisionId
    zone: ZoneName
    reason: str
    standby: bool = False
    """A balancer that is told of it while it starts checks it only: it gets requests once it is admitted."""

    kind: Literal["launch"] = "launch"


@dataclass(frozen=True, kw_only=True, slots=True)
class Attach:
    """Make the load balancer check the instance, and send it requests once it is healthy."""

    instance: InstanceId
    slot: SlotId
    address: str
    port: int | None
    """None of a worker, which listens nowhere."""

    reason: str
    standby: bool = False
    """Checked only: it gets requests once it is admitted."""

    kind: Literal["attach"] = "attach"


@dataclass(frozen=True, kw_only=True, slots=True)
class Admit:
    """Send requests to an instance that stood by."""

    instance: InstanceId
    slot: SlotId
    reason: str
    kind: Literal["admit"] = "admit"


@dataclass(frozen=True, kw_only=True, slots=True)
class StandBy:
    """Send the instance no new requests, and keep it ready for them."""

    instance: InstanceId
    slot: SlotId
    reason: str
    kind: Literal["stand-by"] = "stand-by"


@dataclass(frozen=True, kw_only=True, slots=True)
class Drain:
    """Send the instance no new requests; let the open ones end."""

    instance: InstanceId
    slot: SlotId
    reason: str
    kind: Literal["drain"] = "drain"


@dataclass(frozen=True, kw_only=True, slots=True)
class Detach:
    """Make the load balancer forget the instance."""

    instance: InstanceId
    slot: SlotId
    reason: str
    kind: Literal["detach"] = "detach"


@dataclass(frozen=True, kw_only=True, slots=True)
class Terminate:
    """End the instance."""

    instance: InstanceId
    slot: SlotId
    reason: str
    kind: Literal["terminate"] = "terminate"


Step = Launch | Attach | Admit | StandBy | Drain | Detach | Terminate
"""Steps of one slot are carried out in the plan's order; those of different slots at the same time."""


class Rule(StrEnum):
    """The rules that make something wait; ``explain`` names exactly one for each thing that does."""

    STARTING = "starting"
    """A new instance is within its grace period."""

    DRAINING = "draining"
    """Open requests of a leaving instance are ending."""

    BUDGET = "disruption-budget"
    """Replacing one more would leave fewer serving than allowed."""

    SURGE = "surge"
    """One more launch would exceed the wanted size and the surge."""

    HEALING_LIMIT = "healing-limit"
    """Too many were healed within the window: it may be a false alarm."""

    STOPPED = "stopped"
    """The revision failed too often: no launch of it."""

    PAUSED = "paused"
    """An operator paused the fleet."""

    NO_DATA = "no-data"
    """Metrics that the size follows were not measured: it stays."""

    STEADY = "stabilisation"
    """The size would change, once the metrics have asked for it long enough."""

    COOL_DOWN = "cool-down"
    """The size was changed just now: what that does is awaited."""

    SIZE_RANGE = "size-range"
    """Metrics ask for a size outside the declared range."""

    UNSETTLED = "unsettled"
    """The size is not lowered while the fleet is not as wanted, or a zone is out."""

    BACKOFF = "backoff"
    """Launches failed lately: the next try waits."""

    HOURLY = "hourly-budget"
    """As many as allowed were taken out within an hour."""

    PROTECTED = "protected"
    """A person protects the instance from all that can wait."""

    ZONE_BUDGET = "zone-budget"
    """As many as allowed leave this zone at the same time."""

    UNSEEN = "unseen"
    """The provider or balancer could not be seen completely: nothing is removed on a partial view."""

    AFTER = "after"
    """Another fleet's turn comes first."""

    REVOKED = "revoked"
    """The wanted revision must not be started any more, and there is none to go back to."""

    ZONE_OUT = "zone-out"
    """A person took the zone out: nothing is launched there."""

    SWITCH = "switch"
    """All requests go over at one time, once the whole new group is ready."""

    CANARY = "canary"
    """The step that is reached is judged before the next."""

    CHECKPOINT = "checkpoint"
    """A person is to let the next step begin."""

    KEPT = "kept"
    """It stands by as an instant way back."""

    DEADLINE = "deadline"
    """A deadline cannot be kept within capacity."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Hold:
    """Something that waits: what, by which one rule, since when, and until when if that is known."""

    subject: str
    """A slot, an instance, or the fleet."""

    rule: Rule
    detail: str
    since: datetime
    until: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Draw:
    """One request to take a serving instance out, granted or refused."""

    slot: SlotId
    drawer: Drawer
    granted: bool
    reason: str
    rule: Rule | None = None
    """What refused it; None when it is granted."""

    until: datetime | None = None
    """When it may be granted by the passing of time alone; None when only an event can, or it is granted."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Retarget:
    """The wanted revision goes back with the rollback, or the bad one would come again."""

    revision: RevisionId
    release: ReleaseNumber
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Ages:
    """How old the serving instances are, and what follows from it; times in the future unless they are due."""

    oldest: datetime
    """Birth of the oldest."""

    next_renewal: datetime | None
    """When the next is to be replaced for its age; in the past while it waits. None without a soft limit."""

    deadline: datetime | None
    """When the oldest reaches the hard limit; None without one."""

    start_by: datetime | None
    """When replacing must begin at the latest to keep every deadline and the budget of every hour."""

    limits: tuple[str, ...] = ()
    """The limits that are not the project's, each with who declares it, for people."""


class Phase(StrEnum):
    """What the fleet is doing, in one word for people."""

    CONVERGED = "converged"
    ROLLING = "rolling out"
    ROLLING_BACK = "rolling back"
    HEALING = "healing"
    RENEWING = "renewing"
    """Instances of the wanted revision are being replaced by others of it."""

    SCALING = "scaling"
    STOPPED = "stopped"
    PAUSED = "paused"


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """One decision about one fleet, made from the target of generation ``parent``."""

    fleet: FleetKey
    parent: int
    at: datetime
    phase: Phase
    summary: str
    """One line for people."""

    steps: tuple[Step, ...] = ()
    holds: tuple[Hold, ...] = ()
    draws: tuple[Draw, ...] = ()
    failures: tuple[Failure, ...] = ()
    """Judged by this plan, to be kept."""

    closed: tuple[SlotId, ...] = ()
    """Orders that need no further waiting: their instance was seen, or they were given up."""

    heals: tuple[Heal, ...] = ()
    """Drawn by this plan, to be kept."""

    sicknesses: tuple[Sickness, ...] = ()
    """Noticed by this plan, to be kept."""

    replaced: tuple[SlotId, ...] = ()
    """A person asked for these to be replaced, and they are gone."""

    resumes: bool = False
    """Whether the pause is over by its time."""

    healing: Literal["", "stops", "goes on"] = ""
    """Whether the sick are no longer replaced from now on, or are again; empty: as before."""

    disruptions: tuple[Disruption, ...] = ()
    """The granted draws that the ledger does not hold yet, to be kept."""

    next_slot: int = 1
    retarget: Retarget | None = None
    stop: str = ""
    """Why the wanted revision must not be launched any more; empty to leave the target as it is."""

    resize: Resize | None = None
    size_history: SizeHistory | None = None
    """What is to be remembered of sizes; None leaves it as it is."""

    sizing: Sizing | None = None
    """How the size was judged, for people; None where nothing moves it."""

    canary: CanaryStage | None = None
    """How far the canary has come; None leaves it where it is."""

    switch: bool = False
    """Whether all requests are to go over to the wanted revision from now on."""

    proven: RevisionId | None = None
    """A revision that carries the whole fleet in good health by this observation, and was not known to."""

    ages: Ages | None = None
    """None where no age is limited, or nobody serves."""

    wake_at: datetime | None = None
    """When something may change by the passing of time alone; None when only an event can."""

    @property
    def changes(self) -> bool:
        """Whether there is anything to commit."""
        return bool(
            self.steps
            or self.failures
            or self.closed
            or self.heals
            or self.sicknesses
            or self.healing
            or self.replaced
            or self.resumes
            or self.retarget
            or self.stop
            or self.resize
            or self.size_history
            or self.canary
            or self.switch
            or self.proven
        )
