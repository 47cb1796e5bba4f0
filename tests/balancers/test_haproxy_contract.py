"""HAProxy, a real one, passes the contract of load balancers."""

import http.client
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from repave.balancers.haproxy.balancer import HaproxyBalancer
from repave.jobs.clock import SystemClock
from repave.jobs.commands import LocalCommands
from repave.model.names import EnvironmentName, FleetKey, FleetName, InstanceId, ProjectName
from repave.model.policy import HealthPolicy
from repave.ports.surroundings import Surroundings
from repave.ports.traffic import Frontend
from repave.registries.layout import LayoutRegistry
from repave.registries.vault import FileVault
from repave.simulation.contract.traffic import TrafficContract, TrafficSubject

HEALTH = HealthPolicy(path="/healthz", interval_seconds=0.2, timeout_seconds=1.0, healthy=2, unhealthy=2)


class Origin:
    """A small HTTP server of this process: answers its name, and holds what asks for ``/hang`` until told."""

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
                self.send_response(200 if origin.well or self.path != "/healthz" else 500)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()

    def become(self, *, well: bool) -> None:
        """Answer health checks so from now on."""
        self.well = well

    def end(self) -> None:
        """Stop listening, and let go of whatever is held."""
        self.release.set()
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


@pytest.mark.real
class TestHaproxy(TrafficContract):
    """Each rule, on a HAProxy of its own."""

    @pytest.fixture
    def subject(self, tmp_path: Path) -> Iterator[TrafficSubject]:
        """A balancer, and servers behind it as they are asked for."""
        folder = tmp_path / "haproxy"
        surroundings = Surroundings(
            project=ProjectName("shop"),
            folder=folder,
            commands=LocalCommands(),
            clock=SystemClock(),
            vault=FileVault(root=tmp_path / "vault"),
            registry=LayoutRegistry(root=tmp_path / "registry"),
        )
        origins: list[Origin] = []
        numbers = count(1)

        def origin() -> Origin:
            origins.append(Origin(f"web-{next(numbers)}"))
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
        front, other = frontend("web"), frontend("api")
        yield TrafficSubject(
            balancer=balancer,
            clock=SystemClock(),
            frontend=front,
            other=other,
            origin=origin,
            ask=ask,
            hang=hang,
            reopen=lambda: HaproxyBalancer(surroundings),
            kill=lambda: kill(folder),
        )
        for fleet in (front.fleet, other.fleet):
            balancer.remove(fleet)
        for one in origins:
            one.end()


def next_holder(origins: list[Origin]) -> Origin:
    """The origin that holds a request, as soon as one does."""
    for _ in range(1000):
        for origin in origins:
            if origin.held.wait(0.01):
                return origin
    pytest.fail("no origin got the request")
