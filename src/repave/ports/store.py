"""The store: all that is kept, in one place, so that it changes together."""

from typing import Protocol

from repave.ports.catalog import Catalog
from repave.ports.evidence import EvidenceBook
from repave.ports.exposures import Exposures
from repave.ports.findings import Findings
from repave.ports.history import History
from repave.ports.intent import Intent
from repave.ports.revocations import Revocations
from repave.ports.wishes import Wishes


class Store(Catalog, Intent, Wishes, Revocations, Exposures, Findings, EvidenceBook, History, Protocol):
    """All of them. Usable from several threads and processes at once."""

    def close(self) -> None:
        """Let go of the database."""
        ...
