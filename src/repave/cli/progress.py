"""Progress for people where there is no terminal: plain lines, and how amounts are written."""

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from types import TracebackType
from typing import Self

from repave.ports.progress import Task

QUICK_SECONDS = 0.3
"""Work that ends sooner leaves no line behind: nobody waited for it."""

NOTE_SECONDS = 10.0
"""Without a terminal, at most one note in this time: a log must stay readable."""


class Lines:
    """A line when a task has ended, and now and then a note of a long one."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None) -> None:
        """Nothing to end."""

    def task(self, name: str, *, total: float | None = None, unit: str = "") -> AbstractContextManager[Task]:
        """Lines that end with the block."""
        return self._task(name, total, unit)

    @contextmanager
    def _task(self, name: str, total: float | None, unit: str) -> Iterator[Task]:
        began = time.monotonic()
        task = _Line(name, total, unit)
        yield task
        elapsed = time.monotonic() - began
        if elapsed >= QUICK_SECONDS:
            print(finished(name, task.done, unit, elapsed), file=sys.stderr, flush=True)


class _Line:
    def __init__(self, name: str, total: float | None, unit: str) -> None:
        self._name, self._total, self._unit = name, total, unit
        self._lock = threading.Lock()
        self._last = time.monotonic()
        self.done = 0.0

    def advance(self, amount: float = 1) -> None:
        """So much more is done."""
        with self._lock:
            self.done += amount
        whole = f" of {quantity(self._total, self._unit)}" if self._total else ""
        self.note(f"{quantity(self.done, self._unit)}{whole}")

    def note(self, message: str) -> None:
        """Said if the last one is long ago."""
        with self._lock:
            if time.monotonic() - self._last < NOTE_SECONDS:
                return
            self._last = time.monotonic()
        print(f"{self._name}: {message}", file=sys.stderr, flush=True)


def finished(name: str, done: float, unit: str, seconds: float) -> str:
    """One line about work that has ended."""
    amount = f"{quantity(done, unit)} in " if done else ""
    return f"{name}: {amount}{seconds:.1f} s"


def quantity(amount: float, unit: str) -> str:
    """``12.3 MiB``, ``7 packages``."""
    if unit == "B":
        return size(int(amount))
    return f"{amount:g} {unit}".strip()


def size(amount: int) -> str:
    """Bytes as people read them."""
    scaled = float(amount)
    for unit in ("B", "KiB", "MiB"):
        if scaled < 1024:  # noqa: PLR2004 - the step between binary units
            return f"{scaled:.0f} {unit}" if unit == "B" else f"{scaled:.1f} {unit}"
        scaled /= 1024
    return f"{scaled:.1f} GiB"
