"""A real HAProxy, real servers behind it, and clients that keep asking."""

import http.client
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, Self
from urllib.parse import urlsplit

from repave.balancers.haproxy.balancer import HaproxyBalancer
from repave.model.names import EnvironmentName, FleetKey, FleetName, InstanceId, ProjectName
from repave.model.observation import TrafficState
from repave.model.policy import HealthPolicy
from repave.ports.traffic import Frontend

FLEET = FleetKey(project=ProjectName("shop"), environment=EnvironmentName("test"), fleet=FleetName("web"))
OTHER = FleetKey(project=ProjectName("shop"), environment=EnvironmentName("test"), fleet=FleetName("api"))
HEALTH = HealthPolicy(path="/healthz", interval_seconds=0.3, timeout_seconds=0.5, healthy=2, unhealthy=2)

SERVER = """
import pathlib, sys, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

name, ill = sys.argv[1], pathlib.Path(sys.argv[2])

class Handler(BaseHTTPRequestHandler):
    protocol_version = sys.argv[4]
    wbufsize = 65536  # an answer leaves whole: one that was begun cannot be given by another server

    def do_GET(self):
        ok = not ill.exists()
        if self.path.startswith("/slow/"):
            with ill.with_suffix(".slow").open("a") as asked:
                asked.write("once\\n")
            time.sleep(float(self.path.removeprefix("/slow/")))
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = name.encode()
        self.send_response(404 if self.path == "/nope" else 200 if ok else 500)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    do_POST = do_GET
    def log_message(self, *_):
        return

ThreadingHTTPServer.request_queue_size = int(sys.argv[3])
server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_address[1], flush=True)
server.serve_forever()
"""


@dataclass(frozen=True)
class Server:
    """One HTTP server in a process of its own: it answers its name; while it is ill, everything with 500.

    It has no ``/nope``, and notes each request for something slow beside ``ill``.
    """

    name: str
    port: int
    process: subprocess.Popen[bytes]
    ill: Path


class StartServer(Protocol):
    """Starts servers that end with the test."""

    def __call__(self, name: str, *, ill: bool = False, queue: int = 128, lasting: bool = False) -> Server:
        """Start one; it listens when this returns. A lasting connection takes more than one request."""
        ...


def frontend(fleet: FleetKey = FLEET, *, listen: str | None = None, health: HealthPolicy = HEALTH) -> Frontend:
    """A frontend with quick checks."""
    return Frontend(fleet=fleet, listen=listen, health=health, drain_timeout_seconds=5)


def wait_until(condition: Callable[[], bool], what: str, seconds: float = 20.0) -> None:
    """Wait for something that must come true."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited {seconds:g} s in vain: {what}"
        time.sleep(0.02)


def state_of(balancer: HaproxyBalancer, server: Server, fleet: FleetKey = FLEET) -> TrafficState | None:
    """What the balancer says of one server."""
    states = {backend.instance: backend.state for backend in balancer.observe(fleet).backends}
    return states.get(InstanceId(server.name))


def await_state(balancer: HaproxyBalancer, server: Server, state: TrafficState, fleet: FleetKey = FLEET) -> None:
    """Wait for the balancer to say so."""
    wait_until(lambda: state_of(balancer, server, fleet) is state, f"{server.name} is {state}")


def attach(balancer: HaproxyBalancer, server: Server, fleet: FleetKey = FLEET) -> None:
    """Attach a server."""
    balancer.attach(fleet, InstanceId(server.name), address="127.0.0.1", port=server.port, generation=1)


def serve(balancer: HaproxyBalancer, *servers: Server, fleet: FleetKey = FLEET) -> None:
    """Attach servers and wait until all serve."""
    for server in servers:
        attach(balancer, server, fleet)
    for server in servers:
        await_state(balancer, server, TrafficState.SERVING, fleet)


def retire(balancer: HaproxyBalancer, server: Server) -> None:
    """Drain a server, end it when it is idle, and forget it: what a roll-out does."""
    balancer.drain(FLEET, InstanceId(server.name), generation=1)
    await_state(balancer, server, TrafficState.DRAINED)
    server.process.kill()
    balancer.detach(FLEET, InstanceId(server.name), generation=1)


def request(endpoint: str, path: str = "/", *, method: str = "GET") -> tuple[int, str]:
    """One request on a connection of its own: status and body; 0 when there was no answer."""
    connection = http.client.HTTPConnection(urlsplit(endpoint).netloc, timeout=40)
    try:
        connection.request(method, path, body=b"x" if method == "POST" else None)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    except (OSError, http.client.HTTPException) as failure:
        return 0, repr(failure)
    finally:
        connection.close()


@dataclass
class Load:
    """Clients that keep asking while the block runs."""

    endpoint: str
    path: str = "/"
    method: str = "GET"
    answers: list[tuple[float, int, str]] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._threads = [threading.Thread(target=self._ask) for _ in range(4)]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _ask(self) -> None:
        while not self._stop.wait(0.005):
            sent = time.monotonic()
            self.answers.append((sent, *request(self.endpoint, self.path, method=self.method)))

    @property
    def failed(self) -> list[tuple[float, int, str]]:
        """Everything but a good answer."""
        return [answer for answer in self.answers if answer[1] != 200]

    def go_on(self, requests: int = 100) -> None:
        """Wait for so many more answers."""
        aim = len(self.answers) + requests
        wait_until(lambda: len(self.answers) >= aim, f"{requests} more answers", seconds=60)


def kill_haproxy(folder: Path) -> None:
    """End the master as a crash would."""
    os.kill(int((folder / "haproxy.pid").read_text(encoding="ascii")), signal.SIGKILL)
