"""Watching: what is known of how fresh locks and fleets are, and what is decided of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from repave.model.names import Digest, EnvironmentName, FleetKey, FleetName, ImageName, ReleaseNumber
from repave.model.release import Release
from repave.model.review import Review


class Kind(StrEnum):
    """Why a lock is to move."""

    REPAIRS = "repairs"
    """What has flaws is repaired, and nothing else moves."""

    UPDATES = "updates"
    """Everything becomes the newest that its recipe admits."""


@dataclass(frozen=True, order=True, kw_only=True)
class KnownFlaw:
    """One flaw of one package of a lock, that nobody's word dismisses."""

    package: str
    name: str
    """A CVE where it has one, else its own name."""

    images: tuple[ImageName, ...]
    repairable: bool
    """Whether a repair is known; whether ranges admit it shows when it is taken."""


@dataclass(frozen=True, kw_only=True)
class KnownLock:
    """What all sources say of one lock."""

    flaws: frozenset[KnownFlaw] = frozenset()
    unknown: tuple[str, ...] = ()
    """Sources that could not be read, or are too old, in words: while there is one, it is not clean."""

    unjudged: tuple[str, ...] = ()
    """Packages that no source covers, in words: neither clean nor vulnerable."""

    gaps: frozenset[str] = frozenset()
    """What both are about, by name: sources and ecosystems. Behind a gap that another lock has not may be all that
    was found in that one."""


@dataclass(frozen=True, kw_only=True)
class RunningFleet:
    """One fleet that something is wanted of."""

    fleet: FleetKey
    image: ImageName
    wanted: ReleaseNumber
    living: frozenset[ReleaseNumber] = frozenset()
    """What its instances run."""

    paused: bool = False
    """By a person, until somebody lets it go on."""

    due: Mapping[str, datetime] = field(default_factory=dict)
    """By flaw, when it is to be gone from here; flaws without a deadline are left out."""


@dataclass(frozen=True, kw_only=True)
class Proposed:
    """A lock that was proposed, to be written at once or once people have agreed."""

    kind: Kind
    base: Digest
    """The lock it was made from; the same as ``lock`` where nothing was to be moved."""

    lock: Digest
    fleets: tuple[FleetName, ...]
    """Updates: whose week it was. Sorted."""

    at: datetime


@dataclass(frozen=True, kw_only=True)
class Known:
    """All that is known when freshness is decided."""

    present: Digest
    """The lock in the project's folder."""

    locks: Mapping[Digest, KnownLock]
    """The present one, and those of all releases that run or may come to run."""

    drift: tuple[str, ...] = ()
    """What recipes and files say and the present lock does not match."""

    releases: tuple[Release, ...] = ()
    running: tuple[RunningFleet, ...] = ()
    """By environment, in pipeline order."""

    fleets: Mapping[FleetName, ImageName] = field(default_factory=dict)
    """Those that the file declares."""

    proposals: tuple[Proposed, ...] = ()
    """Oldest first."""

    reviews: Mapping[Kind, Review] = field(default_factory=dict)
    """The newest of each kind, where people look at lock changes."""

    tried: bool = False
    """Whether all repairs that could be taken were taken a moment ago: what still has one is held by its range."""


class Rule(StrEnum):
    """Why something is not done now."""

    UNREPAIRED = "unrepaired"
    UNKNOWN = "unknown"
    DRIFT = "drift"
    UNBAKED = "unbaked"
    REVIEW = "review"
    CLOSED = "closed"
    PAUSED = "paused"
    WEEK = "week"


RULES: Mapping[Rule, str] = {
    Rule.UNREPAIRED: "no repair is known",
    Rule.UNKNOWN: "what cannot be read is not clean: only repairs go on",
    Rule.DRIFT: "a lock that its recipes and files have left is moved by a person",
    Rule.UNBAKED: "a lock that a person made is baked by a person",
    Rule.REVIEW: "people look at a lock before it changes",
    Rule.CLOSED: "what people have closed does not come again by itself",
    Rule.PAUSED: "what a person has paused is left as it is",
    Rule.WEEK: "what repairs nothing moves once per fleet and week",
}


@dataclass(frozen=True, kw_only=True)
class Wait:
    """One thing that is not done now, and the one rule that holds it."""

    rule: Rule
    detail: str
    until: datetime | None = None
    """When it ends by itself; None when somebody must do something, or something be published."""

    remedy: str = ""


@dataclass(frozen=True, kw_only=True)
class Relock:
    """The lock is to be made anew, now."""

    kind: Kind
    images: tuple[ImageName, ...]
    """Those in which something is to move, sorted."""

    fleets: tuple[FleetName, ...] = ()
    """Updates: whose week it is. Sorted."""

    flaws: tuple[str, ...] = ()
    """Repairs: what is to be gone, sorted."""

    by: datetime | None = None
    """Repairs: when the first of it is to be gone from all that runs; None where nothing of it is due."""


@dataclass(frozen=True, kw_only=True)
class Carry:
    """A release makes an environment fresher, which retires what runs there: it is to enter as soon as gates let it."""

    environment: EnvironmentName
    release: ReleaseNumber
    closes: tuple[str, ...] = ()
    """Flaws that run there and that it has not, sorted."""

    by: datetime | None = None
    """When the first of those is to be gone."""


@dataclass(frozen=True, kw_only=True)
class FreshnessPlan:
    """What is to be done now, in this order, and what waits."""

    at: datetime
    relock: Relock | None = None
    bake: bool = False
    """Whether the present lock is to become a release."""

    carry: tuple[Carry, ...] = ()
    """By environment in pipeline order, the newest release first."""

    finish: tuple[EnvironmentName, ...] = ()
    """In pipeline order, where instances still run another release than one that was let in: somebody went away."""

    unknown: tuple[str, ...] = ()
    """What could not be read or is not judged, of any lock: nothing is called clean while there is anything."""

    waits: tuple[Wait, ...] = ()
    wake: datetime
    """When to look again, at the latest."""
