"""The evidence in memory."""

from threading import RLock

from repave.model.evidence import Record


class MemoryEvidence:
    """What people said of releases, and what was observed of them."""

    def __init__(self) -> None:
        self._evidence_guard = RLock()
        self._evidence: list[Record] = []

    def keep_evidence(self, record: Record) -> None:
        """Add it, once."""
        with self._evidence_guard:
            if record not in self._evidence:
                self._evidence.append(record)

    def evidence(self) -> tuple[Record, ...]:
        """All of it, in the order it was kept."""
        return tuple(self._evidence)
