"""The store port over SQLite or PostgreSQL."""

from repave.store.catalog import SqlCatalog
from repave.store.database import Database
from repave.store.evidence import SqlEvidence
from repave.store.exposures import SqlExposures
from repave.store.findings import SqlFindings
from repave.store.history import SqlHistory
from repave.store.intent import SqlIntent
from repave.store.revocations import SqlRevocations
from repave.store.wishes import SqlWishes


class SqlStore(SqlCatalog, SqlIntent, SqlWishes, SqlRevocations, SqlExposures, SqlFindings, SqlEvidence, SqlHistory):
    """Catalogue, intent, wishes, revocations, exposures, findings, evidence and history, as ``sqlite:///.repave/store.db``.

    The schema is made, or brought up to date, when the store is opened. Raises Invalid (an address or a schema this
    version does not know), Denied, Corrupt, Unreachable.
    """

    def __init__(self, url: str, *, by: str = "") -> None:
        """``by``: who or what causes the events that do not say it themselves."""
        super().__init__(Database(url, by=by))

    def close(self) -> None:
        """Let go of the database."""
        self._database.close()
