"""The store port in memory."""

from repave.simulation.memory.catalog import MemoryCatalog
from repave.simulation.memory.history import MemoryHistory
from repave.simulation.memory.intent import MemoryIntent


class MemoryStore(MemoryCatalog, MemoryIntent, MemoryHistory):
    """Catalogue, intent and history of one process. What a database would keep is kept as long as this object."""

    def __init__(self) -> None:
        MemoryCatalog.__init__(self)
        MemoryIntent.__init__(self, self.revision)
        MemoryHistory.__init__(self)

    def close(self) -> None:
        """Nothing to let go of: what was kept can be read on, as from a database that is opened again."""
