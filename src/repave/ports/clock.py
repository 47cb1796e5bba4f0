"""Time, so that a simulated world can make it jump."""

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """The only source of time for everything above the ports."""

    def now(self) -> datetime:
        """The time now, aware, in UTC."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait; 0 or less returns at once."""
        ...
