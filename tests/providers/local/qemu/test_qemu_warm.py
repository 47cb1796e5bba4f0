"""Machines that were to go on from saved memory and cannot, and whoever saves it and is killed."""

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from crash_walks import OPENED
from tiny_guest import Guest, add_machine

from repave.model.names import EnvironmentName, FleetName, InstanceId, ReleaseNumber
from repave.model.observation import MachineState
from repave.model.release import Limits, Revision, SecretReference
from repave.ports.errors import Invalid
from repave.ports.progress import Silent
from repave.ports.provider import MemoryWanted, Serving
from repave.ports.surroundings import Surroundings
from repave.providers.local.locks import locked
from repave.providers.local.places import find_places
from repave.providers.local.processes import may_administer
from repave.providers.local.provider import LocalProvider
from repave.providers.local.qemu import saving
from repave.providers.local.qemu.acceleration import Accelerations
from repave.providers.local.qemu.saving import WATCHED
from repave.providers.local.qemu.snapshots import DISK, MEMORY, Shape, Snapshots
from repave.simulation.contract.provider import ProviderSubject
from repave.simulation.contract.requirement import eventually

pytestmark = [pytest.mark.real, pytest.mark.network]

WEB, TEST = FleetName("web"), EnvironmentName("test")
WANTED = "MemoryWanted(environment=fleet.environment, ready={fleet.fleet: Limits()})"
SAVE = f"{OPENED}provider.keep_memory(revision.artifact, {WANTED}, progress=Silent())\n"
READY = MemoryWanted(environment=TEST, ready={WEB: Limits()})
NONE = MemoryWanted(environment=TEST)


def console(subject: ProviderSubject, instance: InstanceId) -> str:
    """What it has said until now."""
    return "\n".join(subject.provider.console(subject.fleet, instance))


def test_machine_that_takes_no_identity_starts_cold_and_says_why(subject: ProviderSubject) -> None:
    """Whoever asked for warm starts is told, and so is who reads the instance's console."""
    provider = subject.provider
    assert isinstance(provider, LocalProvider)
    provider.publish(subject.artifact, progress=Silent())
    told = provider.keep_memory(subject.artifact.digest, READY, progress=Silent())
    assert "was baked by a version that knew no warm start" in told[WEB]
    instance = subject.launch(1)
    subject.await_state(instance, MachineState.RUNNING)
    assert f"repave: started cold: {told[WEB]}" in console(subject, instance)
    secret = replace(subject.revision, secrets=(("TOKEN", SecretReference(scheme="env", locator="TOKEN")),))
    with pytest.raises(Invalid, match="web in test has secrets: memory of what serves with them is not saved"):
        provider.keep_memory(
            subject.artifact.digest,
            replace(NONE, serving={WEB: Serving(revision=secret, health_path="/")}),
            progress=Silent(),
        )
    provider.keep_memory(subject.artifact.digest, NONE, progress=Silent())
    assert "cold" not in console(subject, subject.launch(2)), "a fleet that is not to start warm has nothing to say"


@pytest.mark.parametrize("started", [True, False])
def test_memory_that_cannot_be_read_is_left_for_a_cold_start(
    subject: ProviderSubject, surroundings: Surroundings, started: bool
) -> None:
    """One machine starts all the same, once; nobody tries that memory again, unless QEMU could not even be started."""
    places = find_places(surroundings.folder, user=os.geteuid(), privileged=may_administer())
    digest, snapshots = subject.artifact.digest, Snapshots(places=places)
    subject.provider.publish(subject.artifact, progress=Silent())
    making = snapshots.making(digest, WEB)
    (making / MEMORY).write_bytes(b"no memory of any machine")
    if started:
        subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", making / DISK, "4M"], check=True)
    else:
        (making / DISK).write_bytes(b"nothing to start from")
    known = Accelerations(places=places, commands=surroundings.commands).known()
    snapshots.keep(digest, WEB, Shape.of(known, Limits()))
    instance = subject.launch(1)
    subject.await_state(instance, MachineState.RUNNING)
    assert "repave: started cold: QEMU did not go on from the saved memory" in console(subject, instance)
    assert list(subject.listed()) == [instance]
    left = ["web.cold"] if started else ["web", "web.seal"]
    assert sorted(path.name for path in places.snapshots(digest).iterdir()) == left


