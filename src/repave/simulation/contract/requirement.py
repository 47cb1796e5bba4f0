"""What a rule is checked with: plain requirements, refusals, and waiting by the subject's own clock."""

from collections.abc import Callable
from typing import TypeVar

from repave.ports.clock import Clock
from repave.ports.errors import WorldError

Refusal = TypeVar("Refusal", bound=WorldError)

PAUSE_SECONDS = 0.1
"""Between two looks: short against what is waited for, long against the cost of a look."""


class ContractBroken(AssertionError):
    """An adapter does not do what its port promises."""


def require(condition: object, sentence: str) -> None:
    """Raise ContractBroken with the sentence unless the condition holds."""
    if not condition:
        raise ContractBroken(sentence)


def refusal(error: type[Refusal], verb: Callable[[], object], sentence: str) -> Refusal:
    """The refusal that the verb must answer with; any other answer breaks the contract."""
    try:
        verb()
    except error as refused:
        return refused
    except WorldError as other:
        raise ContractBroken(f"{sentence}, with {error.__name__}, not {type(other).__name__}: {other}") from other
    raise ContractBroken(f"{sentence}, with {error.__name__}; it answered as if all were well")


def eventually(clock: Clock, patience_seconds: float, condition: Callable[[], object], sentence: str) -> None:
    """Look again and again until the condition holds, as long as the patience lasts."""
    begun = clock.now()
    while not condition():
        waited = (clock.now() - begun).total_seconds()
        require(waited < patience_seconds, f"{sentence}; after {waited:.0f} s it is still not so")
        clock.sleep(PAUSE_SECONDS)


def never(clock: Clock, seconds: float, condition: Callable[[], object], sentence: str) -> None:
    """Look for some time: the condition must not come to hold."""
    begun = clock.now()
    while (clock.now() - begun).total_seconds() < seconds:
        require(not condition(), sentence)
        clock.sleep(PAUSE_SECONDS)
