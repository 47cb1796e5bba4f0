"""A real HAProxy, real servers, and clients that keep asking while servers come, go, die and hang."""

import os
import shutil
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from haproxied import (
    FLEET,
    OTHER,
    Load,
    StartServer,
    attach,
    await_state,
    frontend,
    kill_haproxy,
    request,
    retire,
    serve,
    state_of,
    wait_until,
)

from repave.balancers.haproxy.balancer import HaproxyBalancer
from repave.jobs.clock import SystemClock
from repave.jobs.commands import LocalCommands
from repave.model.names import InstanceId, ProjectName
from repave.model.observation import TrafficState
from repave.model.policy import HealthPolicy
from repave.ports.errors import Conflict, Unreachable
from repave.ports.surroundings import Surroundings
from repave.providers.local.processes import started_with
from repave.registries.layout import LayoutRegistry
from repave.registries.vault import FileVault

pytestmark = pytest.mark.real


def test_a_server_gets_no_request_before_it_is_well(balancer: HaproxyBalancer, start_server: StartServer) -> None:
    """One that answers 500 at first gets not one request until its checks were good, as often as was asked."""
    endpoint = balancer.ensure(frontend())
    well, ill = start_server("well"), start_server("ill", ill=True)
    serve(balancer, well)
    with Load(endpoint) as load:
        attach(balancer, ill)
        load.go_on(200)
        assert state_of(balancer, ill) is TrafficState.CHECKING
        ill.ill.unlink()
        await_state(balancer, ill, TrafficState.SERVING)
        load.go_on()
    assert load.failed == []
    assert {answer for _, _, answer in load.answers} == {"well", "ill"}


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_roll_over_drops_nothing(balancer: HaproxyBalancer, start_server: StartServer, method: str) -> None:
    """Servers are replaced under load, one after another, and no request fails: of whatever method."""
    endpoint = balancer.ensure(frontend())
    old = [start_server(f"old-{number}") for number in range(2)]
    serve(balancer, *old)
    with Load(endpoint, path="/slow/0.05", method=method) as load:
        for number, leaving in enumerate(old):
            serve(balancer, start_server(f"new-{number}"))
            retire(balancer, leaving)
        load.go_on(40)
    assert load.failed == []


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_switch_drops_nothing(balancer: HaproxyBalancer, start_server: StartServer, method: str) -> None:
    """All requests go over to a group that stood by, and back, under load: none fails, open ones end where they are."""
    endpoint = balancer.ensure(frontend())
    blue, green = ([start_server(f"{name}-{number}") for number in range(2)] for name in ("blue", "green"))
    serve(balancer, *blue)
    for server in green:
        balancer.attach(
            FLEET, InstanceId(server.name), address="127.0.0.1", port=server.port, generation=1, standby=True
        )
        await_state(balancer, server, TrafficState.READY)
    with Load(endpoint, path="/slow/0.05", method=method) as load:
        load.go_on(20)
        assert {answer.split("-")[0] for _, _, answer in load.answers} == {"blue"}
        for those, others in ((green, blue), (blue, green)):
            for server in those:
                balancer.admit(FLEET, InstanceId(server.name), generation=1)
            for server in others:
                balancer.stand_by(FLEET, InstanceId(server.name), generation=1)
            switched = time.monotonic()
            load.go_on(60)
            after = {answer for sent, _, answer in load.answers if sent > switched}
            assert after == {server.name for server in those}
    assert load.failed == []


def test_a_killed_server_fails_no_idempotent_request(balancer: HaproxyBalancer, start_server: StartServer) -> None:
    """Ended by kill -9 in the middle of requests: each is answered by another server."""
    endpoint = balancer.ensure(frontend())
    first, second = start_server("first"), start_server("second")
    serve(balancer, first, second)
    with Load(endpoint, path="/slow/0.05") as load:
        load.go_on(20)
        first.process.kill()
        load.go_on(60)
        await_state(balancer, first, TrafficState.FAILING)
    assert load.failed == []
    assert load.answers[-1][2] == "second"


def test_a_dead_server_is_out_without_waiting_for_its_check(
    balancer: HaproxyBalancer, start_server: StartServer
) -> None:
    """Refused connections take it out at once, and of any method none fails for them."""
    slow_checks = HealthPolicy(path="/healthz", interval_seconds=60, timeout_seconds=1, healthy=1, unhealthy=3)
    endpoint = balancer.ensure(frontend(health=slow_checks))
    first, second = start_server("first"), start_server("second")
    serve(balancer, first, second)
    first.process.kill()
    first.process.wait()
    with Load(endpoint, method="POST") as load:
        load.go_on(40)
        assert state_of(balancer, first) is TrafficState.FAILING
    assert load.failed == []


