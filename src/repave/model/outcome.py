"""Outcome: what came of a step. The last of the planner's four types."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from repave.model.plan import Step


class Result(StrEnum):
    """How a step ended."""

    DONE = "done"
    NO_CAPACITY = "no-capacity"
    REFUSED = "refused"
    """Denied or invalid: the same order would be refused again."""

    SPENT = "spent"
    """The slot was used before, by an instance that has ended: nothing was started, and another slot is taken."""

    UNCERTAIN = "uncertain"
    """Throttled, unreachable or timed out: it may or may not have worked; the same order is given again."""

    STALE = "stale"
    """A newer generation has taken over: nothing was done."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of one step."""

    step: Step
    result: Result
    at: datetime
    detail: str = ""
