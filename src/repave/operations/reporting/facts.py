"""What a report is made of: all that the store knows of some environments and a time, read and not yet judged."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from repave.config.freshness import Limits
from repave.model.evidence import Waiver
from repave.model.exposure import Flaw
from repave.model.finding import SourceStatus
from repave.model.names import (
    Digest,
    EnvironmentName,
    FleetKey,
    ImageName,
    ProjectName,
    ReleaseNumber,
    RevisionId,
    SlotId,
)
from repave.ports.history import Lifetime


@dataclass(frozen=True, kw_only=True)
class Dismissed:
    """Someone's word, in a VEX document, that a flaw does not apply to a package; examinations leave it out."""

    flaw: str
    package: str
    author: str
    grounds: str
    """In one word, as VEX has it."""

    reason: str
    source: str
    """The document."""


@dataclass(frozen=True, kw_only=True)
class Scanned:
    """One examination of artifacts, as it stands in the record."""

    at: datetime
    artifacts: frozenset[Digest]
    whole: bool
    """Whether every source could be read, and together they cover all that is locked."""

    sources: tuple[SourceStatus, ...]
    dismissed: tuple[Dismissed, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Made:
    """What a revision of a fleet is made of."""

    image: ImageName
    artifact: Digest


@dataclass(frozen=True, kw_only=True)
class Group:
    """The servers of one fleet that ran one revision: much is the same of all of them, and looked up once."""

    fleet: FleetKey
    release: ReleaseNumber
    made: Made | None
    """None: no record explains what they run."""

    lives: Sequence[Lifetime]
    """Oldest first."""


@dataclass(frozen=True, kw_only=True)
class Waived:
    """A person's word for a flaw, and whether the key that the file names for that person signed it."""

    waiver: Waiver
    signed: bool


@dataclass(frozen=True, kw_only=True)
class Deviation:
    """Something that a person let be otherwise than the rules would have it."""

    at: datetime
    kind: str
    """The event's kind: ``pause``, ``protect``, ``zone-out``, ``healing``, ``unrevoke``, ``emergency``, ``unseen``."""

    by: str
    place: str
    """``environment/fleet``, or the environment; empty for the project as a whole."""

    words: str


@dataclass(frozen=True, kw_only=True)
class RecordHead:
    """How far the record goes, and how far a key vouches for it."""

    first: int
    """Number of the first event of the time; 0 when there is none."""

    last: int
    """Of the last; what was learned late, or dated by a clock that was wrong, may lie far from the others."""

    number: int
    """Of the newest event of all; 0 when there is none."""

    hash: str
    began_at: datetime | None
    """When the first event of all happened: of before that nothing is known."""

    signed_number: int = 0
    """The newest event that a signed head covers; 0 when none does."""

    signed_hash: str = ""
    key: str = ""
    """Fingerprint of the key that the head names."""

    signed_at: datetime | None = None

    @property
    def events(self) -> int:
        """How many there are from the first of the time to the last: numbers have no gaps."""
        return self.last - self.first + 1 if self.first else 0


@dataclass(frozen=True, kw_only=True)
class Manual:
    """What patching by hand costs, as whoever makes the report states it."""

    minutes_per_server: int
    people: int


@dataclass(frozen=True, kw_only=True)
class Facts:
    """Everything is as it was known at ``until``: what ended later lives."""

    project: ProjectName
    environments: tuple[EnvironmentName, ...]
    since: datetime
    until: datetime
    made_at: datetime
    lifetimes: tuple[Lifetime, ...] = ()
    """Of the instances that were observed to live in the time, each once, oldest first."""

    made: Mapping[tuple[FleetKey, RevisionId], Made] = field(default_factory=dict)
    """Revisions that no record explains are missing."""

    reasons: Mapping[FleetKey, Mapping[SlotId, str]] = field(default_factory=dict)
    """Why an instance left, in the words of the record; missing where the record does not say."""

    flaws: Mapping[Digest, tuple[Flaw, ...]] = field(default_factory=dict)
    """Of each artifact, those that were published by then."""

    examined: Mapping[Digest, datetime] = field(default_factory=dict)
    """When every source was last read of an artifact; missing where none ever was."""

    scans: tuple[Scanned, ...] = ()
    """All on record until then, oldest first."""

    limits: Mapping[FleetKey, Limits] = field(default_factory=dict)
    waivers: tuple[Waived, ...] = ()
    deviations: tuple[Deviation, ...] = ()
    unseen: tuple[Deviation, ...] = ()
    """Times at which a provider or balancer showed less than all."""

    orders: Mapping[str, int] = field(default_factory=dict)
    """What people and their jobs ordered in the time, by the event's kind."""

    record: RecordHead
    manual: Manual | None = None

    @cached_property
    def groups(self) -> tuple[Group, ...]:
        """All lifetimes; the group that was seen first stands first."""
        together: dict[tuple[FleetKey, RevisionId, ReleaseNumber], list[Lifetime]] = defaultdict(list)
        for life in self.lifetimes:
            together[life.fleet, life.revision, life.release].append(life)
        return tuple(
            Group(fleet=fleet, release=release, made=self.made.get((fleet, revision)), lives=lives)
            for (fleet, revision, release), lives in together.items()
        )
