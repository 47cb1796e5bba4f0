"""Fleets that grow old in a simulated world: spread, in time, and never at the price of capacity."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from repave.model.amount import Amount
from repave.model.names import SlotId
from repave.model.policy import AgePolicy, BudgetPolicy
from repave.simulation.theatre import Script, Theatre
from repave.wiring.simulating import cast

DAY = 86400.0


class Years:
    """A fleet without faults: no invariant was broken in it, so at no time did fewer serve than wanted."""

    def __init__(self, instances: int, days: float, age: AgePolicy, budget: BudgetPolicy) -> None:
        self.theatre = Theatre(script=Script(instances=instances, days=days, kinds=()), casts=cast)
        stage = self.theatre.stage
        stage.policy = replace(stage.policy, age=age, budget=budget)
        self.theatre.play()
        assert not self.theatre.watch.broken, self.theatre.watch.broken[0]
        self._machines = list(stage.world.machines.values())
        begins = min(machine.launched_at for machine in self._machines)
        self.renewed = [m.launched_at for m in self._machines if m.launched_at - begins > timedelta(hours=1)]

    @property
    def oldest(self) -> timedelta:
        """How long the oldest lived, or has lived until now."""
        now, ended = self.theatre.stage.world.clock.now(), self._ended()
        return max(ended.get(machine.slot, now) - machine.launched_at for machine in self._machines)

    @property
    def most_in_an_hour(self) -> int:
        """Renewals that were started within any sixty minutes."""
        hour = timedelta(hours=1)
        return max((sum(at <= other < at + hour for other in self.renewed) for at in self.renewed), default=0)

    def _ended(self) -> dict[SlotId, datetime]:
        store, after = self.theatre.stage.store, 0
        found: dict[SlotId, datetime] = {}
        while page := store.events(self.theatre.stage.fleet, after=after, limit=10_000):
            found |= {SlotId(event.slot): event.at for event in page if event.kind == "terminate"}
            after = page[-1].sequence
        return found


def test_a_fleet_that_was_started_in_one_day_is_renewed_over_ten() -> None:
    """Sixty servers, four months: none is older than thirty days, and no hour renews more than a tenth."""
    years = Years(60, 120, AgePolicy(soft_seconds=30 * DAY, hard_seconds=90 * DAY), BudgetPolicy())
    assert years.oldest < timedelta(days=30)
    assert len(years.renewed) >= 3 * 60
    assert years.most_in_an_hour <= 6
    assert years.theatre.watch.thoughts < 10 * len(years.renewed), "a quiet day costs nothing"


@pytest.mark.parametrize(("hours", "per_hour"), [(1, 1), (2, 3)])
def test_the_hard_limit_and_the_budget_are_both_kept(hours: int, per_hour: int) -> None:
    """Without a soft limit, all of one age: replacing begins early enough that none is late and no hour is exceeded."""
    hard = AgePolicy(hard_seconds=2 * DAY)
    years = Years(12 * hours, 5, hard, BudgetPolicy(gentle_per_hour=Amount(value=per_hour)))
    assert years.oldest <= timedelta(days=2)
    assert len(years.renewed) >= 2 * 12 * hours
    assert years.most_in_an_hour <= per_hour
