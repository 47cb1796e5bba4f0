"""Who plays in the story: six containers, or three virtual machines, baked whole or such as install themselves.

All that differs between them is here.
"""

import os
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from repave.providers.local.processes import started_with

Instance = Mapping[str, Any]
"""One instance, as ``repave status`` shows it."""


@dataclass(frozen=True, kw_only=True)
class Cast:
    """One kind of instances, and what of the story suits it."""

    folder: str
    """Where it works unless told otherwise."""

    instances: str
    """All of them, in words."""

    size: int
    recipe: Mapping[str, str]
    """What in the shop's repave.yaml is put in whose place."""

    doubts: Mapping[str, str]
    """The same for the time of the release that is broken: its instances are given up sooner."""

    rate: int
    """Requests per second."""

    requests: int
    """Below that, no failure would mean little."""

    heal_seconds: float
    """Within which what died is replaced, or the story has failed."""

    stops_zone: bool
    """Whether a whole zone stops as well."""

    accidents: str
    """What befell them, in words."""

    made: str = ""
    """How they came to be what they are, in a sentence, where that is not all the bake's work."""

    kill: Callable[[Instance], int]
    """SIGKILL an instance's processes: an accident, from outside. Answers how many there were."""

    @property
    def lead(self) -> str:
        """The report's first words."""
        words = (
            f"{self.instances.capitalize()} of a small web shop in three zones, behind HAProxy on one machine.",
            self.made,
            "A security fix was rolled out, a broken release was stopped and rolled back,",
            f"{self.accidents}, while visitors kept asking.",
        )
        return " ".join(filter(None, words))


def kill_container(instance: Instance) -> int:
    """Every process whose environment bears the instance's labels."""
    wanted = {f"REPAVE_{name.upper()}={instance[name]}".encode() for name in ("instance", "zone")}
    killed = 0
    for process in Path("/proc").iterdir():
        if not process.name.isdigit() or int(process.name) == os.getpid():
            continue
        try:
            held = set((process / "environ").read_bytes().split(b"\0"))
        except OSError:  # it ended, or it is not ours to read
            continue
        if wanted <= held:
            os.kill(int(process.name), signal.SIGKILL)
            killed += 1
    return killed


def kill_machine(instance: Instance) -> int:
    """The QEMU that the machine is."""
    processes = list(started_with("qemu-system-x86_64", f"repave-{instance['instance']}"))
    for process in processes:
        os.kill(process.pid, signal.SIGKILL)
    return len(processes)


def machines(*, boot: str, grace: str) -> Mapping[str, str]:
    """What makes three machines of the shop's six containers."""
    return {
        "kind: container": f"kind: vm\n    boot: {boot}\n    disk: 2GiB",
        # An emulated machine takes a second to answer while another one starts.
        "{path: /healthz, interval: 1s, timeout: 1s, healthy: 2, unhealthy: 3, grace: 6s}": (
            f"{{path: /healthz, interval: 2s, timeout: 2s, healthy: 2, unhealthy: 3, grace: {grace}}}"
        ),
        "size: 6": "size: 3",
        # One processor each: emulated, three that share two would wait for each other's second ones.
        "    rollout:": "    limits: {memory: 320MiB, cpus: 1}\n    rollout:",
    }


CONTAINERS = Cast(
    folder=".demo",
    instances="six instances",
    size=6,
    recipe={},
    doubts={"grace: 6s": "grace: 3s"},
    # As many as two processors answer while one of them bakes: above it questions wait for each other.
    rate=500,
    requests=20_000,
    heal_seconds=120.0,
    stops_zone=True,
    accidents="a process was killed and a zone stopped",
    kill=kill_container,
)
MACHINES = Cast(
    folder=".demo-vm",
    instances="three virtual machines",
    size=3,
    # Emulated, two that start at once take a minute and a half on a slow machine.
    recipe=machines(boot="golden", grace="2m"),
    doubts={},
    # What three emulated processors can show beside a fourth that starts.
    rate=5,
    requests=1_000,
    heal_seconds=300.0,
    stops_zone=False,
    accidents="and a machine was killed",
    kill=kill_machine,
)
BOOTSTRAPPED = replace(
    MACHINES,
    folder=".demo-bootstrap",
    made="Each installed itself at its first start, from the very files that were locked.",
    recipe={
        # Longer by all that is installed.
        **machines(boot="bootstrap", grace="5m"),
        # All else that the shop names is in the base of any machine. This is not, and has a repair to be installed.
        "openssl]": "openssl, jq]",
    },
    heal_seconds=600.0,
)
