"""A shop with a fleet that serves and one of workers: deployed, shown, checked, renamed and ended alike."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from simulated_shop import FILE, QUIET, Shop

from repave.balancers.beside import WithWorkers
from repave.balancers.workers.balancer import Workers
from repave.config.project import parse_project
from repave.model.names import EnvironmentName, FleetName, ReleaseNumber
from repave.model.observation import Observation
from repave.model.plan import Plan
from repave.operations.converge import unwatched
from repave.operations.deploy import DEPLOYED, ROLLED_BACK
from repave.operations.dropped import with_dropped
from repave.operations.errors import Refused
from repave.operations.keys import fleets_of
from repave.operations.preview import preview
from repave.operations.promoting.measuring import Measuring
from repave.operations.status import fleet_statuses
from repave.planner.explain import explain
from repave.simulation.metrics import SimulatedMetrics
from repave.simulation.world import Behaviour

WORKERS = FILE.replace(
    "environments:",
    "  mailer:\n    image: web\n    port: none\n    health: {steady: 4s}\n    drain: 1m\nenvironments:",
).replace("{web: {size: 3}}", "{web: {size: 3}, mailer: {size: 2}}")

ASKED = "health: {interval: 200ms, timeout: 200ms, healthy: 2, unhealthy: 3, grace: 3s}"


class CrewShop(Shop):
    """With both kinds of fleets."""

    def __init__(self, folder: Path, text: str) -> None:
        super().__init__(folder, text)
        workers = Workers(folder / "workers", clock=self.clock, machines=self.machines)
        self.traffic = WithWorkers(self.traffic, workers)

    def rewrite(self, text: str) -> None:
        """As a person edits the file."""
        self.project = parse_project(text, filename="repave.yaml")


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[CrewShop]:
    """Locked and baked."""
    made = CrewShop(tmp_path, WORKERS)
    made.lock()
    made.bake()
    yield made
    made.close()


def test_both_are_deployed_and_shown(shop: CrewShop) -> None:
    """A worker has no address that anyone asks, and its fleet no endpoint."""
    result = shop.deploy("test")
    assert [(one.fleet, one.result, one.serving) for one in result.fleets] == [
        ("web", DEPLOYED, 3),
        ("mailer", DEPLOYED, 2),
    ]
    assert [bool(one.endpoint) for one in result.fleets] == [True, False]
    told = {one.fleet: one for one in fleet_statuses(shop.store)}
    assert (told["mailer"].serving, told["mailer"].endpoint) == (2, "")
    assert {one.port for one in told["mailer"].instances} == {None}
    assert {one.port for one in told["web"].instances} == {8080}


def test_a_preview_of_workers_is_what_then_happens(shop: CrewShop) -> None:
    """As many steps, and about as long: what they need was measured by the first deployment."""
    shop.deploy("test")
    shop.change_application("print('again')\n")
    release = shop.bake().release
    shown = {
        one.fleet: one
        for one in preview(shop.project, shop.environment("test"), release, shop.store, shop.clock, QUIET)
    }
    begun = shop.clock.now()
    assert shop.deploy("test").as_asked
    taken = (shop.clock.now() - begun).total_seconds()
    assert shown["mailer"].durations.start.measured == 2
    assert 4.0 <= shown["mailer"].durations.start.seconds <= 5.5
    assert taken <= 3 * max(one.seconds or 0.0 for one in shown.values())


def test_a_release_that_fails_in_workers_goes_back(shop: CrewShop) -> None:
    """And the other fleet keeps what it got: each is judged by its own."""
    shop.deploy("test")
    shop.change_application("print('bad')\n")
    release = shop.bake().release
    revisions = shop.deploying.revisions(shop.environment("test"), release)
    mailer = next(revision for key, revision in revisions.items() if key.fleet == "mailer")
    shop.world.behaviours[mailer.id] = Behaviour(dies_after_seconds=1.0)
    result = shop.deploy("test")
    assert [(one.fleet, one.result) for one in result.fleets] == [("web", DEPLOYED), ("mailer", ROLLED_BACK)]


def test_what_waits_is_told_in_words_of_workers(shop: CrewShop) -> None:
    """Nobody waits for answers or requests of theirs."""
    told: set[str] = set()
    key = next(one for one in shop.keys("test") if one.fleet == "mailer")

    def look(decided: Plan, _: Observation) -> None:
        if decided.fleet == key:
            told.update((decided.summary, *(one.sentence for one in explain(decided))))

    shop.deploy("test", watcher=look)
    target = shop.store.target(key)
    assert target is not None
    shop.world.behaviours[target.revision] = Behaviour(finishes_after_seconds=20.0)
    shop.change_application("print('again')\n")
    shop.bake()
    shop.deploy("test", watcher=look)
    said = " ".join(sorted(told))
    assert "it has not run for 4 s yet" in said
    assert "it finishes its work" in said
    assert "to finish their work" in said
    assert "request" not in said.replace("a leaving instance may end its open requests, a worker its work", "")


@pytest.mark.parametrize(
    ("fleet", "change", "message"),
    [
        ("mailer", {"port: none\n    health: {steady: 4s}": "port: 9000"}, "runs as workers and cannot be"),
        (
            "web",
            {"port: 8080": "port: none", ASKED: "drain: 3s"},
            "runs as a fleet with a port and cannot be",
        ),
    ],
)
def test_a_fleet_is_not_rolled_from_one_kind_to_the_other(
    shop: CrewShop, fleet: str, change: dict[str, str], message: str
) -> None:
    """Before anything is wanted it is said how the other comes to be."""
    shop.deploy("test")
    text = WORKERS
    for old, new in change.items():
        text = text.replace(old, new)
    shop.rewrite(text)
    environment, release = shop.environment("test"), shop.store.release(ReleaseNumber(1))
    with pytest.raises(Refused, match=message) as refused:
        shop.deploying.begin(environment, release, "deploy")
    assert f"repave destroy test --fleet {fleet}" in refused.value.hint
    with pytest.raises(Refused, match=message):
        preview(shop.project, environment, release, shop.store, shop.clock, QUIET)


def test_workers_that_the_file_has_no_more_finish_and_are_ended(shop: CrewShop) -> None:
    """They were asked to, and have the time they need; nothing of them is left."""
    release = shop.store.release(ReleaseNumber(1))
    revisions = shop.deploying.revisions(shop.environment("test"), release)
    mailer = next(revision for key, revision in revisions.items() if key.fleet == "mailer")
    shop.world.behaviours[mailer.id] = Behaviour(finishes_after_seconds=120.0)
    shop.deploy("test")
    shop.rewrite(FILE)
    project = with_dropped(shop.project, EnvironmentName("test"), shop.store)
    assert project.fleets[FleetName("mailer")].port is None
    shop.project = project
    key = next(
        one for one in fleets_of(project, project.environments[EnvironmentName("test")]) if one.fleet == "mailer"
    )
    living = shop.world.living(key)
    destroyed = shop.destroying.destroy((key,), unwatched)
    assert [one.fleet for one in destroyed] == ["mailer"]
    assert all(m.died_at and m.ended_at and m.died_at < m.ended_at for m in living)
    assert not shop.traffic.observe(key).backends
    assert not shop.world.living(key)
    assert shop.store.target(key) is None


@pytest.mark.parametrize("fleet", ["mailer", "web"])
def test_a_fleet_whose_kind_the_file_changed_is_ended_as_it_runs(shop: CrewShop, fleet: str) -> None:
    """Workers finish, requests are drained; nothing serves any more where it did."""
    shop.deploy("test")
    key = next(one for one in shop.keys("test") if one.fleet == fleet)
    living, asked = shop.world.living(key), shop.traffic.observe(key)
    swapped = (
        {"port: none\n    health: {steady: 4s}": "port: 9000"}
        if fleet == "mailer"
        else {"port: 8080": "port: none", ASKED: "drain: 3s"}
    )
    text = WORKERS
    for old, new in swapped.items():
        text = text.replace(old, new)
    shop.rewrite(text)
    shop.project = with_dropped(shop.project, EnvironmentName("test"), shop.store)
    assert bool(asked.endpoint) is (fleet == "web")
    shop.destroying.destroy((key,), unwatched)
    assert [m.ended for m in living] == [True] * len(living)
    assert all(m.died_at and m.ended_at and m.died_at < m.ended_at for m in living) is (fleet == "mailer")
    assert not shop.traffic.observe(key).endpoint
    assert not shop.traffic.observe(key).backends


def test_what_the_file_has_no_more_has_long_enough_to_leave(tmp_path: Path) -> None:
    """Requests end soon; work and connections of another protocol may take what nobody knows any more."""
    wire = WORKERS.replace("environments:", "  wire: {image: web, port: 7000, protocol: tcp}\nenvironments:")
    shop = CrewShop(tmp_path, wire.replace("mailer: {size: 2}", "mailer: {size: 2}, wire: {size: 1}"))
    shop.lock()
    shop.bake()
    shop.deploy("test")
    named = shop.environment("test")
    gone = replace(shop.project, fleets={}, environments={named.name: replace(named, fleets={})})
    fleets = with_dropped(gone, named.name, shop.store).fleets
    drains = {name: fleet.drain_timeout_seconds for name, fleet in fleets.items()}
    assert drains == {"web": 30.0, "wire": 3600.0, "mailer": 3600.0}
    shop.close()


def test_gates_ask_only_who_answers(tmp_path: Path) -> None:
    """Requests go to who speaks HTTP, programs are told of all that have an address, and answers are counted of web."""
    gates = "gates: {checks: [{http: /healthz}, {run: checks/smoke.sh, fleet: wire}], metrics: {error_rate: 1%}}, "
    wire = "  wire: {image: web, port: 7000, protocol: tcp}\nenvironments:"
    text = WORKERS.replace("config: {GREETING", f"{gates}config: {{GREETING").replace("environments:", wire)
    shop = CrewShop(tmp_path, text.replace("mailer: {size: 2}", "mailer: {size: 2}, wire: {size: 1}"))
    (tmp_path / "checks").mkdir()
    (tmp_path / "checks" / "smoke.sh").write_text("#!/bin/sh\n", encoding="utf-8")
    shop.lock()
    shop.bake()
    shop.deploy("test")
    shop.promote()
    assert [(one.check, one.passed) for one in shop.ran] == [("web/healthz", True), ("checks/smoke.sh", True)]
    [order] = shop.checks.ordered
    endpoint = next(one.endpoint for one in fleet_statuses(shop.store) if one.fleet == "wire")
    address = endpoint.removeprefix("tcp://")
    assert (order.variables["REPAVE_ADDRESS"], order.variables["REPAVE_ADDRESS_WIRE"]) == (address, address)
    told = {name for name in order.variables if name.startswith(("REPAVE_URL", "REPAVE_ADDRESS"))}
    assert told == {"REPAVE_ADDRESS", "REPAVE_ADDRESS_WIRE", "REPAVE_ADDRESS_WEB", "REPAVE_URL_WEB"}
    measuring = Measuring(project=shop.project, store=shop.store, sources=lambda _: (SimulatedMetrics(shop.world),))
    measured = measuring.of(shop.environment("test"), ReleaseNumber(1))
    assert [one.fleet for one in measured] == ["web"]
    shop.close()
