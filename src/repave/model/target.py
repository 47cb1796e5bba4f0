"""Target: what is wanted of one fleet now, and what repave itself has ordered and learned on the way there."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from repave.model.canary import CanaryStage
from repave.model.disruption import Disruption
from repave.model.exposure import Exposure
from repave.model.names import FleetKey, ReleaseNumber, RevisionId, SlotId, ZoneName
from repave.model.revocation import Revoked
from repave.model.scaling import SizeHistory
from repave.model.wishes import Protection, Replacement


@dataclass(frozen=True, kw_only=True)
class Order:
    """A launch that was committed and whose instance has not been seen yet: it counts, and is given again."""

    slot: SlotId
    revision: RevisionId
    zone: ZoneName
    ordered_at: datetime


class FailureKind(StrEnum):
    """Why an instance of a revision, or its launch, failed."""

    NEVER_HEALTHY = "never-healthy"
    CRASHED = "crashed"
    SICK = "sick"
    """Was serving, then failed its checks."""

    LOST = "lost"
    """Ordered, never seen: says nothing about the revision."""

    WORSE = "worse"
    """Answers clearly worse than the old release beside it."""

    RELAPSED = "relapsed"
    """Of a revision that carries the fleet: ended, fell sick or did not come up. It paces launches only."""

    REFUSED = "refused"
    """The provider denied the launch or called it invalid."""

    NO_CAPACITY = "no-capacity"
    """The zone had no room: says nothing about the revision."""

    ZONE_LOST = "zone-lost"
    """Went down with its whole zone: says nothing about the revision."""


@dataclass(frozen=True, kw_only=True)
class Failure:
    """One instance of one revision that failed here; kept after the instance is gone."""

    slot: SlotId
    revision: RevisionId
    zone: ZoneName
    kind: FailureKind
    at: datetime
    detail: str = ""


@dataclass(frozen=True, kw_only=True)
class Heal:
    """One running instance that was replaced for looking sick: a draw on the healing limit."""

    slot: SlotId
    at: datetime


@dataclass(frozen=True, kw_only=True)
class Sickness:
    """One time that an instance which served began to fail its checks."""

    slot: SlotId
    since: datetime
    """By the balancer's word."""


@dataclass(frozen=True, kw_only=True)
class Proof:
    """A revision that once carried this whole fleet in good health."""

    revision: RevisionId
    release: ReleaseNumber
    at: datetime
    bootable: bool = True
    """False once its artifact is no longer where the provider could start it from."""


@dataclass(frozen=True, kw_only=True)
class ZoneOut:
    """A zone that a person took out: nothing is launched there, and what runs there is replaced in the others."""

    zone: ZoneName
    since: datetime
    reason: str
    until: datetime | None = None
    """When it comes back by itself; None when only a person brings it back."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """What is wanted of one fleet. Every change of it, a committed plan included, has a generation of its own."""

    fleet: FleetKey
    generation: int
    revision: RevisionId
    release: ReleaseNumber
    size: int
    since: datetime
    """When this revision became the wanted one."""

    next_slot: int = 1
    """The number of the next slot; numbers are never given twice."""

    orders: tuple[Order, ...] = ()
    failures: tuple[Failure, ...] = ()
    """Of the last day, oldest first, of any revision."""

    heals: tuple[Heal, ...] = ()
    """Within the healing window or longer, oldest first."""

    sicknesses: tuple[Sickness, ...] = ()
    """Of the last day, in the order in which they were noticed: who falls sick again and again."""

    healing_stopped: datetime | None = None
    """Since when the sick are no longer replaced, because too many fell sick at once; None while they are."""

    healing_allowed: datetime | None = None
    """When a person last said that what looks sick then is sick."""

    disruptions: tuple[Disruption, ...] = ()
    """The ledger of the last hour, oldest first: each instance that was taken out stands once."""

    proven: tuple[Proof, ...] = ()
    """Oldest first; a revision stands once, at its latest proof."""

    recorded: frozenset[RevisionId] | None = None
    """Revisions that a record tells of: the fleet can be returned to no other. None where nobody asks, since what is
    wanted carried the fleet before."""

    revoked: tuple[Revoked, ...] = ()
    """Of this fleet's revisions those that must not be started any more, sorted; each by the oldest that stands."""

    exposures: tuple[Exposure, ...] = ()
    """Of this fleet's revisions, sorted; each at most once for a severity."""

    zones_out: tuple[ZoneOut, ...] = ()
    """Sorted by zone."""

    canary: CanaryStage = field(default_factory=CanaryStage)
    switched: datetime | None = None
    """When all requests were to go over to this revision; None before, and where it took them over bit by bit."""

    paused: bool = False
    """An operator asked for no change except keeping what serves."""

    paused_since: datetime | None = None
    paused_until: datetime | None = None
    """When the pause ends by itself; None: when a person ends it."""

    paused_reason: str = ""
    protections: tuple[Protection, ...] = ()
    """By slot; those that are over may still stand."""

    replacements: tuple[Replacement, ...] = ()
    """By slot: a person asked for them."""

    stopped: str = ""
    """Why nothing of this revision is launched any more; empty when it may be."""

    size_history: SizeHistory = field(default_factory=SizeHistory)
    """Of a fleet whose size follows metrics or the clock."""
