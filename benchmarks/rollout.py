"""Six instances replaced by a new version, two at a time, checked each second: repave, Docker Swarm, Kubernetes.

Everybody runs the same busybox httpd, has the new image at hand before the clock starts, launches first, and is done
when six new instances are healthy and no old one runs. Each asks for as many good answers as it does by default.
Kubernetes takes part where an archive of its four servers is given.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path

from figures import Figure, at_most, report, told
from peers.engine import SERVE
from peers.kubernetes import kubernetes
from peers.server import await_true
from peers.swarm import swarm

from repave.model.names import EnvironmentName, FleetKey, FleetName, InstanceId, ProviderName, SlotId, ZoneName
from repave.model.observation import TrafficState
from repave.model.policy import HealthPolicy
from repave.model.release import Revision
from repave.ports.progress import Silent
from repave.ports.provider import LaunchOrder
from repave.ports.traffic import Frontend
from repave.wiring import Wiring

SIZE, SURGE = 6, 2
BATCHES = SIZE // SURGE
HEALTH = HealthPolicy(path="/", interval_seconds=1, timeout_seconds=1)

PROJECT = f"""
project: rollout
images:
  web:
    kind: container
    base: {{distribution: debian, release: bookworm, suites: [bookworm]}}
    packages: [busybox-static]
    files: {{www/: /www/, serve: /serve}}
    run: /serve
    user: www-data
fleets:
  web:
    image: web
    port: 8080
    health: {{path: /, interval: 1s, timeout: 1s}}
    rollout: {{strategy: rolling, surge: {SURGE}, unavailable: 0}}
environments:
  test: {{provider: local, zones: [a], fleets: {{web: {{size: {SIZE}}}}}}}
pipeline: [test]
"""


@dataclass(frozen=True, kw_only=True)
class Limit:
    """What one roll-out cannot be faster than: its batches, each started, found healthy, and as many drained."""

    start_seconds: float
    healthy_seconds: float
    drain_seconds: float

    @property
    def seconds(self) -> float:
        """All together."""
        return self.start_seconds + self.healthy_seconds + self.drain_seconds


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--json", action="store_true", help="one object instead of a table")
    options.add_argument(
        "--kubernetes",
        type=Path,
        default=os.environ.get("REPAVE_KUBERNETES"),
        metavar="PATH.tar.xz",
        help="archive of kube-apiserver, kube-controller-manager, kube-scheduler and kubelet",
    )
    chosen = options.parse_args()
    if chosen.kubernetes and not Path(chosen.kubernetes).is_file():
        options.error(f"{chosen.kubernetes} is not there")
    if chosen.kubernetes and not shutil.which("etcd"):
        options.error("Kubernetes needs etcd, which is not installed here: `apt-get install etcd-server`")
    with tempfile.TemporaryDirectory(prefix="repave-bench-") as folder:
        figures = measure(Path(folder), chosen.kubernetes)
    report("rollout", figures, chosen.json)


def measure(folder: Path, binaries: Path | None) -> list[Figure]:
    """Everybody, one after another: none has to share the machine with another."""
    say("repave")
    with project(folder / "repave") as made:
        ours = roll_out(made)
        limit = limit_of(made)
    figures = [told("repave deploy", ours, "s")]
    say("Docker Swarm")
    with swarm(folder / "swarm", SIZE) as service:
        seconds = service.update()
    figures += compared(ours, "docker swarm", seconds)
    if binaries:
        say("Kubernetes")
        with kubernetes(folder / "kubernetes", Path(binaries), SIZE) as cluster:
            seconds = cluster.update()
        figures += compared(ours, "kubernetes", seconds)
    figures += [
        told(f"{part.name.removesuffix('_seconds')}, {BATCHES} batches", getattr(limit, part.name), "s")
        for part in fields(limit)
    ]
    return [*figures, at_most("repave / limit", ours / limit.seconds, "x", 1.25)]


def compared(ours: float, peer: str, seconds: float) -> list[Figure]:
    """A peer's time, and ours by it."""
    return [told(peer, seconds, "s"), at_most(f"repave / {peer}", ours / seconds, "x", 1.0)]


@contextmanager
def project(folder: Path) -> Iterator[Path]:
    """A project that runs its first release, with the second baked and at hand; all of it is ended after."""
    (folder / "www").mkdir(parents=True)
    (folder / "repave.yaml").write_text(PROJECT, encoding="utf-8")
    serve = folder / "serve"
    serve.write_text(SERVE, encoding="utf-8")
    serve.chmod(0o755)
    try:
        release(folder, "old")
        repave(folder, "deploy", "test")
        release(folder, "new")
        publish_newest(folder)
        yield folder
    finally:
        repave(folder, "destroy", "test", "--yes")


