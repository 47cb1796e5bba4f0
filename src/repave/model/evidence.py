"""Evidence: what is known when it is asked whether a release may enter an environment."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal

from repave.model.names import Digest, EnvironmentName, FleetName, PersonName, ReleaseNumber


@dataclass(frozen=True, kw_only=True)
class Approval:
    """One person agrees that one release enters one environment."""

    environment: EnvironmentName
    release: ReleaseNumber
    person: PersonName
    reason: str
    at: datetime
    signature: str = ""
    """By the person's key, over all of the above and what the release is made of."""

    kind: Literal["approval"] = "approval"


@dataclass(frozen=True, kw_only=True)
class Waiver:
    """One person answers for a flaw until a day: until then it holds no release."""

    flaw: str
    """A CVE, or what else a scan calls it."""

    person: PersonName
    reason: str
    at: datetime
    until: datetime
    signature: str = ""
    kind: Literal["waiver"] = "waiver"


@dataclass(frozen=True, kw_only=True)
class Request:
    """A person named a release for an environment: what came before it no longer holds it back there."""

    environment: EnvironmentName
    release: ReleaseNumber
    at: datetime
    emergency: str = ""
    """Why it goes through the emergency lane; empty when it does not."""

    kind: Literal["request"] = "request"


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A release was let into an environment."""

    environment: EnvironmentName
    release: ReleaseNumber
    at: datetime
    skipped: tuple[ReleaseNumber, ...] = ()
    """Releases that will not enter any more, for this one is newer."""

    emergency: str = ""
    kind: Literal["entry"] = "entry"


@dataclass(frozen=True, kw_only=True)
class Soaked:
    """An environment has carried a release in unbroken health for long enough, as was observed."""

    environment: EnvironmentName
    release: ReleaseNumber
    since: datetime
    at: datetime
    kind: Literal["soaked"] = "soaked"


@dataclass(frozen=True, kw_only=True)
class Failed:
    """A release failed in an environment."""

    environment: EnvironmentName
    release: ReleaseNumber
    at: datetime
    detail: str
    kind: Literal["failed"] = "failed"


@dataclass(frozen=True, kw_only=True)
class RolledBack:
    """A person went back from a release: none that was there by then enters by itself."""

    environment: EnvironmentName
    release: ReleaseNumber
    """The newest there was."""

    at: datetime
    kind: Literal["rolled-back"] = "rolled-back"


@dataclass(frozen=True, kw_only=True)
class Checked:
    """A check was run on a release in the environment that carries it."""

    environment: EnvironmentName
    release: ReleaseNumber
    check: str
    """Its name."""

    what: Digest
    """Of all that it was: its words in the file, and its files."""

    passed: bool
    detail: str
    """Why it did not pass, or what it found, in words; with the end of its output where it did not."""

    log: Digest
    """Of all that is kept of its output."""

    at: datetime
    """When it began."""

    kind: Literal["checked"] = "checked"


Record = Approval | Waiver | Request | Entry | Soaked | Failed | RolledBack | Checked
"""What the store keeps; told apart by ``kind``."""


@dataclass(frozen=True, kw_only=True)
class Standing:
    """One environment, as it was seen last."""

    release: ReleaseNumber | None = None
    """Is wanted; None when nothing is."""

    proven: Mapping[ReleaseNumber, datetime] = field(default_factory=dict)
    """Those that once carried all of it in good health, but for fleets of nobody, and when that was last shown."""

    seen_at: datetime | None = None
    well_since: datetime | None = None
    """Since when what is wanted carries all of it, unbroken until it was seen; None when it does not."""

    paused_since: datetime | None = None
    """None when it is not paused."""

    deserted: bool = False
    """Whether nobody is wanted in any of its fleets: it shows nothing more of any release."""


@dataclass(frozen=True, kw_only=True)
class Overdue:
    """A flaw of a release that was to be gone by now."""

    flaw: str
    due: datetime


@dataclass(frozen=True, kw_only=True)
class Exposed:
    """What advisories say of a release, by the deadlines of one environment."""

    overdue: tuple[Overdue, ...] = ()
    unknown: tuple[str, ...] = ()
    """Sources that could not be read, or are too old, in words."""


@dataclass(frozen=True, kw_only=True)
class Measured:
    """How one fleet has answered by the instances that run one release."""

    fleet: FleetName
    samples: int
    """Answers that were seen."""

    error_rate: float | None = None
    """None where it was not measured, as without a sample."""

    latency_seconds: float | None = None
    problem: str = ""
    """What could not be asked, in words."""


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """All that is known; what is missing here is not known, which is never good."""

    standings: Mapping[EnvironmentName, Standing] = field(default_factory=dict)
    records: tuple[Record, ...] = ()
    """In the order they were kept. Approvals and waivers: those whose signature is the person's."""

    exposed: Mapping[tuple[EnvironmentName, ReleaseNumber], Exposed] = field(default_factory=dict)
    authors: Mapping[tuple[EnvironmentName, ReleaseNumber], frozenset[str]] = field(default_factory=dict)
    """Who wrote what the release would bring there: names of people, and addresses of others; missing where nobody
    knows."""

    checks: Mapping[tuple[EnvironmentName, str], Digest] = field(default_factory=dict)
    """What each check is now, by its name; missing where a file of it cannot be read."""

    measured: Mapping[tuple[EnvironmentName, ReleaseNumber], tuple[Measured, ...]] = field(default_factory=dict)
    """By each of its fleets, of what an environment runs; missing where nobody measured."""

    holidays: Mapping[EnvironmentName, frozenset[date]] = field(default_factory=dict)
    revoked: Mapping[ReleaseNumber, str] = field(default_factory=dict)
    """Why."""
