"""Months of a fleet's life with every kind of fault: no invariant is broken, and each bad hour ends well."""

import os

import pytest

from repave.simulation.theatre import month
from repave.wiring.simulating import played

KEPT = (21, 41, 85)
"""Seeds that once broke one: launches hang while fewer come to be wanted (21), a release falls ill while ends of its
instances fail (41), a release is stopped right after a person looked (85)."""

SEEDS = 20 if os.environ.get("CI") else 8


@pytest.mark.parametrize("seed", sorted({*KEPT, *range(SEEDS)}))
def test_no_month_breaks_an_invariant(seed: int) -> None:
    """Promises 1, 2, 4, 7, 8 and 12, whatever happens; `scripts/bench simulation` plays more of them."""
    theatre = played(month(seed))
    broken = "\n".join(map(str, theatre.watch.broken[:9]))
    assert not broken, f"repave simulate --seed {seed} --instances 60 --days 30:\n{broken}"
