"""One rule of a contract, and how it is held against an adapter."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from repave.ports.clock import Clock
from repave.ports.errors import WorldError

Stage = TypeVar("Stage")

PATIENCE_SECONDS = 20.0
"""How long a real adapter may take for what a rule waits for: slower than any sane start of a tiny server."""


class BrokenRule(AssertionError):
    """An adapter does not do what the port says."""


@dataclass(frozen=True, kw_only=True)
class Rule(Generic[Stage]):
    """One sentence of a port's contract, with the code that tries it."""

    number: str
    sentence: str
    check: Callable[[Stage], None]

    def __str__(self) -> str:
        """As a test's name."""
        return f"rule {self.number}: {self.sentence}"


def require(holds: object, sentence: str) -> None:
    """Raise BrokenRule with the sentence unless it holds."""
    if not holds:
        raise BrokenRule(sentence)


def refuses(expected: type[WorldError], action: Callable[[], object], sentence: str) -> None:
    """Raise BrokenRule unless the action raises exactly this answer of the world."""
    try:
        action()
    except expected:
        return
    raise BrokenRule(sentence)


def eventually(clock: Clock, holds: Callable[[], object], sentence: str) -> None:
    """Wait for it, for as long as a real server may take; then raise BrokenRule."""
    waited = 0.0
    while not holds():
        if waited > PATIENCE_SECONDS:
            raise BrokenRule(f"not within {PATIENCE_SECONDS:g} s: {sentence}")
        clock.sleep(0.1)
        waited += 0.1
