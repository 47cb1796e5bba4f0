"""A story that is broken off ends what it has started: load, keeper and fleet."""

import signal
from types import FrameType
from typing import NoReturn

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Of a person, of whoever runs the demo, and of a terminal that was closed."""

WITH_ITS_PARENT = ("setpriv", "--pdeathsig", "TERM", "--")
"""What a program is put behind that must not outlive the one that started it, however that one ends."""


def ends_in_order() -> None:
    """From now on the first signal is raised as SystemExit, so that every block is left; later ones do nothing."""

    def leave(number: int, _: FrameType | None) -> NoReturn:
        for each in SIGNALS:
            signal.signal(each, signal.SIG_IGN)
        raise SystemExit(128 + number)

    for each in SIGNALS:
        signal.signal(each, leave)
