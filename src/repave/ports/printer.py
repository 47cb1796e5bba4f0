"""Makes paper of a page."""

from pathlib import Path
from typing import Protocol


class Printer(Protocol):
    """Prints pages that need nothing from elsewhere."""

    def print(self, page: str, path: Path) -> None:
        """Write the page, which is HTML, as PDF; ``path`` is there whole or as it was before.

        Raises Gone (nothing here can print), CommandFailed, Denied (the path).
        """
        ...
