"""The store: catalogue, intent and history in one place, so that they change together."""

from typing import Protocol

from repave.ports.catalog import Catalog
from repave.ports.history import History
from repave.ports.intent import Intent


class Store(Catalog, Intent, History, Protocol):
    """All three. Usable from several threads and processes at once."""

    def close(self) -> None:
        """Let go of the database."""
        ...