@pytest.mark.parametrize("queue", [128, 0], ids=["accepts", "vanished"])
def test_a_hanging_server_is_out_in_time(balancer: HaproxyBalancer, start_server: StartServer, queue: int) -> None:
    """A server that never answers, or whose address falls silent, is out soon; another answers what it held."""
    endpoint = balancer.ensure(frontend())
    first, second = start_server("first", queue=queue), start_server("second")
    serve(balancer, first, second)
    with Load(endpoint) as load:
        load.go_on(20)
        first.process.send_signal(signal.SIGSTOP)
        await_state(balancer, first, TrafficState.FAILING)
        detected = time.monotonic()
        load.go_on(100 - len([answer for answer in load.answers if answer[0] > detected]))
        balancer.detach(FLEET, InstanceId("first"), generation=1)
    assert load.failed == []
    assert {answer for sent, _, answer in load.answers if sent > detected} == {"second"}


def test_a_drain_waits_for_a_slow_request(balancer: HaproxyBalancer, start_server: StartServer) -> None:
    """Also when HAProxy was reloaded meanwhile, and the request is held by a worker that is ending."""
    endpoint = balancer.ensure(frontend())
    slow, other = start_server("slow"), start_server("other")
    serve(balancer, slow)
    with Load(endpoint, path="/slow/1.5") as load:
        wait_until(lambda: balancer.observe(FLEET).backends[0].sessions == 4, "four requests are open")
        serve(balancer, other)
        balancer.ensure(frontend(OTHER))
        balancer.drain(FLEET, InstanceId("slow"), generation=1)
        assert state_of(balancer, slow) is TrafficState.DRAINING
        retire(balancer, slow)
    assert load.failed == []
    assert "slow" in {answer for _, _, answer in load.answers}


def test_a_reload_drops_nothing(balancer: HaproxyBalancer, start_server: StartServer) -> None:
    """Fleets come and go, checks change, HAProxy executes itself anew: clients do not notice."""
    endpoint = balancer.ensure(frontend())
    serve(balancer, start_server("first"), start_server("second"))
    with Load(endpoint) as load:
        for unhealthy in (3, 4, 5):
            load.go_on(40)
            changed = HealthPolicy(path="/healthz", interval_seconds=0.3, timeout_seconds=0.5, unhealthy=unhealthy)
            assert balancer.ensure(frontend(health=changed)) == endpoint
            assert {backend.state for backend in balancer.observe(FLEET).backends} == {TrafficState.SERVING}
        balancer.ensure(frontend(OTHER))
        load.go_on(40)
        balancer.remove(OTHER)
        load.go_on(40)
    assert load.failed == []


