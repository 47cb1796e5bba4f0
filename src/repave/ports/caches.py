"""What an adapter keeps only to spare its next run some work."""

from typing import Protocol


class Cache(Protocol):
    """May be emptied at any time: what is needed of it is made or brought again."""

    def cached_bytes(self) -> int:
        """How much it holds, as far as this user may look."""
        ...

    def clear_cache(self) -> None:
        """Empty it, once nobody works in it. Raises WorldError, OSError."""
        ...
