"""A story that is broken off ends what it has started: load, keeper and fleet."""

import signal
import subprocess
from collections.abc import Sequence
from types import FrameType
from typing import Any, NoReturn

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Of a person, of whoever runs the demo, and of a terminal that was closed."""

WITH_ITS_PARENT = ("setpriv", "--pdeathsig", "TERM", "--")
"""What a program is put behind that must not outlive the one that started it, however that one ends."""


class _Leaving:
    """The first signal is raised at once, or after the start of a process that it came into the midst of."""

    starting = False
    came: int | None = None

    def __call__(self, number: int, _: FrameType | None) -> None:
        """A signal comes."""
        if self.starting:
            self.came = number
        else:
            self.leave(number)

    def leave(self, number: int) -> NoReturn:
        """Raise it; those that come later do nothing."""
        for each in SIGNALS:
            signal.signal(each, signal.SIG_IGN)
        raise SystemExit(128 + number)


_leaving = _Leaving()


def ends_in_order() -> None:
    """From now on the first signal is raised as SystemExit, so that every block is left; later ones do nothing."""
    for each in SIGNALS:
        signal.signal(each, _leaving)


def started(command: Sequence[str], **options: Any) -> "subprocess.Popen[bytes]":  # noqa: ANN401 - as Popen takes them
    """A process, with the options of ``subprocess.Popen``.

    A signal that comes while it is being started is raised when it has been, and has ended again: raised in the midst
    of the start it would leave a process that nobody knows of.
    """
    _leaving.starting = True
    try:
        process = subprocess.Popen(command, **options)
    finally:
        _leaving.starting = False
    if _leaving.came is not None:
        process.terminate()
        process.communicate()
        _leaving.leave(_leaving.came)
    return process
