"""Between two passes."""

from datetime import datetime

from repave.ports.clock import Clock

LONGEST_NAP_SECONDS = 60.0
"""A machine that slept, or whose clock was set, is noticed within a minute."""


def wait_until(moment: datetime, clock: Clock) -> None:
    """Return at that moment, or when the clock shows a time before the waiting began: nothing it said then holds."""
    began = clock.now()
    while began <= (now := clock.now()) < moment:
        clock.sleep(min((moment - now).total_seconds(), LONGEST_NAP_SECONDS))
