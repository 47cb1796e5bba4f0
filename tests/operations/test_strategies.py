"""What `repave plan` says of each strategy, beside what then happens in a simulated world."""

from pathlib import Path

import pytest
from simulated_shop import FILE, Shop

from repave.model.observation import Observation
from repave.model.plan import Plan
from repave.operations.preview import FleetPreview, preview
from repave.ports.progress import Silent

ROLLING = "{strategy: rolling}"
BLUE_GREEN = "{strategy: blue-green, keep: 90s}"


def moved(folder: Path, rollout: str) -> tuple[FleetPreview, int, int, Shop]:
    """The preview of a second release over three of the first; the most alive and the fewest serving that then were."""
    shop = Shop(folder, FILE.replace("    port: 8080\n", f"    port: 8080\n    rollout: {rollout}\n"))
    for text in ("one\n", "two\n"):
        shop.change_application(text)
        shop.bake()
    shop.deploy("test", 1)
    alive, serving = [], []

    def watch(_: Plan, seen: Observation) -> None:
        alive.append(len(seen.machines.instances))
        serving.append(sum(backend.state == "serving" for backend in seen.traffic.backends))

    release = shop.store.releases()[-1]
    [told] = preview(shop.project, shop.environment("test"), release, shop.store, shop.clock, Silent())
    assert shop.deploy("test", 2, watch).as_asked
    return told, max(alive), min(serving), shop


@pytest.mark.parametrize("rollout", [ROLLING, BLUE_GREEN])
def test_the_peak_and_the_least_are_as_previewed(tmp_path: Path, rollout: str) -> None:
    """Whatever the strategy: as many extra, and never fewer serving, than was said before."""
    told, most, fewest, shop = moved(tmp_path, rollout)
    assert told.rehearsal.finished
    assert (told.rehearsal.peak, told.rehearsal.least_serving) == (most, fewest)
    shop.close()


def test_a_switch_is_shown_with_the_group_that_is_kept(tmp_path: Path) -> None:
    """All of it starts, all of it gets the requests, the old stand by, and go after their time."""
    told, *_, shop = moved(tmp_path, BLUE_GREEN)
    old, new = ("web-1", "web-2", "web-3"), ("web-4", "web-5", "web-6")
    start, switch, rest, end = told.rehearsal.batches
    who = [[one.slot for one in placed] for placed in (start.launches, switch.admits, rest.stand_bys, end.retires)]
    assert who == [[*new], [*new], [*old], [*old]]
    assert told.extra == 3
    assert 85 < told.rehearsal.pauses_seconds <= 90
    assert told.seconds is not None
    assert told.seconds > told.rehearsal.pauses_seconds
    shop.close()
