"""A shop that is kept fresh: real store, locks, releases and controller over a simulated world."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from invented import InventedAdvisories
from kept_fresh import CVE, SMALL, Killed, appears, locked, once, runs
from simulated_shop import Shop

from repave.config.policies import revision_for
from repave.model.finding import Finding, SourceStatus
from repave.model.lock import Lock
from repave.model.names import EnvironmentName, FleetName
from repave.model.pipeline import Rule
from repave.model.watch import Kind
from repave.operations.errors import Refused
from repave.operations.pause import pause
from repave.operations.watching.proposals import proposals
from repave.operations.watching.reviewing import text, title
from repave.operations.watching.waiting import wait_until
from repave.ports.progress import Progress
from repave.simulation.clock import SimulatedClock
from repave.simulation.world import Behaviour

HOUR = 3600.0
Opened = Callable[..., Shop]


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Opened]:
    """Shops that run r1 where it is said, and have had this week's updates."""
    made: list[Shop] = []

    def shop(text: str, *deployed: str) -> Shop:
        made.append(Shop(tmp_path / f"shop{len(made)}", text))
        made[-1].lock()
        made[-1].bake()
        for name in deployed:
            made[-1].deploy(name)
        once(made[-1])
        return made[-1]

    yield shop
    for one in made:
        one.close()


def test_what_repairs_nothing_waits_for_its_week_and_is_not_taken_with_a_flaw_or_unjudged(opened: Opened) -> None:
    """Then all of it comes in one release, once; while it brings a flaw, or a source is away, the lock stays."""
    shop = opened(SMALL, "prod")
    shop.pinner.archive["zlib"] = "1.3"
    assert once(shop).moved == ()
    assert locked(shop)["zlib"] == "1.2"
    shop.clock.sleep(timedelta(days=7).total_seconds())
    shop.advisories.problem = "no route to host"
    passed = once(shop)
    assert (passed.moved, passed.plan.unknown[0]) == ((), "invented: no route to host")
    shop.advisories.problem = ""
    shop.advisories.repairs["zlib"] = ("1.2", ("CVE-2026-9",))
    (moved,) = once(shop).moved
    assert (moved.kind, moved.taken, moved.opened) == (Kind.UPDATES, False, ("CVE-2026-9",))
    assert locked(shop)["zlib"] == "1.2"
    shop.advisories.repairs.clear()
    passed = once(shop)
    assert [(moved.kind, moved.taken) for moved in passed.moved] == [(Kind.UPDATES, True)]
    assert (locked(shop)["zlib"], runs(shop, "prod")) == ("1.3", {2})
    shop.pinner.archive["zlib"] = "1.4"
    assert once(shop).moved == ()


class AwayForNew(InventedAdvisories):
    """Cannot be read for a lock that has what repairs openssl."""

    def examine(self, lock: Lock, *, progress: Progress) -> tuple[tuple[Finding, ...], tuple[SourceStatus, ...]]:
        """See the port."""
        new = any(package.version == "3.0.22" for package in lock.packages)
        self.problem = "no route to host" if new else ""
        return super().examine(lock, progress=progress)


def test_what_could_not_be_read_of_a_repaired_lock_is_not_called_closed(opened: Opened) -> None:
    """The repair is taken; what is said of it is what is known."""
    shop = opened(SMALL)
    appears(shop)
    shop.advisories = AwayForNew(repairs=shop.advisories.repairs)
    (moved,) = once(shop).moved
    assert (moved.taken, moved.closed, title(moved)) == (True, (), "Repair 1 package")
    told = text(moved, {})
    assert "- closes: none that is known by what could be read\n- opens: none that is known by what" in told
    assert "- **not known**: invented: no route to host" in told


def test_a_new_advisory_goes_from_the_lock_to_every_instance_however_often_it_is_killed(opened: Opened) -> None:
    """Only what has the flaw moves, and is locked, baked and proposed once; then there is nothing to do."""
    shop = opened(SMALL, "test", "prod")
    appears(shop)
    for moment in ("bake", "carry test", "finish test", "carry prod", "finish prod"):
        with pytest.raises(Killed):
            once(shop, moment)
    pause(shop.keys("prod"), shop.store, shop.clock, paused=True)
    passed = once(shop)
    assert (passed.results, passed.plan.waits[0].rule) == ((), "paused")
    pause(shop.keys("prod"), shop.store, shop.clock, paused=False)
    passed = once(shop)
    assert (passed.plan.carry, passed.plan.finish) == ((), ())
    assert (runs(shop, "test"), runs(shop, "prod")) == ({2}, {2})
    assert locked(shop) == {"openssl": "3.0.22", "zlib": "1.2"}
    again = once(shop)
    assert (again.moved, again.release, again.results) == ((), None, ())
    assert [one.kind for one in proposals(shop.store)] == [Kind.UPDATES, Kind.REPAIRS]
    assert len(shop.store.releases()) == 2


