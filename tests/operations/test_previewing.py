"""What is told of a change before it is made: how long it takes, and by which rule each part of it waits."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from simulated_shop import FILE, QUIET, Shop

from repave.cli.phrases import lasting
from repave.cli.previews import show
from repave.cli.screen import Screen
from repave.config.project import parse_project
from repave.model.names import EnvironmentName
from repave.model.observation import Observation
from repave.model.plan import Plan, Rule
from repave.operations.foresight import foresee
from repave.operations.pause import pause
from repave.operations.preview import FleetPreview, preview
from repave.ports.progress import Silent
from repave.simulation.world import Behaviour

HOURLY = "    port: 8080\n    budget: {per_hour: 1}\n"
Told = Callable[[Shop], FleetPreview]


@pytest.fixture
def two(tmp_path: Path) -> Shop:
    """Two releases, the first of which is deployed to `test`: starts were measured there, and nothing has left yet."""
    return two_of(Shop(tmp_path))


def two_of(shop: Shop) -> Shop:
    """The same of any shop."""
    for text in ("one\n", "two\n"):
        shop.change_application(text)
        shop.bake()
    shop.deploy("test", 1)
    return shop


def told(shop: Shop, name: str = "test", number: int = 2) -> FleetPreview:
    """Of a release in an environment."""
    release = shop.store.releases()[number - 1]
    [fleet] = preview(shop.project, shop.environment(name), release, shop.store, shop.clock, Silent())
    return fleet


def test_what_was_never_measured_is_bounded_by_its_limit(two: Shop) -> None:
    """Never a guess: nothing has started in `prod`, and in `test` nothing has left."""
    first = told(two, "prod", 1)
    assert (first.durations.start.seconds, first.durations.start.measured) == (3.0, 0)
    assert (first.at_most, first.seconds) == (True, 3.0)
    second = told(two)
    assert second.durations.start.measured == 3
    assert (second.durations.leave.seconds, second.durations.leave.measured) == (30.0, 0)
    assert second.at_most
    two.close()


def test_what_was_measured_is_told_by_its_median(two: Shop) -> None:
    """One that was slow once does not stretch every later estimate."""
    two.deploy("test", 2)
    two.world.behaviours[two.world.living(two.keys("test")[0])[0].revision.id] = Behaviour()
    back = told(two, number=1)
    assert back.durations.start.measured == 6
    assert back.durations.leave.measured == 3
    assert not back.at_most
    took = two.deploy("test", 1).seconds
    assert back.seconds == pytest.approx(took, abs=2.0)
    two.close()


def test_an_hourly_budget_bounds_the_time_and_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Three are replaced, one an hour: two hours are waited by that rule, each part of them told where it is waited."""
    shop = two_of(Shop(tmp_path, FILE.replace("    port: 8080\n", HOURLY)))
    fleet = told(shop)
    [hourly] = [wait for wait in fleet.rehearsal.waits if wait.rule is Rule.HOURLY]
    assert 2 * 3500 < hourly.seconds <= 2 * 3600
    assert fleet.seconds is not None
    assert fleet.seconds > hourly.seconds
    assert fleet.rehearsal.pauses_seconds == hourly.seconds
    waited = [wait.seconds for batch in fleet.rehearsal.batches for wait in batch.waited if wait.rule is Rule.HOURLY]
    assert sum(waited) == hourly.seconds
    show(fleet, shop.clock.now(), Screen())
    said = capsys.readouterr().out
    assert f"{lasting(hourly.seconds)} of it is waited by rule hourly-budget: " in said
    assert said.count(" by rule hourly-budget (fleet: ") == 2
    assert "what can be done: wait, or raise `budget.per_hour`" in said
    shop.close()


def test_a_paused_fleet_is_said_not_to_get_there(two: Shop) -> None:
    """With the one rule that holds it."""
    pause(two.keys("test"), two.store, two.clock, paused=True)
    fleet = told(two)
    assert (fleet.seconds, fleet.rehearsal.finished) == (None, False)
    assert [(held.subject, held.rule) for held in fleet.rehearsal.held] == [("fleet", Rule.PAUSED)]
    two.close()


def test_another_size_is_planned_like_another_release(two: Shop) -> None:
    """More: they are started. Fewer: as many leave, and nothing is started."""
    two.close()
    for size, starts, leaves in ((5, 2, 0), (2, 0, 1)):
        other = Shop(two.folder / f"of-{size}", FILE.replace("{web: {size: 3}}", f"{{web: {{size: {size}}}}}"))
        release = two.store.releases()[0]
        [fleet] = preview(other.project, other.environment("test"), release, two.store, two.clock, Silent())
        assert [(change.what, change.old, change.new) for change in fleet.changes] == [("size", "3", str(size))]
        assert sum(len(batch.launches) for batch in fleet.rehearsal.batches) == starts
        assert sum(len(batch.retires) for batch in fleet.rehearsal.batches) == leaves
        assert fleet.rehearsal.finished
        other.close()


def test_another_address_is_planned(two: Shop) -> None:
    """Clients are told to go elsewhere, though no instance is replaced."""
    (key,) = two.keys("test")
    seen = two.store.last_seen(key)
    assert seen is not None
    here = urlsplit(seen.traffic.endpoint).netloc
    for listen, moved in ((here, False), ("127.0.0.1:18999", True)):
        text = FILE.replace("{web: {size: 3}}", f"{{web: {{size: 3, listen: '{listen}'}}}}")
        two.project = parse_project(text, filename="repave.yaml")
        fleet = told(two, number=1)
        assert [(change.what, change.new) for change in fleet.changes] == ([("listen", listen)] if moved else [])
        assert fleet.nothing_to_do is not moved
        assert not fleet.rehearsal.batches
    two.close()


