"""What must not be started anywhere any more."""

from datetime import datetime
from typing import Protocol

from repave.model.names import FleetKey, RevisionId
from repave.model.revocation import Revocation, Revoked


class Revocations(Protocol):
    """Kept for good: what is undone stays in the list."""

    def revoke(self, revocation: Revocation) -> Revocation:
        """Keep it, numbered, and let it block at once: targets name the revisions it covers from now on.

        Every fleet that was asked to run one of its artifacts gets a new generation in the same transaction, so that
        no plan made before is committed after. The same kind and subject that stands already stays as it is, and
        covers these artifacts too.
        """
        ...

    def undo_revocation(self, number: int, *, reason: str, at: datetime) -> Revocation:
        """What it covers may be started again, unless another covers it. Undone before: stays so. Raises Gone."""
        ...

    def revocations(self) -> tuple[Revocation, ...]:
        """All, oldest first, with what they cover."""
        ...

    def revoked(self, fleet: FleetKey, revision: RevisionId) -> Revoked | None:
        """By what a revision of a fleet is revoked now: asked right before a launch. None when it is not."""
        ...