def release(folder: Path, page: str) -> None:
    """Lock and bake what shows this page."""
    (folder / "www" / "index.html").write_text(page, encoding="utf-8")
    repave(folder, "lock")
    repave(folder, "bake")


def publish_newest(folder: Path) -> None:
    """Have the newest release unpacked, as the peers have their image."""
    wiring = Wiring(folder / "repave.yaml")
    try:
        newest = wiring.store.releases()[-1]
        wiring.publish(wiring.project.environments[EnvironmentName("test")], newest, Silent())
    finally:
        wiring.close()


def roll_out(folder: Path) -> float:
    """Seconds of the whole command, its own start included."""
    started = time.monotonic()
    repave(folder, "deploy", "test")
    return time.monotonic() - started


def limit_of(folder: Path) -> Limit:
    """The same batches by provider and balancer alone: nothing is decided, recorded or shown in between."""
    wiring = Wiring(folder / "repave.yaml")
    try:
        measured = Bare(wiring)
        measured.open()
        try:
            batches = [measured.batch(number) for number in range(BATCHES)]
        finally:
            measured.close()
    finally:
        wiring.close()
    return Limit(
        start_seconds=sum(batch.start_seconds for batch in batches),
        healthy_seconds=sum(batch.healthy_seconds for batch in batches),
        drain_seconds=sum(batch.drain_seconds for batch in batches),
    )


class Bare:
    """A fleet without a controller."""

    def __init__(self, wiring: Wiring) -> None:
        self._machines = wiring.machines(ProviderName("local"))
        self._traffic = wiring.traffic(ProviderName("local"))
        name = wiring.project.name
        deployed = FleetKey(project=name, environment=EnvironmentName("test"), fleet=FleetName("web"))
        self._revision: Revision = wiring.store.revisions(deployed)[-1]
        self._fleet = FleetKey(project=name, environment=EnvironmentName("limit"), fleet=FleetName("web"))

    def open(self) -> None:
        """A frontend of its own."""
        self._traffic.ensure(Frontend(fleet=self._fleet, listen=None, health=HEALTH, drain_timeout_seconds=30))

    def close(self) -> None:
        """End what is left."""
        for instance in self._machines.observe(self._fleet).instances:
            self._machines.terminate(self._fleet, instance.id, generation=1)
        self._traffic.remove(self._fleet)

    def batch(self, number: int) -> Limit:
        """Start two at once, wait until both serve, then drain both."""
        slots = [SlotId(f"limit-{number * SURGE + place}") for place in range(SURGE)]
        started = time.monotonic()
        with ThreadPoolExecutor(SURGE) as threads:
            launched = list(threads.map(self._start, slots))
        healthy = time.monotonic()
        self._await(launched, TrafficState.SERVING)
        drained = time.monotonic()
        for instance in launched:
            self._traffic.drain(self._fleet, instance, generation=1)
        self._await(launched, TrafficState.DRAINED)
        ended = time.monotonic()
        for instance in launched:
            self._traffic.detach(self._fleet, instance, generation=1)
            self._machines.terminate(self._fleet, instance, generation=1)
        return Limit(start_seconds=healthy - started, healthy_seconds=drained - healthy, drain_seconds=ended - drained)

    def _start(self, slot: SlotId) -> InstanceId:
        order = LaunchOrder(fleet=self._fleet, slot=slot, zone=ZoneName("a"), revision=self._revision, generation=1)
        instance = self._machines.launch(order)
        seen = next(one for one in self._machines.observe(self._fleet).instances if one.id == instance)
        if seen.address is None:
            raise LookupError(f"{instance} has no address")
        self._traffic.attach(self._fleet, instance, address=seen.address, port=seen.port, generation=1)
        return instance

    def _await(self, instances: list[InstanceId], state: TrafficState) -> None:
        def reached() -> bool:
            states = {backend.instance: backend.state for backend in self._traffic.observe(self._fleet).backends}
            return all(states.get(instance) is state for instance in instances)

        await_true(reached, f"both are {state}", look_seconds=0.01)


def repave(folder: Path, *arguments: str) -> None:
    """The command, as it is installed beside this interpreter; with its bytecode made.

    An installed wheel has it; a checkout may hold none, or that of before the last change. What comes before the
    roll-out makes it.
    """
    program = Path(sys.executable).with_name("repave")
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment["PYTHONPYCACHEPREFIX"] = str(folder.with_name("bytecode"))
    command = [str(program), *arguments]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"repave {' '.join(arguments)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")


def say(who: str) -> None:
    """Tell a person what is being measured."""
    print(f"rollout: {who}", file=sys.stderr)


if __name__ == "__main__":
    main()
