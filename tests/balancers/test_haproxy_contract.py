"""HAProxy, a real one, passes the contract of load balancers."""

import http.client
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

import pytest

from repave.balancers.haproxy.balancer import HaproxyBalancer
from repave.jobs.clock import SystemClock
from repave.jobs.commands import LocalCommands
from repave.model.metrics import InstanceMetrics
from repave.model.names import EnvironmentName, FleetKey, FleetName, InstanceId, ProjectName
from repave.model.observation import TrafficState
from repave.model.policy import HealthPolicy
from repave.ports.errors import Unreachable
from repave.ports.surroundings import Surroundings
from repave.ports.traffic import Frontend
from repave.registries.layout import LayoutRegistry
from repave.registries.vault import FileVault
from repave.simulation.contract.metrics import MetricsContract, MetricsSubject
from repave.simulation.contract.requirement import eventually
from repave.simulation.contract.standby import StandbyContract
from repave.simulation.contract.traffic import TrafficContract, TrafficSubject

HEALTH = HealthPolicy(path="/healthz", interval_seconds=0.2, timeout_seconds=1.0, healthy=2, unhealthy=2)


class Origin:
    """A small HTTP server: answers its name, holds what asks for ``/hang`` until told, and fails ``/fail``."""

    def __init__(self, name: str) -> None:
        self.instance = InstanceId(name)
        self.address = "127.0.0.1"
        self.well = True
        self.held = threading.Event()
        self.release = threading.Event()
        origin = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if self.path == "/hang":
                    origin.held.set()
                    origin.release.wait(30)
                body = origin.instance.encode()
                ill = self.path == "/fail" or (self.path == "/healthz" and not origin.well)
                self.send_response(500 if ill else 200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
                """Say nothing."""

        self._handler = Handler
        self.port = 0
        self.listen(0)

    def listen(self, port: int) -> None:
        """At a port, or at any that is free."""
        self._server = ThreadingHTTPServer(("127.0.0.1", port), self._handler)
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()

    def become(self, *, well: bool) -> None:
        """Answer health checks so from now on."""
        self.well = well

    def end(self) -> None:
        """Stop listening, and let go of whatever is held."""
        self.release.set()
        self.close()

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def ask(endpoint: str, path: str = "/") -> InstanceId | None:
    """One request on a connection of its own."""
    connection = http.client.HTTPConnection(urlsplit(endpoint).netloc, timeout=20)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        body = answer.read().decode()
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
    return InstanceId(body) if answer.status == 200 else None


def frontend(name: str) -> Frontend:
    """A fleet with quick checks on a port of HAProxy's choice."""
    fleet = FleetKey(project=ProjectName("shop"), environment=EnvironmentName("test"), fleet=FleetName(name))
    return Frontend(fleet=fleet, listen=None, health=HEALTH, drain_timeout_seconds=10.0)


def kill(folder: Path) -> None:
    """End the master as a crash would; its worker follows it."""
    os.kill(int((folder / "haproxy.pid").read_text(encoding="ascii")), signal.SIGKILL)


@pytest.fixture
def surroundings(tmp_path: Path) -> Surroundings:
    """A folder of its own."""
    return Surroundings(
        project=ProjectName("shop"),
        folder=tmp_path / "haproxy",
        commands=LocalCommands(),
        clock=SystemClock(),
        vault=FileVault(root=tmp_path / "vault"),
        registry=LayoutRegistry(root=tmp_path / "registry"),
    )


class TakingOrigin(Origin):
    """The same to a balancer that reads no HTTP: while it is not well it takes no connection."""

    def become(self, *, well: bool) -> None:
        """Listen from now on, or no more."""
        if well and not self.well:
            self.listen(self.port)
        elif self.well and not well:
            self.close()
        self.well = well

    def end(self) -> None:
        """Whether it listens or not."""
        if self.well:
            super().end()


@pytest.mark.real
class TestHaproxy(TrafficContract, StandbyContract):
    """Each rule, on a HAProxy of its own."""

    health = HEALTH
    made: type[Origin] = Origin

    @pytest.fixture
    def subject(self, surroundings: Surroundings) -> Iterator[TrafficSubject]:
        """A balancer, and servers behind it as they are asked for."""
        origins: list[Origin] = []
        numbers = count(1)

        def origin() -> Origin:
            origins.append(self.made(f"web-{next(numbers)}"))
            return origins[-1]

        @contextmanager
        def hang(endpoint: str) -> Iterator[InstanceId]:
            asking = threading.Thread(target=ask, args=(endpoint, "/hang"))
            asking.start()
            holder = next_holder(origins)
            try:
                yield holder.instance
            finally:
                holder.release.set()
                asking.join()

        balancer = HaproxyBalancer(surroundings)
        front, other = (replace(frontend(name), health=self.health) for name in ("web", "api"))
        yield TrafficSubject(
            balancer=balancer,
            clock=SystemClock(),
            frontend=front,
            other=other,
            origin=origin,
            ask=ask,
            hang=hang,
            reopen=lambda: HaproxyBalancer(surroundings),
            kill=lambda: kill(surroundings.folder),
        )
        for fleet in (front.fleet, other.fleet):
            balancer.remove(fleet)
        for one in origins:
            one.end()


@pytest.mark.real
class TestHaproxyOfConnections(TestHaproxy):
    """The same rules where HAProxy knows nothing of what is spoken, and gives out connections."""

    health = replace(HEALTH, path=None)
    made = TakingOrigin


def next_holder(origins: list[Origin]) -> Origin:
    """The origin that holds a request, as soon as one does."""
    for _ in range(1000):
        for origin in origins:
            if origin.held.wait(0.01):
                return origin
    pytest.fail("no origin got the request")


class Shop:
    """A HAProxy of its own with one fleet, and servers that serve behind it as they are asked for."""

    def __init__(self, surroundings: Surroundings) -> None:
        self.surroundings = surroundings
        self.balancer = HaproxyBalancer(surroundings)
        self.frontend = frontend("web")
        self.endpoint = self.balancer.ensure(self.frontend)
        self._origins: list[Origin] = []

    def start(self) -> InstanceId:
        """One more, once it serves."""
        origin = Origin(f"web-{len(self._origins) + 1}")
        self._origins.append(origin)
        place = (origin.address, origin.port)
        self.balancer.attach(self.frontend.fleet, origin.instance, address=place[0], port=place[1], generation=1)
        eventually(SystemClock(), 20, lambda: self._serves(origin.instance), f"{origin.instance} serves")
        return origin.instance

    def work(self, seconds: float) -> None:
        """Ten requests."""
        for _ in range(10):
            ask(self.endpoint)
            SystemClock().sleep(seconds / 10)

    def measured(self) -> InstanceMetrics:
        """What is known of the only instance."""
        [metrics] = self.balancer.read(self.frontend.fleet, window_seconds=60).instances
        return metrics

    def close(self) -> None:
        """End everything."""
        self.balancer.remove(self.frontend.fleet)
        for origin in self._origins:
            origin.end()

    def _serves(self, instance: InstanceId) -> bool:
        backends = self.balancer.observe(self.frontend.fleet).backends
        return any(one.instance == instance and one.state is TrafficState.SERVING for one in backends)


@pytest.fixture
def shop(surroundings: Surroundings) -> Iterator[Shop]:
    """Closed in the end."""
    opened = Shop(surroundings)
    yield opened
    opened.close()


@pytest.mark.real
class TestHaproxyMetrics(MetricsContract):
    """Each rule of metrics, on a HAProxy of its own."""

    @pytest.fixture
    def subject(self, shop: Shop) -> MetricsSubject:
        """The shop."""
        return MetricsSubject(
            source=shop.balancer,
            clock=SystemClock(),
            fleet=shop.frontend.fleet,
            other=frontend("api").fleet,
            start=shop.start,
            end=lambda instance: shop.balancer.detach(shop.frontend.fleet, instance, generation=1),
            work=shop.work,
            rates=("requests_per_second", "error_rate", "latency_seconds"),
            reopen=lambda: HaproxyBalancer(shop.surroundings),
        )


@pytest.mark.real
def test_what_is_measured_is_what_clients_saw(shop: Shop) -> None:
    """Requests, errors among them, and how long they took; a reload, after which HAProxy counts anew, loses none."""
    shop.start()
    assert shop.measured().samples == 0
    for path in ("/", "/", "/", "/fail"):
        ask(shop.endpoint, path)
    seen = shop.measured()
    assert (seen.samples, seen.error_rate) == (4, 0.25)
    assert seen.requests_per_second == pytest.approx(4 / seen.seconds)
    assert seen.latency_seconds is not None
    assert dict(seen.named) == {"open_requests": 0.0}

    fewer = replace(shop.frontend.health, unhealthy=shop.frontend.health.unhealthy + 1)
    shop.balancer.ensure(replace(shop.frontend, health=fewer))
    for path in ("/fail", "/fail", "/fail", "/"):
        ask(shop.endpoint, path)
    seen = shop.measured()
    assert (seen.samples, seen.error_rate) == (8, 0.5)


@pytest.mark.real
def test_a_deep_folder_has_its_socket_elsewhere_and_leaves_nothing_there(
    surroundings: Surroundings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unix allows no long path for a socket. What others left at the remembered place is not asked."""
    deep = replace(surroundings, folder=surroundings.folder / "deep" / ("er" * 40))
    fleet = frontend("web").fleet
    with TemporaryDirectory(prefix="short-") as short:
        monkeypatch.setenv("XDG_RUNTIME_DIR", short)
        HaproxyBalancer(deep).ensure(frontend("web"))
        [made] = Path(short).iterdir()
        assert (made / "haproxy.sock").is_socket()
        made.chmod(0o755)
        with pytest.raises(Unreachable):
            HaproxyBalancer(deep).observe(fleet)
        made.chmod(0o700)
        assert not HaproxyBalancer(deep).observe(fleet).backends
        HaproxyBalancer(deep).remove(fleet)
        assert not list(Path(short).iterdir())
