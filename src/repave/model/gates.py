"""Gates: what must hold before a release enters an environment, and who may speak for it."""

from dataclasses import dataclass
from datetime import date

from repave.model.checks import Check
from repave.model.names import PersonName

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


@dataclass(frozen=True, kw_only=True)
class Window:
    """When something may happen: on these days, between two times of day, in one time zone."""

    days: tuple[str, ...]
    """Of ``DAYS``."""

    start: str
    """``09:00``."""

    end: str
    """``16:00``, not included; one that is not after the start is of the next day."""

    zone: str
    """A name of the IANA database."""


@dataclass(frozen=True, kw_only=True)
class Freeze:
    """Days on which no release enters, both ends included, written as ISO 8601 has it."""

    first: str
    last: str

    def holds_on(self, day: date) -> bool:
        """Whether the day is one of them."""
        return self.first <= day.isoformat() <= self.last


DEFAULT_APPROVAL_SECONDS = 7 * 86400.0
"""Who agreed a week ago agreed to what was known a week ago."""

DEFAULT_METRIC_SECONDS = 600.0
DEFAULT_SAMPLES = 100
"""With fewer, a share of errors is known to a few per cent only."""

DEFAULT_CHECK_SECONDS = 86400.0
"""What passed yesterday is tried again before anything goes on by it."""


@dataclass(frozen=True, kw_only=True)
class MetricLimits:
    """How well a release must answer; at least one of the two is said."""

    error_rate: float | None = None
    """At most this share of answers may be server errors, or never come; 1.0 for all."""

    latency_seconds: float | None = None
    """At most so long the mean answer may take."""

    over_seconds: float = DEFAULT_METRIC_SECONDS
    """The last so long is looked at, or as long as there is of it."""

    samples: int = DEFAULT_SAMPLES
    """With fewer answers of a fleet nothing is known."""


@dataclass(frozen=True, kw_only=True)
class Gates:
    """Of one environment. Checks, soak and metrics hold a release that would leave it, the others one that enters."""

    checks: tuple[Check, ...] = ()
    """All must have passed on the release here before it goes on; each has a name of its own."""

    check_seconds: float = DEFAULT_CHECK_SECONDS
    """A passed check counts for so long."""

    soak_seconds: float = 0.0
    """For so long the environment must have carried a release in unbroken health before it goes on."""

    metrics: MetricLimits | None = None
    """How every fleet must have answered before the release goes on; None: nobody looks."""

    approvals: int = 0
    """So many distinct people, none of them its author, must have agreed."""

    approval_seconds: float = DEFAULT_APPROVAL_SECONDS
    """An approval counts for so long."""

    window: Window | None = None
    """None: at any time."""

    freezes: tuple[Freeze, ...] = ()
    holidays: str = ""
    """A file of the project with days on which no release enters; empty for none."""

    unknown_holds: bool = True
    """Whether a source of advisories that could not be read holds a release, for it may have any flaw."""

    @property
    def declared(self) -> bool:
        """Whether there is any: then nothing with a flaw past its deadline enters either."""
        return self != Gates()


@dataclass(frozen=True, kw_only=True)
class Person:
    """Somebody whose approval counts: known by the key that signs it."""

    name: PersonName
    keys: tuple[str, ...]
    """Public keys as OpenSSH writes them: ``ssh-ed25519 AAAA...``."""

    emails: tuple[str, ...] = ()
    """As commits name their author."""
