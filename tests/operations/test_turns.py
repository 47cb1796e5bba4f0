"""Fleets of which one comes after the other, deployed and previewed over a simulated world."""

from pathlib import Path

import pytest
from simulated_shop import FILE, Shop

from repave.config.policies import revision_for
from repave.model.names import FleetName
from repave.operations.deploy import ROLLED_BACK, STOPPED
from repave.operations.preview import preview
from repave.operations.status import fleet_statuses
from repave.ports.progress import Silent
from repave.simulation.world import Behaviour

PROXY = "  proxy: {image: web, port: 8081, health: {interval: 200ms, timeout: 200ms, grace: 3s}}\n"


@pytest.fixture
def pair(tmp_path: Path) -> Shop:
    """`web`, which is after `proxy`."""
    text = FILE.replace("    port: 8080\n", "    port: 8080\n    after: [proxy]\n")
    text = text.replace("environments:\n", f"{PROXY}environments:\n").replace(
        "size: 3}}", "size: 3}, proxy: {size: 2}}"
    )
    return Shop(tmp_path, text)


def test_what_waits_in_vain_says_for_whom(pair: Shop) -> None:
    """Promise 4: the release fails in the fleet that comes first; the other never starts it, and the reason is told."""
    for text in ("one\n", "two\n"):
        pair.change_application(text)
        pair.bake()
    pair.deploy("test", 1)
    release = pair.store.releases()[-1]
    bad = revision_for(pair.project, pair.environment("test").name, FleetName("proxy"), release)
    pair.world.behaviours[bad.id] = Behaviour(never_healthy=True)
    results = {fleet.fleet: fleet for fleet in pair.deploy("test", release.number).fleets}
    assert (results["proxy"].result, results["web"].result) == (ROLLED_BACK, STOPPED)
    assert results["web"].reason == "proxy comes first, and stays at r1"
    assert {status.fleet: status.releases for status in fleet_statuses(pair.store)} == {
        "web": {"r1": 3},
        "proxy": {"r1": 2},
    }
    pair.close()


def test_a_preview_says_who_comes_first(pair: Shop) -> None:
    """Each fleet's own batches, and for whom they wait."""
    pair.change_application("one\n")
    release = pair.bake().release
    shown = preview(pair.project, pair.environment("test"), release, pair.store, pair.clock, Silent())
    assert {fleet.fleet: fleet.after for fleet in shown} == {"web": ("proxy",), "proxy": ()}
    assert all(fleet.rehearsal.finished for fleet in shown)
    pair.close()
