"""This machine's time."""

import time
from datetime import UTC, datetime


class SystemClock:
    """The clock port on this machine."""

    def now(self) -> datetime:
        """The time now, in UTC."""
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        """Wait; 0 or less returns at once."""
        if seconds > 0:
            time.sleep(seconds)
