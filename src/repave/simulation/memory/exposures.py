"""The exposures in memory: flaws of artifacts."""

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime
from threading import RLock

from repave.model.exposure import Exposure, Flaw
from repave.model.finding import Severity
from repave.model.names import Digest, FleetKey, RevisionId
from repave.model.release import Revision


class MemoryExposures:
    """Asks for the revisions of a fleet, and tells which artifacts are concerned when something changes."""

    def __init__(
        self, revisions: Callable[[FleetKey], tuple[Revision, ...]], move_on: Callable[[frozenset[Digest]], None]
    ) -> None:
        self._exposures_guard = RLock()
        self._revisions_exposed = revisions
        self._flaws_changed = move_on
        self._flaws: dict[Digest, dict[str, Flaw]] = {}
        """Of each artifact, the oldest first."""

        self._examined: dict[Digest, datetime] = {}

    def expose(self, artifact: Digest, flaws: Iterable[Flaw], *, whole: bool) -> None:
        """Keep them, and give every fleet concerned a new generation when anything has changed."""
        with self._exposures_guard:
            before = self._flaws.get(artifact, {})
            after = {} if whole else dict(before)
            for flaw in flaws:
                after[flaw.advisory] = flaw.known_since(before.get(flaw.advisory))
            if after != before:
                found = sorted(after.values(), key=lambda flaw: (flaw.published_at, flaw.advisory))
                self._flaws[artifact] = {flaw.advisory: flaw for flaw in found}
                self._flaws_changed(frozenset({artifact}))

    def learn(self, artifacts: Collection[Digest], flaws: Iterable[Flaw]) -> Mapping[Digest, tuple[str, ...]]:
        """Keep them of each, and answer what is new."""
        new = tuple(flaws)
        learned = {}
        with self._exposures_guard:
            for artifact in artifacts:
                known = self._flaws.get(artifact, {})
                if names := tuple(sorted({flaw.advisory for flaw in new} - known.keys())):
                    learned[artifact] = names
                self.expose(artifact, new, whole=False)
        return learned

    def note_examined(self, artifact: Digest, at: datetime) -> None:
        """But for its flaws, it is clean."""
        self._examined[artifact] = at

    def examined(self, artifact: Digest) -> datetime | None:
        """When that was last so."""
        return self._examined.get(artifact)

    def flaws(self, artifact: Digest) -> tuple[Flaw, ...]:
        """Oldest first."""
        return tuple(self._flaws.get(artifact, {}).values())

    def _exposures_of(self, fleet: FleetKey) -> tuple[Exposure, ...]:
        """Of the fleet's revisions, the oldest flaw of each severity."""
        if not self._flaws:
            return ()
        found: dict[tuple[RevisionId, Severity], Exposure] = {}
        for revision in self._revisions_exposed(fleet):
            for flaw in self.flaws(revision.artifact):
                found.setdefault((revision.id, flaw.severity), Exposure(revision=revision.id, flaw=flaw))
        return tuple(found[key] for key in sorted(found))
