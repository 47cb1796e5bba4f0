"""Months of a fleet's life with every kind of fault: no invariant is broken, and each bad hour ends well."""

import os
from collections import Counter

import pytest

from repave.simulation.months import month, plain_month
from repave.simulation.theatre import Script
from repave.wiring.simulating import played

KEPT_PLAIN = (21, 41, 85)
"""Seeds that once broke one: launches hang while fewer come to be wanted (21), a release falls ill while ends of its
instances fail (41), a release is stopped right after a person looked (85)."""

SEEDS = 100 if os.environ.get("CI") else 8


def broken(script: Script) -> str:
    """What did not hold, a line for each of the first."""
    return "\n".join(map(str, played(script).watch.broken[:9]))


@pytest.mark.parametrize("seed", range(SEEDS))
def test_no_month_breaks_an_invariant(seed: int) -> None:
    """Promises 1, 2, 4, 7, 8 and 12, whatever happens; `scripts/bench simulation` plays more of them."""
    script = month(seed)
    again = f"repave simulate --seed {seed} --instances 60 --days 30 --controllers {script.controllers} --drawn"
    assert not broken(script), again


@pytest.mark.parametrize("seed", KEPT_PLAIN)
def test_no_plain_month_breaks_an_invariant(seed: int) -> None:
    """Of a fleet that rolls, and does nothing by itself."""
    script = plain_month(seed)
    assert not broken(script), f"repave simulate --seed {seed} --instances 60 --days 30"


def test_months_are_of_every_sort() -> None:
    """What is declared differs from seed to seed, and is the same for the same one."""
    months = [month(seed) for seed in range(100)]
    assert months == [month(seed) for seed in range(100)]
    strategies = Counter(each.policy.rollout.strategy for each in months)
    assert min(strategies[name] for name in ("rolling", "canary", "blue-green")) > 20
    for declared in (
        [each.policy.scale for each in months],
        [each.policy.age.soft_seconds for each in months],
        [each.policy.age.hard_seconds for each in months],
        [each.policy.budget.per_hour for each in months],
        [each.policy.budget.per_zone for each in months],
        [each.flaw_days or None for each in months],
        [each.first or None for each in months],
        [each.policy.rollout.unavailable.value or None for each in months],
        [(each.policy.rollout.strategy == "canary" and each.policy.rollout.checkpoint) or None for each in months],
        [each.policy.scale and (each.policy.scale.schedule or None) for each in months],
    ):
        assert 10 < sum(one is not None for one in declared) < 90
