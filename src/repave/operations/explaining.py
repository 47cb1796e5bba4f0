"""Why things wait, by the last plan of each fleet."""

from dataclasses import dataclass
from datetime import datetime

from repave.model.names import FleetKey
from repave.model.plan import Ages, Draw
from repave.planner.explain import Explanation, explain
from repave.ports.store import Store


@dataclass(frozen=True, kw_only=True)
class FleetExplanation:
    """One fleet: what it does, and what holds each thing that waits."""

    environment: str
    fleet: str
    phase: str
    summary: str
    planned_at: datetime | None
    """Of when the plan is; None before the first."""

    waits: tuple[Explanation, ...]
    steps: tuple[str, ...]
    """What is being done, in words."""

    draws: tuple[Draw, ...]
    """Every request to take a serving instance out, as it was answered."""

    stopped: str
    ages: Ages | None
    """Of what serves; None where no age is limited."""


def explain_fleet(store: Store, key: FleetKey) -> FleetExplanation:
    """By the last plan kept."""
    plan = store.last_plan(key)
    target = store.target(key)
    stopped = target.stopped if target else ""
    if plan is None:
        return FleetExplanation(
            environment=key.environment,
            fleet=key.fleet,
            phase="not planned yet",
            summary="",
            planned_at=None,
            waits=(),
            steps=(),
            draws=(),
            stopped=stopped,
            ages=None,
        )
    return FleetExplanation(
        environment=key.environment,
        fleet=key.fleet,
        phase=plan.phase,
        summary=plan.summary,
        planned_at=plan.at,
        waits=explain(plan),
        steps=tuple(f"{step.kind} {step.slot}: {step.reason}" for step in plan.steps),
        draws=plan.draws,
        stopped=stopped,
        ages=plan.ages,
    )
