"""Progress for people at a terminal: a bar for each task under way."""

import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from repave.cli.progress import QUICK_SECONDS, finished, quantity
from repave.ports.progress import Task


class Bars:
    """One bar per task under way, on standard error; a finished one leaves a line with its time."""

    def __init__(self) -> None:
        self._console = Console(stderr=True)
        self._bars = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[amount]}"),
            TimeElapsedColumn(),
            TextColumn("[dim]{task.fields[note]}"),
            console=self._console,
            transient=True,
        )

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None) -> None:
        self._bars.stop()

    def task(self, name: str, *, total: float | None = None, unit: str = "") -> AbstractContextManager[Task]:
        """A bar that ends with the block."""
        return self._task(name, total, unit)

    @contextmanager
    def _task(self, name: str, total: float | None, unit: str) -> Iterator[Task]:
        began = time.monotonic()
        bar = self._bars.add_task(name, total=total, amount="", note="")
        task = _Bar(self._bars, bar, total, unit)
        try:
            yield task
        finally:
            self._bars.remove_task(bar)
        elapsed = time.monotonic() - began
        if elapsed >= QUICK_SECONDS:
            self._bars.console.print(finished(name, task.done, unit, elapsed), markup=False, highlight=False)


class _Bar:
    def __init__(self, bars: Progress, bar: TaskID, total: float | None, unit: str) -> None:
        self._bars, self._bar, self._total, self._unit = bars, bar, total, unit
        self._lock = threading.Lock()
        self.done = 0.0

    def advance(self, amount: float = 1) -> None:
        """So much more is done."""
        with self._lock:
            self.done += amount
        of = f" of {quantity(self._total, self._unit)}" if self._total else ""
        self._bars.update(self._bar, advance=amount, amount=f"{quantity(self.done, self._unit)}{of}")

    def note(self, message: str) -> None:
        """What is being done just now."""
        self._bars.update(self._bar, note=message)
