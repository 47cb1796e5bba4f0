"""The findings in memory."""

from collections.abc import Collection, Iterable, Mapping
from threading import RLock

from repave.model.exposure import Examination
from repave.model.finding import Finding
from repave.model.names import Digest


class MemoryFindings:
    """The last word on each artifact."""

    def __init__(self) -> None:
        self._findings_guard = RLock()
        self._examinations: dict[Digest, Examination] = {}
        self._findings: dict[Digest, tuple[Finding, ...]] = {}

    def keep_findings(self, artifact: Digest, examination: Examination, findings: Iterable[Finding]) -> None:
        """Keep what an examination found, in the place of what the one before it did."""
        with self._findings_guard:
            self._examinations[artifact] = examination
            self._findings[artifact] = tuple(dict.fromkeys(findings))

    def add_findings(self, artifacts: Collection[Digest], findings: Iterable[Finding]) -> None:
        """Keep these as well, of each; nothing of an artifact that was never examined."""
        new = tuple(findings)
        with self._findings_guard:
            for artifact in self._examinations.keys() & set(artifacts):
                self._findings[artifact] = tuple(dict.fromkeys((*self._findings[artifact], *new)))

    def examinations(self) -> Mapping[Digest, Examination]:
        """The last of each artifact."""
        return dict(self._examinations)

    def findings(self, artifact: Digest) -> tuple[Finding, ...]:
        """What is kept of it."""
        return self._findings.get(artifact, ())

    def found(self, flaw: str) -> Mapping[Digest, tuple[Finding, ...]]:
        """By artifact, what is kept under a CVE or another name of a flaw."""
        with self._findings_guard:
            told = {
                artifact: tuple(finding for finding in found if flaw in finding.names)
                for artifact, found in self._findings.items()
            }
        return {artifact: some for artifact, some in told.items() if some}