def test_an_upgraded_haproxy_takes_over(
    balancer: HaproxyBalancer, start_server: StartServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A newer program on disk is executed at the next look, and no client notices."""
    program = tmp_path / "bin" / "haproxy"
    program.parent.mkdir()
    shutil.copy(shutil.which("haproxy") or "/usr/sbin/haproxy", program)
    monkeypatch.setenv("PATH", str(program.parent), prepend=os.pathsep)
    endpoint = balancer.ensure(frontend())
    serve(balancer, start_server("web"))
    before = balancer._process.running()["Pid"]
    newer = tmp_path / "newer"
    shutil.copy(program, newer)
    with Load(endpoint) as load:
        load.go_on(20)
        assert not balancer._process.outdated()
        newer.replace(program)
        assert balancer._process.outdated()
        balancer.ensure(frontend())
        load.go_on(40)
    assert load.failed == []
    assert balancer._process.running()["Pid"] != before
    assert not balancer._process.outdated()


def test_two_fleets_serve_each_their_own(balancer: HaproxyBalancer, start_server: StartServer) -> None:
    """One HAProxy, an endpoint for each fleet, and no server of the other behind it."""
    endpoint, other_endpoint = balancer.ensure(frontend()), balancer.ensure(frontend(OTHER))
    serve(balancer, start_server("web"))
    serve(balancer, start_server("api"), fleet=OTHER)
    assert [request(endpoint)[1] for _ in range(4)] == ["web"] * 4
    assert [request(other_endpoint)[1] for _ in range(4)] == ["api"] * 4


def test_a_killed_haproxy_serves_again(balancer: HaproxyBalancer, start_server: StartServer, folder: Path) -> None:
    """Its servers are not forgotten: those that served do so at once, those that were ill still wait."""
    endpoint = balancer.ensure(frontend())
    well, ill = start_server("well"), start_server("ill", ill=True)
    serve(balancer, well)
    attach(balancer, ill)
    kill_haproxy(folder)
    wait_until(lambda: request(endpoint)[0] == 0, "HAProxy is gone")
    with pytest.raises(Unreachable) as unreachable:
        balancer.observe(FLEET)
    assert "repave deploy" in unreachable.value.hint
    assert balancer.ensure(frontend()) == endpoint
    assert request(endpoint) == (200, "well")
    assert state_of(balancer, ill) is TrafficState.CHECKING


def test_a_taken_address_is_a_conflict(balancer: HaproxyBalancer, start_server: StartServer) -> None:
    """It is told who asked and how to go on, and the fleets that serve are not touched."""
    endpoint = balancer.ensure(frontend())
    serve(balancer, start_server("web"))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(Conflict, match=f"cannot listen on {address} for shop/test/api") as conflict:
            balancer.ensure(frontend(OTHER, listen=address))
        assert "listen" in conflict.value.hint
    assert request(endpoint) == (200, "web")
    port = endpoint.rpartition(":")[2]
    with socket.socket() as taken:
        taken.bind(("127.0.0.2", int(port)))
        taken.listen()
        with pytest.raises(Conflict, match=f"cannot listen on 127.0.0.2:{port} for shop/test/api"):
            balancer.ensure(frontend(OTHER, listen=f"127.0.0.2:{port}"))
    assert request(endpoint) == (200, "web")
    assert balancer.ensure(frontend(OTHER, listen=address)) == f"http://{address}"
    with pytest.raises(Conflict, match="both ask for"):
        balancer.ensure(frontend(listen=address))


def test_sockets_and_files_are_ours_alone(balancer: HaproxyBalancer, folder: Path) -> None:
    """Nobody else may order our HAProxy about."""
    balancer.ensure(frontend())
    private = [folder / name for name in ("haproxy.sock", "attached.json", "haproxy.cfg", "server-states")]
    assert {path.stat().st_mode & 0o777 for path in private if path.exists()} == {0o600}
    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_deep_folder_has_its_socket_elsewhere(tmp_path: Path, start_server: StartServer) -> None:
    """A path longer than Unix sockets may have is no obstacle, also for the next process."""
    deep = tmp_path / ("d" * 60) / ("e" * 60)
    surroundings = Surroundings(
        project=ProjectName("shop"),
        folder=deep,
        commands=LocalCommands(),
        clock=SystemClock(),
        vault=FileVault(root=tmp_path / "vault"),
        registry=LayoutRegistry(root=tmp_path / "registry"),
    )
    endpoint = HaproxyBalancer(surroundings).ensure(frontend())
    serve(HaproxyBalancer(surroundings), start_server("web"))
    assert request(endpoint) == (200, "web")
    HaproxyBalancer(surroundings).remove(FLEET)
    assert request(endpoint)[0] == 0


@pytest.fixture
def project(request: pytest.FixtureRequest) -> Iterator[Path]:
    """A project with a short or a long path; its HAProxy ends with the test, wherever the folder is then."""
    with TemporaryDirectory(prefix="moved-") as parent:
        folder = Path(parent).resolve() / str(request.param)
        yield folder
        for process in started_with("haproxy", str(folder / ".repave" / "haproxy" / "haproxy.cfg")):
            process.stop(patience_seconds=0)


@pytest.mark.parametrize("project", ["s", "d" * 60], indirect=True)
def test_a_project_moved_while_it_runs_is_told_whose_haproxy_it_meets(tmp_path: Path, project: Path) -> None:
    """So is another project. Once it is moved back its HAProxy is known again, and ends; with a long path too."""

    def opened(project: Path) -> HaproxyBalancer:
        surroundings = Surroundings(
            project=ProjectName("shop"),
            folder=project / ".repave" / "haproxy",
            commands=LocalCommands(),
            clock=SystemClock(),
            vault=FileVault(root=tmp_path / "vault"),
            registry=LayoutRegistry(root=tmp_path / "registry"),
        )
        return HaproxyBalancer(surroundings)

    moved = project.with_name("moved")
    endpoint = opened(project).ensure(frontend())
    listen = endpoint.removeprefix("http://")
    says = f"cannot listen on {listen} for {FLEET}: HAProxy of the project at {project} does"
    with pytest.raises(Conflict, match=says) as conflict:
        opened(tmp_path / "other").ensure(frontend(listen=listen))
    assert conflict.value.hint == "`repave destroy` there ends it; or choose another `listen`"
    project.rename(moved)
    with pytest.raises(Conflict, match=says) as conflict:
        opened(moved).ensure(frontend())
    assert "move it back" in conflict.value.hint
    moved.rename(project)
    opened(project).remove(FLEET)
    assert request(endpoint)[0] == 0
    assert not (project / ".repave" / "haproxy" / "haproxy.pid").exists()
