"""Ctrl-C, taken at a moment when nothing is half-told."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

ENDING = (signal.SIGINT, signal.SIGTERM)


@dataclass
class Interruption:
    """Whether someone asked for the end."""

    asked: bool = False

    def obey(self) -> None:
        """End here, if it was asked for. Raises KeyboardInterrupt."""
        if self.asked:
            raise KeyboardInterrupt


@contextmanager
def deferred() -> Iterator[Interruption]:
    """Within the block, the first Ctrl-C or SIGTERM is only noted; the second acts at once.

    Python gives signals to the main thread alone: in another, nothing changes.
    """
    interruption = Interruption()
    if threading.current_thread() is not threading.main_thread():
        yield interruption
        return
    before = {number: signal.getsignal(number) or signal.SIG_DFL for number in ENDING}

    def note(number: int, frame: FrameType | None) -> None:
        del frame
        interruption.asked = True
        signal.signal(number, before[signal.Signals(number)])

    for number in ENDING:
        signal.signal(number, note)
    try:
        yield interruption
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
