"""Docker Swarm: one service, updated."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from peers.engine import Engine, engine, image_of
from peers.server import await_true, free_port, run

SERVICE = "web"
GATEWAY_BRIDGE = Path("/sys/class/net/docker_gwbridge")
HEALTH = ("--health-cmd", "wget -q -O /dev/null http://127.0.0.1:8080/", "--health-interval", "1s")
UPDATE = ("--update-parallelism", "2", "--update-order", "start-first", "--update-delay", "0s")


@dataclass(frozen=True)
class Swarm:
    """A swarm of one node with one service."""

    engine: Engine
    size: int

    def update(self) -> float:
        """Seconds from the command until every task runs the new image in good health and no old container is left."""
        started = time.monotonic()
        self.engine.docker("service", "update", "--detach", "--no-resolve-image", "--image", "web:new", SERVICE)
        await_true(lambda: self.carries("web:new"), "swarm has replaced every task", seconds=180, look_seconds=0.2)
        return time.monotonic() - started

    def carries(self, image: str) -> bool:
        """Docker calls a task running only once its health check succeeded."""
        tasks = self.engine.docker(
            "service", "ps", SERVICE, "--filter", "desired-state=running", "--format", "{{.Image}} {{.CurrentState}}"
        ).splitlines()
        running = [task for task in tasks if task.startswith(f"{image} Running")]
        images = self.engine.docker("ps", "--format", "{{.Image}}").split()
        return len(tasks) == len(running) == self.size and all(found == image for found in images)


@contextmanager
def swarm(folder: Path, size: int) -> Iterator[Swarm]:
    """A swarm whose service runs the old image; the new one is at hand."""
    with _gateway_bridge(), engine(folder) as docker:
        for name in ("old", "new"):
            docker.import_image(f"web:{name}", image_of(name), command='["/serve"]')
        address = f"127.0.0.1:{free_port()}"
        docker.docker("swarm", "init", "--advertise-addr", address, "--listen-addr", address)
        docker.docker(
            *("service", "create", "--detach", "--no-resolve-image", "--name", SERVICE, "--replicas", str(size)),
            *HEALTH,
            *UPDATE,
            "web:old",
        )
        made = Swarm(engine=docker, size=size)
        await_true(lambda: made.carries("web:old"), "swarm runs the old image", seconds=120)
        try:
            yield made
        finally:
            docker.docker("service", "rm", SERVICE)
            await_true(lambda: not docker.docker("ps", "-q").strip(), "swarm has ended its containers")
            docker.docker("swarm", "leave", "--force")


@contextmanager
def _gateway_bridge() -> Iterator[None]:
    """Swarm makes a bridge of a fixed name and leaves it behind: it goes, unless it was here before."""
    before = GATEWAY_BRIDGE.exists()
    yield
    if not before and GATEWAY_BRIDGE.exists() and not list((GATEWAY_BRIDGE / "brif").iterdir()):
        run(["ip", "link", "delete", GATEWAY_BRIDGE.name])
