"""Healing: which of the sick may be replaced now."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from repave.model.plan import Rule
from repave.model.policy import FleetPolicy
from repave.model.target import Target
from repave.planner.budget import Refusal
from repave.planner.sets import Member


def healable(policy: FleetPolicy, target: Target, sick: Iterable[Member], now: datetime) -> tuple[Member, ...]:
    """Those of the sick that may be replaced for looking so, longest sick first.

    What is dead is not asked about here: ending it takes nothing from anybody.
    """
    window = timedelta(seconds=policy.healing.window_seconds)
    used = sum(now - heal.at < window for heal in target.heals)
    left = max(0, limit(policy, target) - used)
    return tuple(sorted(sick, key=lambda member: (member.since, member.slot))[:left])


def limit(policy: FleetPolicy, target: Target) -> int:
    """How many may be replaced within the window."""
    return max(1, policy.healing.limit.of(target.size))


def refusal(policy: FleetPolicy, target: Target, now: datetime) -> Refusal:
    """What is said to the sick beyond the limit."""
    words = f"at most {limit(policy, target)} may be replaced within {policy.healing.window_seconds:g} s"
    return Refusal(rule=Rule.HEALING_LIMIT, words=words, until=_next_heal_at(policy, target, now))


def _next_heal_at(policy: FleetPolicy, target: Target, now: datetime) -> datetime | None:
    """When the oldest heal leaves the window, and one more may be replaced."""
    window = timedelta(seconds=policy.healing.window_seconds)
    ends = [heal.at + window for heal in target.heals if now - heal.at < window]
    return min(ends, default=None)
