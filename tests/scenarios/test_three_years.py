"""Sixty servers, three years, a critical flaw every week: what `docs/explanation/age-and-deadlines.md` shows."""

from bisect import bisect_left
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from repave.model.amount import Amount
from repave.model.exposure import FixWithin
from repave.model.policy import AgePolicy, BudgetPolicy
from repave.simulation.machines import Machine
from repave.simulation.stage import POLICY
from repave.simulation.theatre import Script, Theatre
from repave.wiring.simulating import played

DAY = 86_400.0
POLICY_OF_SIXTY = replace(
    POLICY,
    age=AgePolicy(soft_seconds=30 * DAY, hard_seconds=90 * DAY),
    budget=BudgetPolicy(per_hour=Amount(value=10, percent=True)),
    fix_within=FixWithin(critical_seconds=7 * DAY),
)


@pytest.fixture(scope="module")
def years() -> Theatre:
    """Played once."""
    return played(Script(instances=60, days=1095.0, kinds=(), policy=POLICY_OF_SIXTY, flaw_days=7.0))


def ended(theatre: Theatre, machine: Machine) -> datetime:
    """When it ended, or now."""
    return machine.ended_at or theatre.stage.world.clock.now()


def test_capacity_was_never_below_what_was_wanted(years: Theatre) -> None:
    """Promise 5: every invariant was held against every step, that of capacity among them."""
    assert not years.watch.broken
    assert years.watch.effects > 3 * 60 * 150


def test_no_server_was_ever_older_than_the_hard_limit(years: Theatre) -> None:
    """Promise 5."""
    oldest = max(ended(years, machine) - machine.launched_at for machine in years.stage.world.machines.values())
    assert oldest <= timedelta(days=90)


def test_no_deadline_was_missed(years: Theatre) -> None:
    """Promise 5: from the publication of each flaw to the last instance that held it, seven days at the most."""
    published = [told.at for told in years.trouble.told if told.kind == "flaw"]
    assert len(published) > 150
    for release, at in enumerate(published, 1):
        holders = [m for m in years.stage.world.machines.values() if m.revision.release == release]
        assert max(ended(years, machine) for machine in holders) <= at + timedelta(days=7), f"r{release}"


def test_no_hour_replaced_more_than_a_tenth(years: Theatre) -> None:
    """Promise 6: six of sixty, whatever asks for it."""
    drained = sorted(
        event.at for event in years.stage.store.events(years.stage.fleet, limit=1_000_000) if event.kind == "drain"
    )
    assert len(drained) > 60 * 150
    most = max(bisect_left(drained, at + timedelta(hours=1)) - place for place, at in enumerate(drained))
    assert most <= 6
