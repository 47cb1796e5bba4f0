"""The revocations in memory: what must not be started."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime
from threading import RLock

from repave.model.names import Digest, FleetKey, RevisionId
from repave.model.release import Revision
from repave.model.revocation import Revocation, Revoked
from repave.ports.errors import Gone


class MemoryRevocations:
    """Asks for the revisions of a fleet, and tells which artifacts are concerned when something changes."""

    def __init__(
        self, revisions: Callable[[FleetKey], tuple[Revision, ...]], move_on: Callable[[frozenset[Digest]], None]
    ) -> None:
        self._revocations_guard = RLock()
        self._revisions_of = revisions
        self._move_on = move_on
        self._revocations: list[Revocation] = []

    def revoke(self, revocation: Revocation) -> Revocation:
        """Keep it, or what it covers besides, and give every fleet concerned a new generation."""
        with self._revocations_guard:
            subject = (revocation.kind, revocation.subject)
            known = next((one for one in self._revocations if one.stands and (one.kind, one.subject) == subject), None)
            if known is None:
                known = replace(revocation, number=len(self._revocations) + 1, artifacts=())
                self._revocations.append(known)
            covered = frozenset(revocation.artifacts)
            artifacts = tuple(sorted(covered.union(known.artifacts)))
            return self._become(replace(known, artifacts=artifacts), covered - frozenset(known.artifacts))

    def undo_revocation(self, number: int, *, reason: str, at: datetime) -> Revocation:
        """Raises Gone."""
        with self._revocations_guard:
            if not 1 <= number <= len(self._revocations):
                raise Gone(f"there is no revocation {number}")
            found = self._revocations[number - 1]
            if not found.stands:
                return found
            return self._become(replace(found, undone_at=at, undone_reason=reason), frozenset(found.artifacts))

    def revocations(self) -> tuple[Revocation, ...]:
        """All, oldest first."""
        return tuple(self._revocations)

    def revoked(self, fleet: FleetKey, revision: RevisionId) -> Revoked | None:
        """None when it is not."""
        return next((one for one in self._revoked_of(fleet) if one.revision == revision), None)

    def _revoked_of(self, fleet: FleetKey) -> tuple[Revoked, ...]:
        """Of the fleet's revisions, sorted, each by the oldest revocation that stands."""
        standing = [one for one in self._revocations if one.stands]
        if not standing:
            return ()
        found = (_by_the_oldest(revision, standing) for revision in self._revisions_of(fleet))
        return tuple(sorted((one for one in found if one is not None), key=lambda one: one.revision))

    def _become(self, revocation: Revocation, concerned: frozenset[Digest]) -> Revocation:
        self._revocations[revocation.number - 1] = revocation
        self._move_on(concerned)
        return revocation


def _by_the_oldest(revision: Revision, standing: Iterable[Revocation]) -> Revoked | None:
    for revocation in standing:
        if revision.artifact in revocation.artifacts:
            return Revoked(revision=revision.id, reason=revocation.because, since=revocation.at)
    return None