def test_memory_from_which_nobody_goes_on_is_not_used(
    surroundings: Surroundings, tmp_path: Path, guest: Guest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is tried before any instance is to start from it, and saved anew; then the fleet starts cold."""
    monkeypatch.setattr(saving, "PROVE_SECONDS", 0.5)
    monkeypatch.setattr(saving, "SAVE_TRIES", 2)
    artifact = add_machine(surroundings.registry, tmp_path, guest, starts_cold="")
    provider = LocalProvider(surroundings)
    provider.publish(artifact, progress=Silent())
    told = provider.keep_memory(artifact.digest, READY, progress=Silent())
    assert told[WEB] == (
        "no machine went on from what was saved, 2 times: bake its image again if an older version baked it"
    )
    revision = Revision(release=ReleaseNumber(1), image=artifact.image, artifact=artifact.digest, port=8080)
    serving = replace(NONE, serving={WEB: Serving(revision=revision, health_path="/")})
    monkeypatch.setattr(saving, "SAVE_TRIES", 1)
    hot = provider.keep_memory(artifact.digest, serving, progress=Silent())
    assert "no machine went on from what was saved with an application that answers, 1 times" in hot[WEB]
    provider.keep_memory(artifact.digest, READY, progress=Silent())
    eventually(surroundings.clock, 60, lambda: not machines_below(surroundings.folder), "none of them runs")
    (kept,) = (surroundings.folder / "snapshots").iterdir()
    assert [path.name for path in kept.iterdir()] == ["web.cold"]


def test_kill_9_while_memory_is_saved_leaves_nothing(surroundings: Surroundings, tmp_path: Path, guest: Guest) -> None:
    """No process, no disk: whoever saves it next begins anew."""
    artifact = add_machine(surroundings.registry, tmp_path, guest, starts_cold="")
    provider = LocalProvider(surroundings)
    provider.publish(artifact, progress=Silent())
    folder = surroundings.folder
    arguments = [sys.executable, "-c", SAVE, str(folder.parent), artifact.digest]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE) as process:
        eventually(surroundings.clock, 60, lambda: bool(machines_below(folder)), "a machine that is to be saved runs")
        process.kill()
    eventually(surroundings.clock, 60, lambda: not machines_below(folder), "it ends with who started it")
    eventually(surroundings.clock, 60, lambda: not left_of(folder), "what it wrote is removed")
    assert not provider.fleets()
    provider.withdraw(artifact.digest)
    assert not list((folder / "snapshots").iterdir())


def test_memory_that_cannot_be_saved_is_no_failure(surroundings: Surroundings, tmp_path: Path) -> None:
    """Of a machine that ends at once, nor where not even a note can be written: nothing of it is left."""
    artifact = add_machine(surroundings.registry, tmp_path, Guest(kernel=b"none", initrd=b""), starts_cold="")
    provider = LocalProvider(surroundings)
    provider.publish(artifact, progress=Silent())
    told = provider.keep_memory(artifact.digest, READY, progress=Silent())
    assert "ended before it was ready: qemu" in told[WEB]
    (kept,) = (surroundings.folder / "snapshots").iterdir()
    assert [path.name for path in kept.iterdir()] == ["web.cold"]
    shutil.rmtree(kept)
    kept.touch()
    assert provider.keep_memory(artifact.digest, READY, progress=Silent())[WEB]


def test_number_of_a_machine_that_has_ended_is_no_other_process_until_it_is_killed(
    surroundings: Surroundings, tmp_path: Path
) -> None:
    """Nobody collects it while who saves it still has the lock; afterwards its folder is removed."""
    folder = tmp_path / "making"
    folder.mkdir()
    (folder / "seed").touch()
    later = 'until grep -q flock "/proc/$PPID/comm" || ! [ -d "$1" ]; do sleep 0.01; done; echo $$ >"$1/mine"'
    ended = ["sh", "-c", later, "sh", str(folder)]
    with locked(tmp_path / "lock"):
        watching = subprocess.Popen(["sh", "-c", WATCHED, "sh", tmp_path / "lock", folder, *ended])
        program = Path(f"/proc/{watching.pid}/comm")
        eventually(surroundings.clock, 10, lambda: program.read_text() == "flock\n", "it waits for the lock")
        eventually(surroundings.clock, 10, lambda: state_of(folder / "mine") == "Z", "the number is still taken")
    assert watching.wait(timeout=10) == 0
    assert not folder.exists()


def state_of(place: Path) -> str:
    """By proc(5), of the process whose number is in the file; "" before it is there."""
    number = place.read_text().strip() if place.exists() else ""
    status = Path(f"/proc/{number}/stat")
    return status.read_text().rpartition(")")[2].split()[0] if number and status.exists() else ""


def machines_below(folder: Path) -> list[bytes]:
    """The command line of each QEMU that writes below the folder."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            arguments = path.read_bytes()
        except OSError:
            continue
        if arguments.startswith(b"qemu-system") and bytes(folder.resolve()) in arguments:
            found.append(arguments)
    return found


def left_of(folder: Path) -> list[Path]:
    """Whatever is there of memory that was to be saved."""
    return list((folder / "snapshots").glob("*/.*"))
