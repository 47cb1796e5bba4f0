"""How a rule stands: held, broken, or not shown; what is not known is never taken for good."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """How a rule stands."""

    BROKEN = "broken"
    UNKNOWN = "not shown"
    HELD = "held"


@dataclass(frozen=True, kw_only=True)
class Clause:
    """Where a standard asks for something."""

    standard: str
    number: str


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What a rule wants."""

    key: str
    title: str
    source: str
    """Whose rule it is, in words."""

    clauses: tuple[Clause, ...] = ()
    """Empty for a rule of one's own that no standard asks for."""


@dataclass(frozen=True, kw_only=True)
class Rule(Asked):
    """One rule, and how it stood over the whole time."""

    verdict: Verdict
    said: str
    """Why, in one or two sentences."""

    breaches: tuple[str, ...] = ()
    """What breaks it, each in words."""

    doubts: tuple[str, ...] = ()
    """Why it cannot be shown, each in words."""


def ruled(asked: Asked, *, breaches: Sequence[str], doubts: Sequence[str], held: str) -> Rule:
    """Broken by what breaks it; not shown where something is in doubt; else it is held, as ``held`` says."""
    if breaches:
        verdict, said = Verdict.BROKEN, f"{_cases(breaches)} against it."
    elif doubts:
        verdict, said = Verdict.UNKNOWN, f"Nothing speaks against it; {_cases(doubts)} cannot be judged."
    else:
        verdict, said = Verdict.HELD, held
    return Rule(
        key=asked.key,
        title=asked.title,
        source=asked.source,
        clauses=asked.clauses,
        verdict=verdict,
        said=said,
        breaches=tuple(breaches),
        doubts=tuple(doubts),
    )


def _cases(found: Sequence[str]) -> str:
    return "1 case" if len(found) == 1 else f"{len(found)} cases"


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """Broken where one is, else not shown where one is; held where there is none at all."""
    found = set(verdicts)
    return next((verdict for verdict in Verdict if verdict in found), Verdict.HELD)


def bounded(at_least: float, at_most: float, limit: float) -> Verdict:
    """Of an amount that is known by two bounds only, whether it kept below a limit."""
    if at_least > limit:
        return Verdict.BROKEN
    return Verdict.HELD if at_most <= limit else Verdict.UNKNOWN
