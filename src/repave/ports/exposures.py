"""Which flaws artifacts are known to have."""

from collections.abc import Iterable
from typing import Protocol

from repave.model.exposure import Flaw
from repave.model.names import Digest


class Exposures(Protocol):
    """What scans found last; targets name the revisions that are exposed by it."""

    def expose(self, artifact: Digest, flaws: Iterable[Flaw], *, whole: bool) -> None:
        """Keep the flaws of an artifact; one that is known keeps the earliest moment that was said of it.

        ``whole``: what is not among them is gone, for every source could be read. Every fleet that was asked to run the
        artifact gets a new generation when anything has changed.
        """
        ...

    def flaws(self, artifact: Digest) -> tuple[Flaw, ...]:
        """What is known of it, oldest first."""
        ...