def test_gates_hold_the_release_and_the_next_pass_carries_it_on(opened: Opened) -> None:
    """Until then it says what holds it, and wakes when that ends."""
    shop = opened(SMALL.replace("config: {GREETING: hello}", "gates: {soak: 1h}"), "test", "prod")
    appears(shop)
    passed = once(shop)
    assert [(held.environment, held.rule) for held in passed.held] == [("prod", Rule.SOAK)]
    assert (runs(shop, "test"), runs(shop, "prod")) == ({2}, {1})
    assert [(one.environment, one.closes) for one in passed.plan.carry] == [("prod", (CVE,))]
    assert passed.wake <= shop.clock.now() + timedelta(hours=1)
    shop.clock.sleep(2 * HOUR)
    assert once(shop).plan.carry == ()
    assert runs(shop, "prod") == {2}


def test_a_release_that_failed_does_not_come_again_by_itself(opened: Opened) -> None:
    """However often it passes, also when no lock can be made; what runs stays, and each is told."""
    shop = opened(SMALL, "test")
    appears(shop)
    with pytest.raises(Killed):
        once(shop, "carry test")
    release = shop.store.releases()[-1]
    revision = revision_for(shop.project, EnvironmentName("test"), FleetName("web"), release)
    shop.world.behaviours[revision.id] = Behaviour(never_healthy=True)
    assert [result.as_asked for result in once(shop).results] == [False]
    again = once(shop)
    assert again.results == ()
    assert [(held.environment, held.rule) for held in again.held] == [("test", Rule.FAILED)]
    assert runs(shop, "test") == {1}
    shop.advisories.repairs["zlib"] = ("1.3", ("CVE-2026-2",))
    shop.advisories.suite = "elsewhere"
    troubled = once(shop)
    assert troubled.trouble is not None
    assert "from which the image may take nothing" in troubled.trouble.message
    assert [held.rule for held in troubled.held] == [Rule.FAILED]


def test_an_environment_that_does_not_take_what_was_begun_keeps_no_other_from_it(opened: Opened) -> None:
    """Each was let in before; nothing else is let in by a release that failed."""
    shop = opened(SMALL, "test", "prod")
    appears(shop)
    with pytest.raises(Killed):
        once(shop, "finish test")
    release = shop.store.releases()[-1]
    shop.deploying.begin(shop.environment("prod"), release, "watch")
    revision = revision_for(shop.project, EnvironmentName("test"), FleetName("web"), release)
    shop.world.behaviours[revision.id] = Behaviour(never_healthy=True)
    assert [(one.environment, one.as_asked) for one in once(shop).results] == [("test", False), ("prod", True)]


def test_where_nothing_runs_nothing_is_started(tmp_path: Path) -> None:
    """An environment that was never deployed is passed by; one with gates is no way round."""
    for gates, carried in (("", {2}), ("gates: {soak: 1h}, ", {1})):
        shop = Shop(tmp_path / f"shop{len(gates)}", SMALL.replace("config: {GREETING", gates + "config: {GREETING"))
        try:
            shop.lock()
            shop.bake()
            shop.deploy("prod")
            appears(shop)
            once(shop)
            assert runs(shop, "prod") == carried
            assert bool(runs(shop, "test")) == bool(gates)
        finally:
            shop.close()


def test_what_a_person_changed_is_left_to_them(opened: Opened) -> None:
    """The application's change is not locked along; what was locked is baked by whoever locked it."""
    shop = opened(SMALL)
    appears(shop)
    (shop.folder / "app" / "app.py").write_text("print('not reviewed')\n", encoding="utf-8")
    passed = once(shop)
    assert (passed.moved, passed.release, passed.plan.waits[0].rule) == ((), None, "drift")
    (shop.folder / "repave.lock").unlink()
    with pytest.raises(Refused, match="there is nothing to keep fresh"):
        once(shop)


class SetBack(SimulatedClock):
    """Shows a day before its beginning from the third nap on."""

    naps = 0

    def now(self) -> datetime:
        """A person set it back."""
        return super().now() - timedelta(days=self.naps > 2)

    def sleep(self, seconds: float) -> None:
        """One nap more."""
        self.naps += 1
        super().sleep(seconds)


def test_waiting_ends_at_its_time_and_when_the_clock_is_set_back() -> None:
    """What was planned by a clock that was wrong is planned anew."""
    clock = SimulatedClock()
    until = clock.now() + timedelta(minutes=10)
    wait_until(until, clock)
    assert clock.now() == until
    wrong = SetBack()
    wait_until(until, wrong)
    assert wrong.naps == 3
