"""The same provider for a user who is not root: user namespaces, and user-mode networking on loopback."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from repave.model.artifact import Artifact
from repave.ports.surroundings import Surroundings

USER = 50000 + os.getpid() % 10000
"""Nobody's number, and another for each worker of these tests."""

DEVICE = """
mount --make-rprivate / &&
mount -t tmpfs none "$1/dev" && mknod -m 666 "$1/dev/tun" c 10 200 && mount --bind "$1/dev" /dev/net &&
shift && exec "$@"
"""
"""Shows, to this one process and its children, a /dev/net/tun that anyone may open, as Debian's udev makes it."""

STORY = """
import json, os, sys, urllib.request
from pathlib import Path
from repave.jobs.clock import SystemClock
from repave.jobs.commands import LocalCommands
from repave.model.artifact import Artifact
from repave.model.names import *
from repave.model.recipe import ImageKind
from repave.model.release import Revision
from repave.ports.errors import WorldError
from repave.ports.progress import Silent
from repave.ports.provider import LaunchOrder
from repave.ports.surroundings import Surroundings
from repave.providers.local.provider import LocalProvider
from repave.registries.layout import LayoutRegistry
from repave.registries.vault import FileVault

folder, told = Path(sys.argv[1]), {}
surroundings = Surroundings(project=ProjectName("shop"), folder=folder / "local", commands=LocalCommands(),
    clock=SystemClock(), vault=FileVault(folder / "vault"), registry=LayoutRegistry(folder / "registry"))
provider = LocalProvider(surroundings)
told["user"] = os.getuid()
told["proofs"] = {proof.name: proof.works for proof in provider.describe().proofs}
digest = Digest(sys.argv[2])
artifact = Artifact(image=ImageName("web"), kind=ImageKind.CONTAINER, digest=digest, size_bytes=1, layers=())
provider.publish(artifact, progress=Silent())
fleet = FleetKey(project=ProjectName("shop"), environment=EnvironmentName("test"), fleet=FleetName("web"))
revision = Revision(release=ReleaseNumber(1), image=ImageName("web"), artifact=digest, port=8080)
orders = [LaunchOrder(fleet=fleet, slot=SlotId(f"web-{number}"), zone=ZoneName("a"), revision=revision, generation=1)
    for number in (1, 2)]

def fetch(address):
    for _ in range(100):
        try:
            return urllib.request.urlopen(f"http://{address}:8080/index.html", timeout=5).read().decode()
        except OSError:
            surroundings.clock.sleep(0.1)
    return "no answer"

try:
    instances = [provider.launch(order) for order in orders]
    told["again"] = [LocalProvider(surroundings).launch(order) for order in orders] == instances
    seen = provider.observe(fleet).instances
    told["states"] = [instance.state for instance in seen]
    told["addresses"] = [instance.address for instance in seen]
    provider.read(fleet, window_seconds=60)
    told["answers"] = [fetch(instance.address) for instance in seen]
    measured = provider.read(fleet, window_seconds=60).instances
    told["metrics"] = [[one.cpu, one.memory, one.memory_bytes] for one in measured]
    numbers = [(folder / "local" / "instances" / instance / "pid").read_text() for instance in instances]
    status = Path(f"/proc/{numbers[0]}/status").read_text()
    told["outside"] = next(line.split()[1] for line in status.splitlines() if line.startswith("Uid:"))
    for instance in instances:
        provider.terminate(fleet, instance, generation=1)
    told["left"] = len(provider.observe(fleet).instances)
    provider.withdraw(digest)
    told["folders"] = sorted(path.name for path in (folder / "local").glob("*/*") if path.parent.name == "instances")
except WorldError as error:
    told["error"] = f"{type(error).__name__}: {error.message} ({error.hint})"
print(json.dumps(told))
"""


@pytest.fixture
def elsewhere() -> Iterator[Path]:
    """A folder that any user may reach, owned by the made one in the end."""
    folder = Path(tempfile.mkdtemp(prefix="repave-rootless-"))
    folder.chmod(0o755)
    (folder / "dev").mkdir()
    yield folder
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            ours = f"\nUid:\t{USER}\t" in status.read_text()
        except OSError:
            continue
        if ours:
            os.kill(int(status.parent.name), signal.SIGKILL)
    shutil.rmtree(folder)


@pytest.fixture
def tell(
    elsewhere: Path, surroundings: Surroundings, bake: Callable[..., Artifact]
) -> Callable[..., dict[str, object]]:
    """Runs the story as a user of no rights; answers what it told."""
    artifact = bake()
    shutil.copytree(surroundings.registry.path(artifact.digest).parents[2], elsewhere / "registry")

    def told(*, device: bool) -> dict[str, object]:
        for path in (elsewhere, *elsewhere.rglob("*")):
            os.chown(path, USER, USER)
        # To read the interpreter and the package, wherever they are installed; it gives no other right.
        reading = ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]
        user = ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups", *reading]
        story = [*user, sys.executable, "-c", STORY, str(elsewhere), artifact.digest]
        hidden = ["sh", "-c", 'mount --make-rprivate / && mount --bind "$1/dev" /dev/net && shift && exec "$@"']
        shown = ["sh", "-c", DEVICE] if device else hidden
        finished = subprocess.run(
            ["unshare", "--mount", *shown, "sh", str(elsewhere), *story],
            env={**os.environ, "HOME": str(elsewhere)},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert finished.returncode == 0, finished.stderr
        answer: dict[str, object] = json.loads(finished.stdout)
        return answer

    return told


@pytest.mark.real
def test_without_root_instances_answer_on_loopback(tell: Callable[..., dict[str, object]]) -> None:
    """Each has a loopback address of its own, runs as the unprivileged user, and leaves nothing."""
    told = tell(device=True)
    assert "error" not in told, told
    assert told["user"] == USER
    containers = {"programs": True, "containers": True, "user-mode network": True, "resource limits": False}
    assert told["proofs"] == {**containers, "virtual machines": True, "acceleration": False}
    assert told["again"] is True
    assert told["states"] == ["running", "running"]
    addresses = told["addresses"]
    assert isinstance(addresses, list)
    assert len(set(addresses)) == 2
    assert all(address.startswith("127.") for address in addresses)
    assert told["answers"] == ["hello\n", "hello\n"]
    metrics = told["metrics"]
    assert isinstance(metrics, list)
    assert all(0 <= cpu < 1 and 0 < memory < 1 and size > 4096 for cpu, memory, size in metrics)
    assert len(metrics) == 2
    assert told["outside"] == str(USER)
    assert told["left"] == 0
    assert told["folders"] == []


@pytest.mark.real
def test_without_the_network_device_that_is_said(tell: Callable[..., dict[str, object]]) -> None:
    """Where the machine does not allow it, the proof fails and a launch is refused with what to do."""
    told = tell(device=False)
    proofs = told["proofs"]
    assert isinstance(proofs, dict)
    assert proofs["user-mode network"] is False
    assert "/dev/net/tun" in str(told["error"])
