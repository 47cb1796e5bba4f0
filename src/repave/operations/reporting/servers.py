"""Every server that lived in the time: what it was made of, how old it became, what it had open, why it left."""

from collections.abc import Iterator
from datetime import datetime
from operator import attrgetter
from typing import NamedTuple

from repave.model.names import Digest, EnvironmentName, FleetName
from repave.operations.releases import title
from repave.operations.reporting.facts import Facts, Group
from repave.operations.reporting.known import Flaws, Known
from repave.ports.history import Lifetime


class Server(NamedTuple):
    """One instance, from its birth to its end. A tuple: of a year of a large estate there are half a million."""

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
    found = [one for group in facts.groups for one in _servers(group, facts, known)]
    found.sort(key=attrgetter("born_at", "fleet", "instance"))
    return tuple(sorted(found, key=attrgetter("explained")))


def born(lifetime: Lifetime) -> datetime:
    """From when its age counts."""
    return lifetime.launched_at or lifetime.first_seen


def _servers(group: Group, facts: Facts, known: Known) -> Iterator[Server]:
    release, made = title(group.release), group.made
    image, artifact = (made.image, made.artifact) if made else ("", None)
    flaws = known[group.fleet, made.artifact] if made else Flaws()
    examined = artifact in facts.examined or bool(flaws)
    reasons = facts.reasons.get(group.fleet, {})
    for life in group.lives:
        begins, end = born(life), life.gone_at or facts.until
        critical, high, other = flaws.public(end) if examined else (None, None, None)
        yield Server(
            environment=group.fleet.environment,
            fleet=group.fleet.fleet,
            instance=life.instance,
            slot=life.slot,
            zone=life.zone,
            release=release,
            image=image,
            artifact=artifact,
            born_at=begins,
            born_known=life.launched_at is not None,
            first_seen=life.first_seen,
            served_from=life.served_from,
            last_seen=life.last_seen,
            ended_at=life.gone_at,
            why=reasons.get(life.slot, "") if life.gone_at else "",
            age_seconds=(life.last_seen - begins).total_seconds(),
            age_at_most_seconds=(end - begins).total_seconds(),
            critical=critical,
            high=high,
            other=other,
        )
