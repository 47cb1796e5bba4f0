"""The plan checker: every plan is held against the promises before it is committed, in tests and in production.

It reasons from the arguments alone and shares no code with the planner: an error made there is not made here again.
"""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import ClassVar

from repave.model.errors import RepaveError
from repave.model.observation import Observation
from repave.model.plan import Plan
from repave.model.policy import FleetPolicy
from repave.model.target import Target
from repave.planner.check import (
    ages,
    arrivals,
    canary,
    healing,
    judgements,
    ledger,
    removals,
    sizes,
    switching,
    turns,
    wishes,
)
from repave.planner.check.view import View

PROMISES: tuple[Callable[[View], Iterator[str]], ...] = (
    judgements.identity,
    arrivals.launches,
    turns.in_turn,
    arrivals.permission,
    arrivals.additions,
    removals.in_sight,
    removals.endings,
    removals.capacity,
    ledger.answers,
    ledger.urgency,
    ledger.pace,
    ledger.zones,
    ledger.memory,
    arrivals.crowd,
    canary.evidence,
    canary.steps,
    canary.share,
    canary.baseline,
    switching.switches,
    switching.admissions,
    switching.rests,
    switching.singly,
    removals.sick,
    judgements.going_back,
    judgements.lessons,
    healing.limit,
    healing.turns,
    wishes.protection,
    wishes.fulfilment,
    judgements.success,
    judgements.carriers,
    sizes.sizes,
    ages.renewals,
    ages.hurried,
    ages.overdue,
)
"""Each answers, in words, every way in which the plan would break it."""


class UnsafePlan(RepaveError):
    """A plan that would break a promise: a defect of ours, stopped before it does harm."""

    code: ClassVar[str] = "unsafe-plan"


def check(plan: Plan, policy: FleetPolicy, target: Target, observation: Observation, now: datetime) -> None:
    """Raise UnsafePlan, naming every promise that the plan would break."""
    view = View(plan, policy, target, observation, now)
    broken = [words for promise in PROMISES for words in promise(view)]
    if broken:
        raise UnsafePlan(
            f"the plan for {plan.fleet} would break a promise: {'; '.join(broken)}",
            hint="nothing was done; please report this with the output of `repave explain --json`",
        )
