"""Months in the life of a fleet, each from one seed: what happens, and of most what is declared as well."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from math import sin, tau
from random import Random

from repave.model.amount import Amount
from repave.model.exposure import FixWithin
from repave.model.finding import Severity
from repave.model.policy import AgePolicy, BudgetPolicy, FleetPolicy, RolloutPolicy
from repave.model.scaling import MetricTarget, ScalePolicy
from repave.simulation.clock import BEGINNING
from repave.simulation.stage import POLICY
from repave.simulation.theatre import BOUND, Script
from repave.simulation.timetable import daily

HOUR, DAY = 3600.0, 86_400.0

STRATEGIES = ("blue-green", "canary", "rolling")

REQUESTS_PER_INSTANCE = 10.0
"""A second: what each instance should have."""

FIRST = 6
"""Of the fleet that comes first, where one does."""

PACED_BOUND = timedelta(hours=24)
"""With a budget of twelve an hour, a fleet of sixty that is rolled out twice takes ten hours, if nothing fails."""


@dataclass(frozen=True, kw_only=True)
class Tide:
    """A load that comes and goes, once a week."""

    average: float
    """Requests a second."""

    swing: float
    """Above and below it, as a share of it."""

    def __call__(self, at: datetime) -> float:
        """Requests a second at that time."""
        weeks = (at - BEGINNING) / timedelta(days=7)
        return self.average * (1 + self.swing * sin(tau * weeks))


def plain_month(seed: int) -> Script:
    """Thirty days of sixty instances in three zones with every kind of fault; each fourth has two controllers.

    The fleet rolls, and does nothing by itself.
    """
    return Script(seed=seed, controllers=1 if seed % 4 else 2)


def month(seed: int) -> Script:
    """The same; strategy, limits, ages, deadlines, and how the size follows the load are drawn from the seed."""
    return drawn(plain_month(seed))


def drawn(script: Script) -> Script:
    """The script, with what is declared of its fleet drawn from its seed; one in six waits for another."""
    chance = Random(f"what is declared, {script.seed}")  # noqa: S311 - it must be repeatable, not unguessable
    size = script.instances
    policy = replace(
        POLICY,
        rollout=_rollout(chance),
        budget=_budget(chance),
        age=_age(chance),
        fix_within=FixWithin(critical_seconds=2 * DAY, high_seconds=5 * DAY),
        scale=_scale(size) if chance.random() < 1 / 4 else None,
    )
    months = replace(
        script,
        policy=policy,
        flaw_days=chance.choice((0.0, 4.0, 9.0)),
        severities=(Severity.CRITICAL, Severity.HIGH),
        load=Tide(average=REQUESTS_PER_INSTANCE * size, swing=0.3),
        bound=BOUND if policy.budget.per_hour is None else PACED_BOUND,
    )
    policy = _with_people_and_clocks(months, chance)
    return replace(months, policy=policy, first=FIRST if chance.random() < 1 / 6 else 0)


def _rollout(chance: Random) -> RolloutPolicy:
    return RolloutPolicy(
        strategy=chance.choice(STRATEGIES),
        surge=Amount(value=chance.choice((10, 25, 50)), percent=True),
        unavailable=Amount(value=chance.choice((0, 0, 5)), percent=True),
        pause_seconds=120.0,
        baseline=chance.choice(("fresh", "running")),
        keep_seconds=300.0,
    )


def _with_people_and_clocks(script: Script, chance: Random) -> FleetPolicy:
    """Some canaries wait for a person at each step; some sizes follow the clock, where nothing else moves them."""
    policy, size = script.policy, script.instances
    rollout = replace(policy.rollout, checkpoint=chance.random() < 1 / 2)
    by_clock = chance.random() < 1 / 3 and policy.scale is None and script.bound == BOUND
    day, night = size + size // 6, size - size // 6
    scale = ScalePolicy(lowest=night, highest=day, schedule=daily({7: day, 19: night})) if by_clock else policy.scale
    return replace(policy, rollout=rollout, scale=scale)


def _budget(chance: Random) -> BudgetPolicy:
    per_zone = Amount(value=10, percent=True)
    return BudgetPolicy(
        per_hour=chance.choice((None, None, None, Amount(value=20, percent=True))),
        per_zone=chance.choice((None, None, per_zone)),
    )


def _age(chance: Random) -> AgePolicy:
    soft = chance.choice((None, 10 * DAY))
    hard = chance.choice((None, 15 * DAY))
    return AgePolicy(soft_seconds=soft, hard_seconds=hard)


def _scale(size: int) -> ScalePolicy:
    """Within a third of the size; measured so seldom that a quiet day stays cheap."""
    return ScalePolicy(
        lowest=size - size // 3,
        highest=size + size // 3,
        targets=(MetricTarget(metric="requests_per_instance", value=REQUESTS_PER_INSTANCE),),
        window_seconds=HOUR,
        in_after_seconds=2 * HOUR,
        cool_down_seconds=HOUR,
    )
