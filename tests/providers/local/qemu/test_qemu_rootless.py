"""A virtual machine for a user who is not root: at a loopback address, without limits, and nothing else differs."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from tiny_guest import Guest, add_machine

from repave.providers.local.processes import started_with
from repave.registries.layout import LayoutRegistry

USER = 60000 + os.getpid() % 5000
"""Nobody's number, and another for each worker of these tests."""

STORY = """
import json, os, sys, urllib.request
from pathlib import Path
from repave.jobs.clock import SystemClock
from repave.jobs.commands import LocalCommands
from repave.model.artifact import Artifact
from repave.model.names import *
from repave.model.recipe import ImageKind
from repave.model.release import Revision
from repave.ports.progress import Silent
from repave.ports.provider import LaunchOrder
from repave.ports.surroundings import Surroundings
from repave.providers.local.provider import LocalProvider
from repave.registries.layout import LayoutRegistry
from repave.registries.vault import FileVault

folder, digest = Path(sys.argv[1]), Digest(sys.argv[2])
surroundings = Surroundings(project=ProjectName("shop"), folder=folder / "local", commands=LocalCommands(),
    clock=SystemClock(), vault=FileVault(folder / "vault"), registry=LayoutRegistry(folder / "registry"))
provider = LocalProvider(surroundings)
artifact = Artifact(image=ImageName("web"), kind=ImageKind.VM, digest=digest, size_bytes=1, layers=())
provider.publish(artifact, progress=Silent())
fleet = FleetKey(project=ProjectName("shop"), environment=EnvironmentName("test"), fleet=FleetName("web"))
revision = Revision(release=ReleaseNumber(1), image=ImageName("web"), artifact=digest, port=8080)
order = LaunchOrder(fleet=fleet, slot=SlotId("web-1"), zone=ZoneName("a"), revision=revision, generation=1)
instance = provider.launch(order)
[seen] = provider.observe(fleet).instances

def page():
    for _ in range(400):
        try:
            return urllib.request.urlopen(f"http://{seen.address}:8080/index.html", timeout=5).read().decode()
        except OSError:
            surroundings.clock.sleep(0.2)
    return "no answer"

told = {"instance": instance, "user": os.getuid(), "state": [seen.state, seen.detail]}
told.update(address=seen.address, page=page())
told["again"] = LocalProvider(surroundings).launch(order) == instance
provider.terminate(fleet, instance, generation=1)
told["left"] = [path.name for name in ("instances", "runtime") for path in (folder / "local" / name).glob("*")]
told["said"] = list(provider.console(fleet, instance))[-1]
print(json.dumps(told))
"""


@pytest.fixture
def elsewhere() -> Iterator[Path]:
    """A folder that any user may reach, in a path that is too long for a socket."""
    top = Path(tempfile.mkdtemp(prefix="repave-rootless-"))
    folder = top / ("deep" * 25)
    folder.mkdir()
    top.chmod(0o755)
    yield folder
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            ours = f"\nUid:\t{USER}\t" in status.read_text()
        except OSError:
            continue
        if ours:
            os.kill(int(status.parent.name), 9)
    shutil.rmtree(top)


@pytest.mark.real
@pytest.mark.network
def test_without_root_a_machine_answers_on_loopback(elsewhere: Path, guest: Guest) -> None:
    """It has a loopback address of its own, is found again, ends politely, and leaves nothing."""
    artifact = add_machine(LayoutRegistry(elsewhere / "registry"), elsewhere, guest)
    for path in (elsewhere, *elsewhere.rglob("*")):
        os.chown(path, USER, USER)
    # To read the interpreter and the package, wherever they are installed; it gives no other right.
    reading = ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]
    user = ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups", *reading]
    finished = subprocess.run(
        [*user, sys.executable, "-c", STORY, str(elsewhere), artifact.digest],
        env={**os.environ, "HOME": str(elsewhere)},
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
    )
    assert finished.returncode == 0, finished.stderr
    told = json.loads(finished.stdout)
    assert told["user"] == USER
    assert told["state"] == ["running", ""]
    assert told["address"].startswith("127.")
    assert told["page"].startswith("web-1\nas it was baked\n")
    assert told["again"] is True
    assert told["left"] == []
    assert "goodbye" in told["said"] or "Power down" in told["said"]
    assert not started_with("qemu-system-x86_64", f"repave-{told['instance']}")
