"""A balancer in a folder of its own, small HTTP servers behind it, and a load in front."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

import pytest

from repave.balancers.haproxy.balancer import HaproxyBalancer
from repave.jobs.clock import SystemClock
from repave.jobs.commands import LocalCommands
from repave.model.names import EnvironmentName, FleetKey, FleetName, InstanceId, ProjectName
from repave.model.observation import TrafficState
from repave.model.policy import HealthPolicy
from repave.ports.surroundings import Surroundings
from repave.ports.traffic import Frontend
from repave.registries.layout import LayoutRegistry
from repave.registries.vault import FileVault

FLEET = FleetKey(project=ProjectName("shop"), environment=EnvironmentName("test"), fleet=FleetName("web"))
HEALTH = HealthPolicy(path="/healthz", interval_seconds=0.3, timeout_seconds=0.5, healthy=2, unhealthy=2)

SERVER = """
import pathlib, sys, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

name, port, ill = sys.argv[1], int(sys.argv[2]), pathlib.Path(sys.argv[3])

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        code = 200
        if self.path == "/healthz":
            code = 500 if ill.exists() else 200
        elif self.path.startswith("/slow/"):
            time.sleep(float(self.path.removeprefix("/slow/")))
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = name.encode()
        self.send_response(code)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    do_POST = do_GET
    def log_message(self, *_):
        return

ThreadingHTTPServer.request_queue_size = 128
ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()
"""


@dataclass
class Server:
    """One HTTP server in a process of its own: it answers its name, and its health as told."""

    name: str
    port: int
    process: subprocess.Popen[bytes]
    ill_mark: Path

    @property
    def instance(self) -> InstanceId:
        """Its name as an instance."""
        return InstanceId(self.name)

    def fall_ill(self) -> None:
        """Answer 500 on the health path from now on."""
        self.ill_mark.touch()

    def recover(self) -> None:
        """Answer 200 on the health path from now on."""
        self.ill_mark.unlink(missing_ok=True)

    def signal(self, number: signal.Signals) -> None:
        """Kill, stop or continue it."""
        self.process.send_signal(number)


class StartServer(Protocol):
    """Starts servers that end with the test."""

    def __call__(self, name: str, *, ill: bool = False) -> Server:
        """Start one; it listens when this returns."""
        ...


def wait_until(condition: Callable[[], bool], what: str, seconds: float = 20.0) -> None:
    """Wait for something that must come true."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail(f"waited {seconds:g} s in vain: {what}")
        time.sleep(0.02)


def state_of(balancer: HaproxyBalancer, instance: str, fleet: FleetKey = FLEET) -> TrafficState | None:
    """What the balancer says of one instance."""
    found = {backend.instance: backend.state for backend in balancer.observe(fleet).backends}
    return found.get(InstanceId(instance))


def frontend(fleet: FleetKey = FLEET, *, listen: str | None = None, health: HealthPolicy = HEALTH) -> Frontend:
    """A frontend with quick checks."""
    return Frontend(fleet=fleet, listen=listen, health=health, drain_timeout_seconds=5)


def attach(balancer: HaproxyBalancer, server: Server, fleet: FleetKey = FLEET, generation: int = 1) -> None:
    """Attach a server."""
    balancer.attach(fleet, server.instance, address="127.0.0.1", port=server.port, generation=generation)


def attach_serving(balancer: HaproxyBalancer, *servers: Server, fleet: FleetKey = FLEET) -> None:
    """Attach servers and wait until all serve."""
    for server in servers:
        attach(balancer, server, fleet)
    for server in servers:
        name = server.name
        wait_until(lambda name=name: state_of(balancer, name, fleet) is TrafficState.SERVING, f"{name} serves")


def request(endpoint: str, path: str = "/", *, method: str = "GET", body: bytes | None = None) -> tuple[int, str]:
    """One request on a connection of its own: status and body; 0 when there was no answer."""
    connection = http.client.HTTPConnection(urlsplit(endpoint).netloc, timeout=40)
    try:
        connection.request(method, path, body=body)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    except (OSError, http.client.HTTPException) as failure:
        return 0, repr(failure)
    finally:
        connection.close()


@dataclass
class Load:
    """Clients that keep asking until told to stop."""

    endpoint: str
    method: str = "GET"
    clients: int = 4
    pause_seconds: float = 0.005
    answers: list[tuple[float, int, str]] = field(default_factory=list)

    def __enter__(self) -> "Load":
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._ask) for _ in range(self.clients)]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _ask(self) -> None:
        while not self._stop.wait(self.pause_seconds):
            sent = time.monotonic()
            self.answers.append((sent, *request(self.endpoint, method=self.method)))

    @property
    def failed(self) -> list[tuple[float, int, str]]:
        """Everything but a good answer."""
        return [answer for answer in self.answers if answer[1] != 200]

    def reach(self, count: int) -> None:
        """Wait until so many requests more have been answered."""
        aim = len(self.answers) + count
        wait_until(lambda: len(self.answers) >= aim, f"{count} more requests", seconds=60)


def surroundings(folder: Path) -> Surroundings:
    """Where a balancer works, in a folder of its own."""
    return Surroundings(
        project=ProjectName("shop"),
        folder=folder / "haproxy",
        commands=LocalCommands(),
        clock=SystemClock(),
        vault=FileVault(root=folder / "vault"),
        registry=LayoutRegistry(root=folder / "registry"),
    )


@pytest.fixture
def balancer(tmp_path: Path) -> Iterator[HaproxyBalancer]:
    """A balancer that is ended with the test."""
    made = HaproxyBalancer(surroundings(tmp_path))
    try:
        yield made
    finally:
        made._process.end()


@pytest.fixture
def start_server(tmp_path: Path) -> Iterator[StartServer]:
    """Starts HTTP servers, which end with the test."""
    started: list[Server] = []

    def start(name: str, *, ill: bool = False) -> Server:
        with socket.socket() as trial:
            trial.bind(("127.0.0.1", 0))
            port = int(trial.getsockname()[1])
        mark = tmp_path / f"{name}.ill"
        if ill:
            mark.touch()
        process = subprocess.Popen([sys.executable, "-S", "-c", SERVER, name, str(port), str(mark)])
        started.append(Server(name=name, port=port, process=process, ill_mark=mark))
        wait_until(lambda: request(f"http://127.0.0.1:{port}")[0] == 200, f"{name} listens")
        return started[-1]

    yield start
    for server in started:
        with suppress(ProcessLookupError):
            os.kill(server.process.pid, signal.SIGKILL)
        server.process.wait()
