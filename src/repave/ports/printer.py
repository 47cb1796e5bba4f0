"""Makes paper of a page."""

from typing import Protocol


class Printer(Protocol):
    """Prints pages that need nothing from elsewhere."""

    def print(self, page: str) -> bytes:
        """The page, which is HTML, as PDF. Raises Gone (nothing here can print), CommandFailed."""
        ...
