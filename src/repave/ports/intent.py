"""What is wanted of fleets, and who may act on it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from repave.model.names import FleetKey, ReleaseNumber, RevisionId
from repave.model.outcome import Outcome
from repave.model.plan import Plan
from repave.model.target import Target


@dataclass(frozen=True, kw_only=True)
class Aim:
    """What a person, or a verb for them, wants of a fleet."""

    revision: RevisionId
    release: ReleaseNumber
    size: int
    reason: str


@dataclass(frozen=True, kw_only=True)
class Lease:
    """The right to act on something for a while. It only avoids wasted work: generations give the safety."""

    name: str
    holder: str
    """Who, for people and for comparing: host, process id, start."""

    expires_at: datetime


class Intent(Protocol):
    """Targets, changed by compare-and-set only: each change has a generation of its own."""

    def fleets(self) -> tuple[FleetKey, ...]:
        """Every fleet that has a target, sorted."""
        ...

    def target(self, fleet: FleetKey) -> Target | None:
        """With its open orders, failures of the last day, heals, disruptions of the last hour and proofs."""
        ...

    def aim(self, fleet: FleetKey, aim: Aim, at: datetime) -> Target:
        """Want this from now on.

        An unchanged aim that is not stopped changes nothing; otherwise ``stopped`` and the failures of the newly
        wanted revision are forgotten: a person asked for a new try.
        """
        ...

    def commit(self, plan: Plan) -> int:
        """Make the plan the target's next generation, and answer that generation.

        Orders, failures, heals, disruptions, proof, size, stop and retarget change in one transaction, before any deed.
        Raises Conflict when the target has moved on from ``plan.parent``: observe and plan again.
        """
        ...

    def settle(self, fleet: FleetKey, outcomes: Iterable[Outcome]) -> None:
        """Keep what came of steps.

        Launches that were refused or found no capacity close their order as a failure; a spent slot closes it as none.
        """
        ...

    def unbootable(self, fleet: FleetKey, revisions: Iterable[RevisionId]) -> None:
        """These proven revisions can no longer be started; the others can."""
        ...

    def forget(self, fleet: FleetKey) -> None:
        """The fleet is destroyed: no target any more. Its history stays."""
        ...

    def acquire(self, name: str, holder: str, *, at: datetime, seconds: float) -> Lease | None:
        """Take or renew the lease; None while another holds it."""
        ...

    def lease(self, name: str, at: datetime) -> Lease | None:
        """Who holds it now."""
        ...

    def release_lease(self, name: str, holder: str) -> None:
        """Give it back; not held is no error."""
        ...
