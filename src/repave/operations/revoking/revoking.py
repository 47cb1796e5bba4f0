"""Revoking and undoing it, and refusing releases of what is revoked."""

from dataclasses import replace

from repave.model.event import Event
from repave.model.names import FleetKey
from repave.model.release import Release
from repave.model.revocation import Revocation
from repave.operations.errors import Refused
from repave.operations.revoking.covering import Covering
from repave.operations.revoking.subjects import Subjects
from repave.ports.clock import Clock
from repave.ports.store import Store


class Revoking:
    """Keeps what is revoked, and what that covers."""

    def __init__(self, *, store: Store, clock: Clock, subjects: Subjects, covering: Covering) -> None:
        self._store = store
        self._clock = clock
        self._subjects = subjects
        self._covering = covering

    def revoke(self, named: str, reason: str) -> Revocation:
        """From now on nothing of it is started; planners and launches see it at once. Raises Refused."""
        _required(reason)
        subject = self._subjects.named(named)
        covered = self._covering.artifacts(subject.kind, subject.subject, subject.key, self._store.releases())
        with self._store.together():
            revocation = self._store.revoke(
                Revocation(
                    kind=subject.kind,
                    subject=subject.subject,
                    key=subject.key,
                    reason=reason,
                    at=self._clock.now(),
                    artifacts=covered,
                )
            )
            self._tell(revocation, "revoke", f"revoked: {revocation.because}")
        return revocation

    def undo(self, named: str, reason: str) -> Revocation:
        """It may be started again, unless something else that is revoked covers it. Raises Refused."""
        _required(reason)
        standing = [one for one in self._store.revocations() if one.stands]
        found = [one for one in standing if named in (one.subject, one.subject.removeprefix("sha256:"))]
        if not found:
            known = ", ".join(one.subject for one in standing)
            raise Refused(f"{named} is not revoked", hint=f"what is: {known}" if known else "nothing is")
        with self._store.together():
            undone = self._store.undo_revocation(found[0].number, reason=reason, at=self._clock.now())
            self._tell(undone, "unrevoke", f"no longer revoked: {undone}: {reason}")
        return undone

    def refuse(self, release: Release) -> None:
        """Raise Refused for a release with an artifact that is revoked, also one made after the revocation."""
        for revocation in self._store.revocations():
            if not revocation.stands:
                continue
            held = self._covering.artifacts(revocation.kind, revocation.subject, revocation.key, (release,))
            covered = frozenset((*revocation.artifacts, *held))
            if hit := [image for image, digest in release.artifacts.items() if digest in covered]:
                with self._store.together():
                    wider = self._store.revoke(replace(revocation, artifacts=tuple(covered)))
                    if wider != revocation:
                        self._store.record([self._event(wider, "revoke")])
                raise Refused(
                    f"{release} is revoked ({', '.join(hit)}): {revocation.because}",
                    hint="`repave patch`, or `repave lock` and `repave bake`, make a release without it; "
                    f"`repave revoke {revocation.subject} --undo` takes it back",
                )

    def _tell(self, revocation: Revocation, kind: str, message: str) -> None:
        """Once for the project, and in the story of every fleet that is concerned."""
        whole = self._event(revocation, kind)
        fleets = concerned(self._store, revocation)
        story = (Event(at=whole.at, fleet=fleet, kind=kind, message=message) for fleet in fleets)
        self._store.record([whole, *story])

    def _event(self, revocation: Revocation, kind: str) -> Event:
        details = {
            "number": revocation.number,
            "kind": revocation.kind,
            "subject": revocation.subject,
            "reason": revocation.reason,
            "artifacts": revocation.artifacts,
            "undone": revocation.undone_reason,
        }
        return Event(at=self._clock.now(), kind=kind, details=details)


def concerned(store: Store, revocation: Revocation) -> tuple[FleetKey, ...]:
    """The fleets that were asked, at some time, to run what it covers."""
    covered = frozenset(revocation.artifacts)
    return tuple(fleet for fleet in store.fleets() if any(one.artifact in covered for one in store.revisions(fleet)))


def _required(reason: str) -> None:
    if not reason.strip():
        raise Refused(
            "a revocation needs its reason", hint='--reason "the key was stolen": who reads it later asks why'
        )
