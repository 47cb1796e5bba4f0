"""Every server that lived in the time: what it was made of, how old it became, what it had open, why it left."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from repave.model.exposure import Flaw
from repave.model.finding import Severity
from repave.model.names import Digest, EnvironmentName, FleetKey, FleetName
from repave.operations.releases import title
from repave.operations.reporting.facts import Facts
from repave.operations.reporting.known import Known
from repave.ports.history import Lifetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Server:
    """One instance, from its birth to its end."""

    environment: EnvironmentName
    fleet: FleetName
    instance: str
    slot: str
    zone: str
    release: str
    image: str
    artifact: Digest | None
    """None: no record explains what it runs."""

    born_at: datetime
    """When it was ordered or started; when it was first seen, where that is not known."""

    born_known: bool
    first_seen: datetime
    served_from: datetime | None
    last_seen: datetime
    """When a look last showed it."""

    ended_at: datetime | None
    """When a complete look first lacked it; None: none did by the end of the time."""

    why: str
    """Why it left, by the record; empty while it lives, and where the record does not say."""

    age_seconds: float
    """From its birth to the last look that showed it: so old it was at least."""

    age_at_most_seconds: float
    """To the look that lacked it, or to the end of the time."""

    critical: int | None
    """Critical flaws that were open on it when it ended, or at the end of the time; None: it was never examined."""

    high: int | None
    other: int | None

    @property
    def explained(self) -> bool:
        """Whether the record knows what it runs."""
        return self.artifact is not None


def servers(facts: Facts, known: Known) -> tuple[Server, ...]:
    """Each instance once; those first that no record explains, then the oldest."""
    open_flaws = OpenFlaws(facts, known)
    found = [_server(lifetime, facts, open_flaws) for lifetime in facts.lifetimes]
    return tuple(sorted(found, key=lambda one: (one.explained, one.born_at, one.fleet, one.instance)))


def born(lifetime: Lifetime) -> datetime:
    """From when its age counts."""
    return lifetime.launched_at or lifetime.first_seen


def _server(lifetime: Lifetime, facts: Facts, open_flaws: "OpenFlaws") -> Server:
    made = facts.made.get((lifetime.fleet, lifetime.revision))
    end = lifetime.gone_at or facts.until
    counts = open_flaws.of(lifetime.fleet, made.artifact, end) if made else {}
    begins = born(lifetime)
    return Server(
        environment=lifetime.fleet.environment,
        fleet=lifetime.fleet.fleet,
        instance=lifetime.instance,
        slot=lifetime.slot,
        zone=lifetime.zone,
        release=title(lifetime.release),
        image=made.image if made else "",
        artifact=made.artifact if made else None,
        born_at=begins,
        born_known=lifetime.launched_at is not None,
        first_seen=lifetime.first_seen,
        served_from=lifetime.served_from,
        last_seen=lifetime.last_seen,
        ended_at=lifetime.gone_at,
        why=facts.reasons.get((lifetime.fleet, lifetime.slot), "") if lifetime.gone_at else "",
        age_seconds=(lifetime.last_seen - begins).total_seconds(),
        age_at_most_seconds=(end - begins).total_seconds(),
        critical=counts[Severity.CRITICAL] if counts else None,
        high=counts[Severity.HIGH] if counts else None,
        other=sum(counts.values()) - counts[Severity.CRITICAL] - counts[Severity.HIGH] if counts else None,
    )


class OpenFlaws:
    """How many flaws of an artifact were published by a moment: looked up for thousands of servers."""

    def __init__(self, facts: Facts, known: Known) -> None:
        self._examined = facts.examined.keys()
        self._counted: dict[tuple[FleetKey, Digest, datetime], Mapping[Severity, int]] = {}
        self._published: dict[tuple[FleetKey, Digest], Mapping[Severity, list[datetime]]] = {
            key: _published(flaws) for key, flaws in known.items()
        }

    def of(self, fleet: FleetKey, artifact: Digest, at: datetime) -> Mapping[Severity, int]:
        """By severity; nothing for what was never examined, and has no known flaw."""
        key = (fleet, artifact, at)
        if key not in self._counted:
            self._counted[key] = self._count(*key)
        return self._counted[key]

    def _count(self, fleet: FleetKey, artifact: Digest, at: datetime) -> Mapping[Severity, int]:
        known = self._published[fleet, artifact]
        if artifact not in self._examined and not any(known.values()):
            return {}
        return {severity: bisect_right(known[severity], at) for severity in Severity}


def _published(flaws: Iterable[Flaw]) -> Mapping[Severity, list[datetime]]:
    """When those of each severity were; they are given oldest first."""
    found: dict[Severity, list[datetime]] = {severity: [] for severity in Severity}
    for flaw in flaws:
        found[flaw.severity.counted].append(flaw.published_at)
    return found
