"""What examinations said of artifacts, kept: it is told again without asking a source."""

from collections.abc import Collection, Iterable, Mapping
from typing import Protocol

from repave.model.exposure import Examination
from repave.model.finding import Finding
from repave.model.names import Digest


class Findings(Protocol):
    """The last word on each artifact."""

    def keep_findings(self, artifact: Digest, examination: Examination, findings: Iterable[Finding]) -> None:
        """Keep what an examination found, in the place of what the one before it did."""
        ...

    def add_findings(self, artifacts: Collection[Digest], findings: Iterable[Finding]) -> None:
        """Keep these as well, of each: what was newly published. Nothing of an artifact that was never examined."""
        ...

    def examinations(self) -> Mapping[Digest, Examination]:
        """The last of each artifact that was ever examined."""
        ...

    def findings(self, artifact: Digest) -> tuple[Finding, ...]:
        """What is kept of the artifact, in the order it was given; each once."""
        ...

    def found(self, flaw: str) -> Mapping[Digest, tuple[Finding, ...]]:
        """By artifact, what is kept under a CVE or another name of a flaw."""
        ...
