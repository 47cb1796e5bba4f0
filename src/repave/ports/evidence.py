"""What people said of releases, and what was observed of them: by it the pipeline judges."""

from typing import Protocol

from repave.model.evidence import Record


class EvidenceBook(Protocol):
    """Only ever added to."""

    def keep_evidence(self, record: Record) -> None:
        """Add it; what is there already, word for word, is not added again."""
        ...

    def evidence(self) -> tuple[Record, ...]:
        """All of it, in the order it was kept."""
        ...
