"""What is wanted of fleets, and who may act on it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from repave.model.names import FleetKey, ReleaseNumber, RevisionId, ZoneName
from repave.model.outcome import Outcome
from repave.model.plan import Plan
from repave.model.target import Target, ZoneOut


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

    def pause(self, fleet: FleetKey, at: datetime, *, paused: bool) -> Target:
        """Pause or resume. Raises Gone."""
        ...

    def pass_checkpoint(self, fleet: FleetKey) -> Target:
        """A person lets the canary go on past the step it stands at; passed already is no change. Raises Gone."""
        ...

    def allow_healing(self, fleet: FleetKey, at: datetime) -> Target:
        """A person says that what looks sick at ``at`` is sick: it may be replaced, whatever the limit. Raises Gone."""
        ...

    def take_out(self, fleet: FleetKey, out: ZoneOut) -> Target:
        """Take a zone out; once more changes until when, and why, but not since when. Raises Gone."""
        ...

    def bring_back(self, fleet: FleetKey, zone: ZoneName) -> Target:
        """Let the zone be used again; one that is not out changes nothing. Raises Gone."""
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
