"""Whether anything of what is revoked still runs: a revocation is closed by observation, and by nothing else."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from repave.model.names import Digest, FleetKey
from repave.model.revocation import Revocation
from repave.operations.exposure import Bearer, bearer_of
from repave.operations.revoking.revoking import concerned
from repave.ports.history import Lifetime
from repave.ports.store import Store


class State(StrEnum):
    """How far a revocation has come."""

    OPEN = "open"
    """Something of it runs, may be about to, or was not looked for since."""

    CLOSED = "closed"
    UNDONE = "undone"


@dataclass(frozen=True, kw_only=True)
class Standing:
    """One revocation, and what has become of it."""

    number: int
    kind: str
    subject: str
    reason: str
    revoked_at: datetime
    artifacts: tuple[Digest, ...]
    state: State
    closed_at: datetime | None
    """When the last instance was seen to be gone; None while it is open."""

    undone_at: datetime | None
    undone_reason: str
    running: tuple[Bearer, ...]
    waits: tuple[str, ...]
    """Why it is open though nothing of it is seen running, by fleet."""


def standings(store: Store) -> tuple[Standing, ...]:
    """Of every revocation, oldest first."""
    lifetimes = store.lifetimes()
    return tuple(_standing(store, revocation, lifetimes) for revocation in store.revocations())


def _standing(store: Store, revocation: Revocation, lifetimes: Collection[Lifetime]) -> Standing:
    borne = _lifetimes_of(store, frozenset(revocation.artifacts), lifetimes)
    running = tuple(bearer_of(lifetime) for lifetime in borne if lifetime.gone_at is None)
    waits = tuple(words for fleet in concerned(store, revocation) if (words := _unsettled(store, fleet, revocation)))
    closed = not running and not waits
    gone = [lifetime.gone_at for lifetime in borne if lifetime.gone_at is not None]
    state = State.UNDONE if not revocation.stands else State.CLOSED if closed else State.OPEN
    return Standing(
        number=revocation.number,
        kind=revocation.kind.value,
        subject=revocation.subject,
        reason=revocation.reason,
        revoked_at=revocation.at,
        artifacts=revocation.artifacts,
        state=state,
        closed_at=max([revocation.at, *gone]) if state is State.CLOSED else None,
        undone_at=revocation.undone_at,
        undone_reason=revocation.undone_reason,
        running=running,
        waits=waits,
    )


def _lifetimes_of(store: Store, artifacts: frozenset[Digest], lifetimes: Collection[Lifetime]) -> list[Lifetime]:
    covered = {
        (fleet, revision.id)
        for fleet in {lifetime.fleet for lifetime in lifetimes}
        for revision in store.revisions(fleet)
        if revision.artifact in artifacts
    }
    return [lifetime for lifetime in lifetimes if (lifetime.fleet, lifetime.revision) in covered]


def _unsettled(store: Store, fleet: FleetKey, revocation: Revocation) -> str:
    """Why what was seen of a fleet says nothing yet; empty when it does."""
    where = f"{fleet.environment}/{fleet.fleet}"
    target, seen = store.target(fleet), store.last_seen(fleet)
    revoked = {one.revision for one in target.revoked} if target else set()
    if target and any(order.revision in revoked for order in target.orders):
        return f"{where} has an open order of it"
    if seen is None or seen.machines.at < revocation.at:
        return f"{where} was not looked at since"
    return f"{where} could not be seen whole: {seen.machines.incomplete}" if seen.machines.incomplete else ""
