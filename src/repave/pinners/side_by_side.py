"""Debian's and Python's packages of an image, both resolved at the same time."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import replace

from repave.pinners.debian.pinner import DebianPinner
from repave.pinners.pypi import PypiPinner, pinned_interpreter
from repave.pinners.wheels import TELLING, Interpreter, interpreter
from repave.ports.errors import Invalid
from repave.ports.pinner import PinRequest, Pins
from repave.ports.progress import Progress

STOPPING_SECONDS = 0.1
"""Between two tries to end what may just be about to start its next program."""


class SideBySide:
    """The pinner port for both: answers what the Debian pinner and then the PyPI pinner would.

    Which wheels fit is known only once python3 is pinned. As its version can be foreseen, uv resolves for that one
    while apt resolves; where apt then decides otherwise, uv is asked again.
    """

    def __init__(self, *, debian: DebianPinner, pypi: PypiPinner, stop: Callable[[], None]) -> None:
        """``stop`` ends the programs that ``pypi`` runs, and no other."""
        self._debian = debian
        self._pypi = pypi
        self._stop = stop

    def pin(self, request: PinRequest, *, progress: Progress) -> Pins:
        """Both closures; see the port."""
        foreseen = self._foreseen(request)
        if foreseen is None:
            return self._wheels_after(self._debian.pin(request, progress=progress), request, progress)
        with ThreadPoolExecutor(1, thread_name_prefix="pypi") as beside:
            ahead = beside.submit(self._pypi.pin_for, foreseen, request, progress=progress)
            try:
                debs = self._debian.pin(request, progress=progress)
                if pinned_interpreter(_after(debs, request)) == foreseen:
                    return _together(debs, ahead.result())
            except BaseException:
                self._end(ahead)
                raise
        return self._wheels_after(debs, request, progress)

    def _foreseen(self, request: PinRequest) -> Interpreter | None:
        """None where there is no use for it, or none to be seen."""
        base = request.image.base
        if base.image or not request.image.python:
            return None
        try:
            return interpreter(base, self._debian.foresee(request, TELLING))
        except Invalid:
            return None  # the pinners themselves say it better

    def _end(self, ahead: Future[Pins]) -> None:
        """A person who is told of a failure, or asked for the end, does not wait for what is of no use any more."""
        while not ahead.done():
            self._stop()
            wait((ahead,), timeout=STOPPING_SECONDS)

    def _wheels_after(self, debs: Pins, request: PinRequest, progress: Progress) -> Pins:
        return _together(debs, self._pypi.pin(_after(debs, request), progress=progress))


def _after(debs: Pins, request: PinRequest) -> PinRequest:
    return replace(request, pinned=(*request.pinned, *debs.packages))


def _together(debs: Pins, wheels: Pins) -> Pins:
    """Debian packages bring no files and no held repairs."""
    return replace(wheels, packages=(*debs.packages, *wheels.packages), remarks=(*debs.remarks, *wheels.remarks))
