"""Flaws that scans find are kept, are told with their date, and go with the last instance that holds them."""

from datetime import timedelta

from simulated_shop import QUIET, Shop

from repave.operations.scan import scan
from repave.operations.status import fleet_statuses

CVE = "CVE-2026-1"


def test_what_a_scan_finds_is_due_until_a_repaired_release_runs(shop: Shop) -> None:
    """Nobody rated it, so it counts as high: thirty days from when it was first found, whatever later scans say."""
    lock = shop.lock()
    shop.bake()
    shop.deploy("test")
    shop.advisories.repairs["openssl"] = ("3.0.22", (CVE,))
    began = shop.clock.now()
    scan("repave.lock", lock, (shop.advisories,), shop.store, shop.clock, QUIET)
    shop.clock.sleep(86400)
    scan("repave.lock", lock, (shop.advisories,), shop.store, shop.clock, QUIET)
    shop.deploy("test")
    (status,) = fleet_statuses(shop.store)
    due = began + timedelta(days=30)
    assert status.deadlines == (
        f"r1 holds {CVE} (unrated), which is due on {due:%Y-%m-%d %H:%M}, and nothing repaired is wanted",
    )
    shop.pinner.archive["openssl"] = "3.0.22"
    patching = shop.patching
    cure = patching.cure(patching.diagnose(QUIET), QUIET)
    shop.locking.write(cure.proposal, QUIET)
    shop.bake()
    assert shop.deploy("test").as_asked
    assert fleet_statuses(shop.store)[0].deadlines == ()


def test_a_source_that_could_not_be_read_takes_nothing_back(shop: Shop) -> None:
    """What was found stays until a whole scan no longer finds it."""
    lock = shop.lock()
    artifact = next(iter(shop.bake().release.artifacts.values()))
    shop.advisories.repairs["openssl"] = ("3.0.22", (CVE,))
    scan("repave.lock", lock, (shop.advisories,), shop.store, shop.clock, QUIET)
    shop.advisories.problem = "no answer"
    scan("repave.lock", lock, (shop.advisories,), shop.store, shop.clock, QUIET)
    assert [flaw.advisory for flaw in shop.store.flaws(artifact)] == [CVE]
    shop.advisories.problem = ""
    shop.advisories.repairs.clear()
    scan("repave.lock", lock, (shop.advisories,), shop.store, shop.clock, QUIET)
    assert shop.store.flaws(artifact) == ()