def test_what_runs_on_in_a_zone_that_is_no_more_is_named(two: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    """It is not replaced at once; what is replaced anyhow needs no word."""
    two.project = parse_project(FILE.replace("zones: [a, b]", "zones: [b, c]"), filename="repave.yaml")
    (key,) = two.keys("test")
    left = tuple(sorted(each.slot for each in two.world.living(key) if each.zone == "a"))
    assert left
    stays = told(two, number=1)
    assert stays.elsewhere == left
    show(stays, two.clock.now(), Screen())
    assert f"{left[0]}" in capsys.readouterr().err
    assert told(two, number=2).elsewhere == ()
    two.close()


def test_what_is_half_done_is_planned_to_its_end(two: Shop) -> None:
    """A preview in the middle of a roll-out begins with what is there: what has started is not started again."""
    shown: list[FleetPreview] = []

    def watch(_: Plan, seen: Observation) -> None:
        if not shown and any(instance.release == 2 for instance in seen.machines.instances):
            shown.append(told(two))

    two.deploy("test", 2, watch)
    [fleet] = shown
    assert fleet.rehearsal.finished
    assert sum(len(batch.launches) for batch in fleet.rehearsal.batches) == 2
    assert [one.slot for batch in fleet.rehearsal.batches for one in batch.retires] == ["web-1", "web-2", "web-3"]
    two.close()


@dataclass(kw_only=True)
class Counted:
    """A task that counts."""

    done: float = 0.0

    def advance(self, amount: float = 1) -> None:
        """So much more."""
        self.done += amount

    def note(self, message: str) -> None:
        """Nothing to count."""


@dataclass(kw_only=True)
class Heard:
    """The progress of somebody who listens."""

    tasks: list[tuple[str, float | None, str, float]] = field(default_factory=list)
    """Each with its name, its total, its unit and how far it came."""

    @contextmanager
    def task(self, name: str, *, total: float | None = None, unit: str = "") -> Iterator[Counted]:
        """One that ends with the block."""
        counted = Counted()
        yield counted
        self.tasks.append((name, total, unit, counted.done))


def test_a_rehearsal_tells_how_far_it_is(two: Shop) -> None:
    """Of a large fleet it takes seconds."""
    heard = Heard()
    preview(two.project, two.environment("test"), two.store.releases()[1], two.store, two.clock, heard)
    assert heard.tasks == [("Rehearsing test/web", 3, "instances", 3)]
    two.close()


def test_the_turn_of_a_fleet_comes_when_those_before_it_are_done(tmp_path: Path) -> None:
    """Told in seconds from the beginning of it all; a fleet that carries the release already is not waited for."""
    proxy = "  proxy: {image: web, port: 8081, health: {interval: 200ms, timeout: 200ms, grace: 3s}}\n"
    text = FILE.replace("    port: 8080\n", "    port: 8080\n    after: [proxy]\n")
    text = text.replace("environments:\n", f"{proxy}environments:\n").replace(
        "size: 3}}", "size: 3}, proxy: {size: 2}}"
    )
    shop = two_of(Shop(tmp_path, text))
    release = shop.store.releases()[-1]
    shown = preview(shop.project, shop.environment("test"), release, shop.store, shop.clock, Silent())
    fleets = {fleet.fleet: fleet for fleet in shown}
    assert fleets["proxy"].begins_seconds == 0.0
    assert fleets["web"].begins_seconds == fleets["proxy"].seconds
    shop.deploy("test", 2)
    done = preview(shop.project, shop.environment("test"), release, shop.store, shop.clock, Silent())
    assert [(fleet.after, fleet.begins_seconds) for fleet in done] == [((), 0.0), ((), 0.0)]
    back = preview(shop.project, shop.environment("test"), shop.store.releases()[0], shop.store, shop.clock, Silent())
    assert {fleet.fleet: fleet.after for fleet in back} == {"web": (), "proxy": ("web",)}
    shop.close()


def test_a_patch_is_told_before_it_is_baked(two: Shop) -> None:
    """By instance and in order, as it then rolls out; a fleet that runs nothing flawed is left out."""
    two.pinner.archive["openssl"] = "3.0.22"
    two.advisories.repairs["openssl"] = ("3.0.22", ("CVE-2026-1234",))
    cure = two.patching.cure(two.patching.diagnose(QUIET), QUIET)
    planned = foresee(two.project, cure.rolls, two.store, two.clock, Silent())
    assert set(planned) == {"test"}
    [fleet] = planned[EnvironmentName("test")]
    assert (fleet.running, fleet.release, fleet.replaces) == ("r1", "r3", 3)
    drained: list[str] = []
    two.world.on_effect = lambda effect: drained.append(effect.machine.slot) if effect.kind == "drain" else None
    two.locking.write(cure.proposal, QUIET)
    two.bake()
    assert two.deploy("test", 3).as_asked
    assert [one.slot for batch in fleet.rehearsal.batches for one in batch.retires] == list(dict.fromkeys(drained))
    two.close()
