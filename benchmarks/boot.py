"""How long a virtual machine takes from its launch to its first answer over HTTP, and how much processor time.

The same slim server, Python's own: as a golden image, cold, from saved memory (warm), from saved memory of one that
served (hot); and as one that installs itself at its first start.

Each is baked, published and saved before the clock starts, and started alone, several times; the median counts.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import httpx
from figures import Figure, at_least, at_most, report, told
from peers.server import await_true
from rollout import repave

from repave.model.names import EnvironmentName, FleetKey, FleetName, ProviderName, SlotId, ZoneName
from repave.model.release import Revision
from repave.ports.progress import Silent
from repave.ports.provider import LaunchOrder
from repave.providers.local.processes import started_with
from repave.wiring import Wiring

RUNS = 3
PATIENCE_SECONDS = 600.0
"""Emulated, on a busy machine."""

LOOK_SECONDS = 0.05
ANSWER_SECONDS = 2.0
"""QEMU takes a connection before its guest has a network, and brings it there only seconds later."""

PORT = 8080

PROJECT = f"""
project: boot
images:
  web:
    kind: vm
    boot: {{boot}}
    disk: 2GiB
    base: {{{{distribution: debian, release: bookworm, suites: [bookworm]}}}}
    packages: [python3]
    files: {{{{www/: /srv/www/}}}}
    run: python3 -m http.server {PORT} --directory /srv/www
    user: www-data
fleets: {{{{web: {{{{image: web, port: {PORT}, start: {{start}}, health: {{{{path: /}}}}}}}}}}}}
environments: {{{{test: {{{{provider: local, zones: [a], fleets: {{{{web: {{{{size: 1}}}}}}}}}}}}}}}}
pipeline: [test]
"""


@dataclass(frozen=True, kw_only=True)
class Start:
    """One start, until the first answer."""

    seconds: float
    cpu_seconds: float
    """Of QEMU, and so of the whole guest."""


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--json", action="store_true", help="one object instead of a table")
    options.add_argument("--runs", type=int, default=RUNS, help=f"starts of each kind (default: {RUNS})")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="repave-bench-") as folder:
        figures = measure(Path(folder), chosen.runs)
    report("boot", figures, chosen.json)


def measure(folder: Path, runs: int) -> list[Figure]:
    """Each kind after the other."""
    golden = starts(folder, "golden", runs)
    warm = starts(folder, "golden", runs, start_by="warm")
    hot = starts(folder, "golden", runs, start_by="hot")
    bootstrap = starts(folder, "bootstrap", runs)
    return [
        at_most("golden: launch to first answer", middle(golden).seconds, "s", 15),
        told("golden: processor time", middle(golden).cpu_seconds, "s"),
        at_most("warm: launch to first answer", middle(warm).seconds, "s", 1),
        told("warm: processor time", middle(warm).cpu_seconds, "s"),
        at_least("golden / warm", middle(golden).seconds / middle(warm).seconds, "x", 3),
        at_most("hot: launch to first answer", middle(hot).seconds, "s", 1),
        told("hot: processor time", middle(hot).cpu_seconds, "s"),
        told("bootstrap: launch to first answer", middle(bootstrap).seconds, "s"),
        told("bootstrap: processor time", middle(bootstrap).cpu_seconds, "s"),
        at_least("bootstrap / golden", middle(bootstrap).seconds / middle(golden).seconds, "x", 3),
    ]


def middle(starts: list[Start]) -> Start:
    """The median of each figure."""
    return Start(
        seconds=median(start.seconds for start in starts),
        cpu_seconds=median(start.cpu_seconds for start in starts),
    )


def starts(folder: Path, boot: str, runs: int, *, start_by: str = "cold") -> list[Start]:
    """One kind, baked and published, then started again and again."""
    name = boot if start_by == "cold" else start_by
    with published(folder / name, boot, start=start_by) as wiring:
        found = []
        for number in range(runs):
            found.append(start(wiring, number))
            say(f"{name}: {found[-1].seconds:.1f} s, {found[-1].cpu_seconds:.1f} s of processor time")
        return found


@contextmanager
def published(folder: Path, boot: str, *, start: str) -> Iterator[Wiring]:
    """A project whose only release can be started here at once."""
    (folder / "www").mkdir(parents=True)
    (folder / "www" / "index.html").write_text("hello", encoding="utf-8")
    (folder / "repave.yaml").write_text(PROJECT.format(boot=boot, start=start), encoding="utf-8")
    say(f"{boot}: locking and baking")
    repave(folder, "lock")
    repave(folder, "bake")
    wiring = Wiring(folder / "repave.yaml")
    try:
        release = wiring.store.releases()[-1]
        environment = wiring.project.environments[EnvironmentName("test")]
        wiring.publish(environment, release, Silent())
        cold = wiring.keep_warm(environment, release, Silent())
        if cold:
            sys.exit(f"it starts cold: {cold}")
        yield wiring
    finally:
        wiring.close()
        repave(folder, "destroy", "test", "--yes")


def start(wiring: Wiring, number: int) -> Start:
    """Launch one machine, wait for its answer, end it."""
    machines = wiring.machines(ProviderName("local"))
    fleet = FleetKey(project=wiring.project.name, environment=EnvironmentName("test"), fleet=FleetName("web"))
    (release,) = wiring.store.releases()
    ((image, artifact),) = release.artifacts.items()
    revision = Revision(release=release.number, image=image, artifact=artifact, port=PORT)
    slot = SlotId(f"web-{number}")
    order = LaunchOrder(fleet=fleet, slot=slot, zone=ZoneName("a"), revision=revision, generation=1)
    began = time.monotonic()
    instance = machines.launch(order)
    client = httpx.Client(timeout=ANSWER_SECONDS)
    try:
        (seen,) = (one for one in machines.observe(fleet).instances if one.id == instance)
        address = f"http://{seen.address}:{seen.port}/"
        await_true(
            lambda: answers(client, address),
            f"{address} answers",
            seconds=PATIENCE_SECONDS,
            look_seconds=LOOK_SECONDS,
        )
        seconds = time.monotonic() - began
        (process,) = started_with("qemu-system-x86_64", f"repave-{instance}")
        return Start(seconds=seconds, cpu_seconds=cpu_seconds(process.pid))
    finally:
        client.close()
        machines.terminate(fleet, instance, generation=1)


def answers(client: httpx.Client, address: str) -> bool:
    """Whether a whole answer comes now."""
    try:
        return client.get(address).is_success
    except httpx.TransportError:
        return False


def cpu_seconds(pid: int) -> float:
    """What a process has used until now, by proc(5)."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def say(what: str) -> None:
    """Tell a person what is being measured."""
    print(f"boot: {what}", file=sys.stderr)


if __name__ == "__main__":
    main()
