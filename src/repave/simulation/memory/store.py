"""The store port in memory."""

from repave.simulation.memory.catalog import MemoryCatalog
from repave.simulation.memory.evidence import MemoryEvidence
from repave.simulation.memory.exposures import MemoryExposures
from repave.simulation.memory.findings import MemoryFindings
from repave.simulation.memory.history import MemoryHistory
from repave.simulation.memory.intent import MemoryIntent
from repave.simulation.memory.revocations import MemoryRevocations
from repave.simulation.memory.wishes import MemoryWishes


class MemoryStore(
    MemoryCatalog,
    MemoryIntent,
    MemoryWishes,
    MemoryRevocations,
    MemoryExposures,
    MemoryFindings,
    MemoryEvidence,
    MemoryHistory,
):
    """What a database would keep, of one process, is kept as long as this object."""

    def __init__(self, *, by: str = "") -> None:
        MemoryCatalog.__init__(self, self.record)
        MemoryIntent.__init__(self, self, self._revoked_of, self._exposures_of, self.record)
        MemoryWishes.__init__(self, self.change)
        MemoryRevocations.__init__(self, self.revisions, self.move_on)
        MemoryExposures.__init__(self, self.revisions, self.move_on)
        MemoryFindings.__init__(self)
        MemoryEvidence.__init__(self)
        MemoryHistory.__init__(self, self.artifact_of, by=by)

    def close(self) -> None:
        """Nothing to let go of: what was kept can be read on, as from a database that is opened again."""
