"""How long work tells a person where it is."""

from contextlib import AbstractContextManager
from typing import Protocol, Self


class Task(Protocol):
    """One piece of work under way."""

    def advance(self, amount: float = 1) -> None:
        """So much more is done, in the units of the total."""
        ...

    def note(self, message: str) -> None:
        """What is being done just now, in a few words."""
        ...


class Progress(Protocol):
    """Shows tasks: bars on a terminal, plain lines elsewhere, nothing with ``--json``. Safe to use from threads."""

    def task(self, name: str, *, total: float | None = None, unit: str = "") -> AbstractContextManager[Task]:
        """A task that ends with the block; ``total`` None means unknown; ``unit`` ``B`` means bytes."""
        ...


class _SilentTask:
    def advance(self, amount: float = 1) -> None:
        """Show nothing."""

    def note(self, message: str) -> None:
        """Show nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to end."""


class Silent:
    """The progress that shows nothing."""

    def task(self, name: str, *, total: float | None = None, unit: str = "") -> AbstractContextManager[Task]:
        """A task that nobody sees."""
        del name, total, unit
        return _SilentTask()
