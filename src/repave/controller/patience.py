"""What is throttled is asked again when it may be, for a while."""

from collections.abc import Callable
from typing import TypeVar

from repave.ports.clock import Clock
from repave.ports.errors import Throttled

Answer = TypeVar("Answer")

PATIENCE_SECONDS = 10.0
"""How long one call is tried: below the lease's time, so that we still hold the fleet afterwards."""

LEAST_WAIT_SECONDS = 0.05
"""A provider that says "after 0 s" is not asked in a busy loop."""


def patiently(clock: Clock, work: Callable[[], Answer]) -> Answer:
    """What ``work`` answers once it is no longer throttled. Raises Throttled when that takes too long."""
    waited = 0.0
    while True:
        try:
            return work()
        except Throttled as throttled:
            wait = max(throttled.after_seconds, LEAST_WAIT_SECONDS)
            waited += wait
            if waited > PATIENCE_SECONDS:
                raise
            clock.sleep(wait)
