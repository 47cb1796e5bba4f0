"""The exposure clock: five times of each flaw, from what was scanned, released and seen; what hurries stands first."""

from dataclasses import replace
from datetime import timedelta

import pytest
from simulated_shop import QUIET, Shop

from repave.model.exposure import FixWithin, Flaw
from repave.model.finding import Severity
from repave.operations.clocks import ClockState, ExposureClock, FleetClocks, exposure_clocks

CVE = "CVE-2026-0001"
DAY = timedelta(days=1)


@pytest.fixture
def shop(shop: Shop) -> Shop:
    """Openssl 3.0.20 runs, a scan has found its flaw, and 3.0.22 repairs it."""
    shop.lock()
    shop.bake()
    shop.deploy("test")
    shop.pinner.archive["openssl"] = "3.0.22"
    shop.advisories.repairs["openssl"] = ("3.0.22", (CVE,))
    shop.patching.diagnose(QUIET)
    return shop


def clocks(shop: Shop) -> tuple[ExposureClock, ...]:
    """As `repave status --exposures` shows them."""
    return exposure_clocks(shop.store, shop.project, None, shop.clock.now())


def repaired(shop: Shop) -> None:
    """The way `repave patch` goes, up to its proof."""
    diagnosis = shop.patching.diagnose(QUIET)
    shop.locking.write(shop.patching.cure(diagnosis, QUIET).proposal, QUIET)
    shop.bake()
    shop.deploy("test")


def test_an_open_flaw_counts_on(shop: Shop) -> None:
    """Until the last instance that has it is gone; nothing is clean yet."""
    (clock,) = clocks(shop)
    assert (clock.advisory, clock.environment, clock.fleet, clock.living) == (CVE, "test", "web", 3)
    assert clock.fixable_at is not None
    assert (clock.locked_at, clock.first_clean_at, clock.last_clean_at) == (None, None, None)
    shop.clock.sleep(60)
    assert clocks(shop)[0].seconds == clock.seconds + 60


def test_what_nobody_has_examined_is_not_clean(shop: Shop) -> None:
    """The repaired release stands there as such only once a scan says that the flaw is not in it."""
    repaired(shop)
    (clock,) = clocks(shop)
    assert clock.last_clean_at is not None
    assert (clock.locked_at, clock.first_clean_at) == (None, None)
    shop.patching.diagnose(QUIET)
    (clock,) = clocks(shop)
    assert clock.locked_at == shop.store.releases()[-1].created_at


def test_a_repaired_flaw_has_all_five_times(shop: Shop) -> None:
    """In their order; the last is the moment when the last instance that had it was seen to be gone."""
    repaired(shop)
    shop.patching.diagnose(QUIET)
    (clock,) = clocks(shop)
    times = [clock.published_at, clock.fixable_at, clock.locked_at, clock.first_clean_at, clock.last_clean_at]
    known = [time for time in times if time is not None]
    assert len(known) == 5
    assert known == sorted(known)
    gone = [lifetime.gone_at for lifetime in shop.store.lifetimes() if lifetime.gone_at is not None]
    assert clock.last_clean_at == max(gone)
    assert (clock.living, clock.state) == (0, ClockState.CLOSED)
    shop.clock.sleep(3600)
    assert clocks(shop)[0].seconds == clock.seconds


@pytest.mark.parametrize(
    ("days", "state"),
    [
        (0, ClockState.OPEN),
        (7, ClockState.OPEN),
        (8, ClockState.AT_RISK),
        (10, ClockState.AT_RISK),
        (11, ClockState.OVERDUE),
    ],
)
def test_what_is_due_is_told_before_it_is(shop: Shop, days: int, state: ClockState) -> None:
    """At risk from three quarters of the time on; overdue when it is over."""
    (clock,) = clocks(shop)
    limits = FixWithin(high_seconds=10 * DAY.total_seconds())
    fleet = shop.keys("test")[0]
    (found,) = FleetClocks(shop.store, fleet, limits).clocks(clock.published_at + days * DAY)
    assert found.state is state
    assert found.due_at == clock.published_at + 10 * DAY


def test_what_hurries_stands_first(shop: Shop) -> None:
    """Overdue, at risk, open; within these what is due first."""
    now = shop.clock.now()
    artifact = shop.store.releases()[0].artifacts[shop.store.revisions(shop.keys("test")[0])[0].image]
    days = {"soon": 28, "late": 40, "later": 50, "young": 1}
    flaws = [Flaw(advisory=name, severity=Severity.HIGH, published_at=now - age * DAY) for name, age in days.items()]
    critical = Flaw(advisory="critical", severity=Severity.CRITICAL, published_at=now - DAY)
    harmless = replace(critical, advisory="harmless", severity=Severity.LOW)
    shop.store.expose(artifact, [*flaws, critical, harmless], whole=True)
    found = [(one.advisory, one.state) for one in clocks(shop)]
    assert found[:3] == [
        ("later", ClockState.OVERDUE),
        ("late", ClockState.OVERDUE),
        ("soon", ClockState.AT_RISK),
    ]
    assert {state for _, state in found[3:]} == {ClockState.OPEN}
    assert next(one for one in clocks(shop) if one.advisory == "harmless").due_at is None


def test_a_flaw_that_was_gone_before_it_was_published_has_no_clock(shop: Shop) -> None:
    """Nobody was exposed."""
    repaired(shop)
    artifact = shop.store.releases()[0].artifacts[shop.store.revisions(shop.keys("test")[0])[0].image]
    later = Flaw(advisory="CVE-2026-9999", severity=Severity.HIGH, published_at=shop.clock.now() + DAY)
    shop.store.expose(artifact, [later], whole=False)
    assert "CVE-2026-9999" not in {clock.advisory for clock in clocks(shop)}


def test_what_a_scan_learned_is_on_record(shop: Shop) -> None:
    """Once: what was known already is no news."""
    shop.patching.diagnose(QUIET)
    told = [one.event.details for one in shop.store.recorded(kinds=("flaws",))]
    assert [(one["found"], one["gone"]) for one in told] == [([CVE], [])]
