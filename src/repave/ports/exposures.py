"""Which flaws artifacts are known to have."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Protocol

from repave.model.exposure import Flaw
from repave.model.names import Digest


class Exposures(Protocol):
    """What scans found last; targets name the revisions that are exposed by it."""

    def expose(self, artifact: Digest, flaws: Iterable[Flaw], *, whole: bool) -> None:
        """Keep the flaws of an artifact; one that is known keeps the earliest moments that were said of it.

        ``whole``: what is not among them is gone, for every source could be read. Every fleet that was asked to run the
        artifact gets a new generation when anything has changed.
        """
        ...

    def learn(self, artifacts: Collection[Digest], flaws: Iterable[Flaw]) -> Mapping[Digest, tuple[str, ...]]:
        """Keep flaws that are newly known of all these artifacts; nothing is gone by it.

        Answers by artifact which of them were not known of it, sorted; fleets get new generations as in ``expose``.
        """
        ...

    def note_examined(self, artifact: Digest, at: datetime) -> None:
        """Every source could be read: but for its flaws, the artifact is clean, as far as was known then."""
        ...

    def examined(self, artifact: Digest) -> datetime | None:
        """When that was last so; None: it never was."""
        ...

    def flaws(self, artifact: Digest) -> tuple[Flaw, ...]:
        """What is known of it, oldest first."""
        ...
