"""What a virtual machine on this machine is: what it serves and is told, what it may use, and how its end is told."""

import os
import shutil
import signal
from collections.abc import Callable
from dataclasses import replace
from http.client import HTTPConnection
from pathlib import Path

import pytest
from tiny_guest import Guest, add_machine

from repave.model.artifact import Artifact
from repave.model.names import InstanceId, ZoneName
from repave.model.observation import Instance, MachineState
from repave.model.release import Limits
from repave.ports.errors import Corrupt, Invalid, NoCapacity
from repave.ports.progress import Silent
from repave.ports.surroundings import Surroundings
from repave.providers.local.processes import Process, started_with
from repave.providers.local.provider import LocalProvider
from repave.simulation.contract.provider import ProviderSubject
from repave.simulation.contract.requirement import eventually

pytestmark = [pytest.mark.real, pytest.mark.network]

SECRET = "correct-horse-battery-staple"  # noqa: S105 - it only has to be recognised where it must not be
MIB = 1 << 20


def page(instance: Instance) -> str:
    """What the machine answers over HTTP; "" while it does not."""
    connection = HTTPConnection(str(instance.address), instance.port, timeout=2)
    try:
        connection.request("GET", "/index.html")
        return connection.getresponse().read().decode()
    except OSError:
        return ""
    finally:
        connection.close()


def qemu_of(instance: Instance) -> Process:
    """Its one process."""
    (process,) = started_with("qemu-system-x86_64", f"repave-{instance.id}")
    return process


def started(subject: ProviderSubject, number: int = 1) -> Instance:
    """A machine that was launched just now."""
    return subject.await_state(subject.launch(number), MachineState.RUNNING)


def test_a_machine_serves_what_was_published_and_told(
    subject: ProviderSubject,
    surroundings: Surroundings,
    traces: Callable[[], list[str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its disk, name and variables are as ordered; a secret is in no file and no process list; it ends politely."""
    monkeypatch.undo()  # this one is waited for
    subject.provider.publish(subject.artifact, progress=Silent())
    revision = replace(subject.revision, configuration=(("LOG_LEVEL", 'in"fo $HOME'),))
    order = replace(subject.order(), revision=revision, secrets={"TOKEN": SECRET})
    instance = subject.provider.launch(order)
    seen = subject.await_state(instance, MachineState.RUNNING)
    eventually(subject.clock, subject.patience_seconds, lambda: page(seen), f"{instance} answers")
    assert page(seen) == 'web-1\nas it was baked\nLOG_LEVEL="in\\"fo \\$HOME"\n'
    assert f"serving as {instance}" in "\n".join(subject.provider.console(subject.fleet, instance))
    _kept_nowhere(surroundings.folder, Path("/run/repave"))
    status = Path(f"/proc/{qemu_of(seen).pid}/status").read_text().splitlines()
    rights = dict(line.split(":\t") for line in status if line.startswith(("Uid", "CapEff", "NoNewPrivs", "Seccomp:")))
    assert "0" not in rights["Uid"].split(), "QEMU is not root"
    assert (rights["CapEff"], rights["NoNewPrivs"], rights["Seccomp"]) == ("0" * 16, "1", "2")
    subject.provider.terminate(subject.fleet, instance, generation=1)
    assert "goodbye" in list(subject.provider.console(subject.fleet, instance)), "its guest heard the power button"
    assert not traces()
    subject.provider.publish(subject.artifact, progress=Silent())
    assert subject.launch(2), "what the machine wrote to its disk did not reach the published one"


def _kept_nowhere(*folders: Path) -> None:
    secret = SECRET.encode()
    for path in (path for folder in folders for path in folder.rglob("*")):
        if path.is_file() and not path.is_symlink():
            assert secret not in path.read_bytes(), path
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            assert secret not in path.read_bytes(), path
        except OSError:
            continue


def test_how_a_guest_ended_is_told(subject: ProviderSubject) -> None:
    """A panic, a restart and a shutdown are told apart, each with the last words of the console."""
    causes = {"panic": "its guest's kernel panicked", "reset": "restarted itself", "off": "shut itself down"}
    subject.provider.publish(subject.artifact, progress=Silent())
    launched: dict[str, InstanceId] = {}
    for number, trouble in enumerate(causes):
        revision = replace(subject.revision, configuration=(("TROUBLE", trouble),))
        launched[trouble] = subject.provider.launch(replace(subject.order(number), revision=revision))
    for trouble, instance in launched.items():
        seen = subject.await_state(instance, MachineState.STOPPED)
        assert causes[trouble] in seen.detail
        assert seen.said


def test_a_crash_and_a_hang_are_told(subject: ProviderSubject, traces: Callable[[], list[str]]) -> None:
    """A QEMU that was killed has stopped; one that does not answer runs still, says so, and can be ended."""
    crashed, hanging = started(subject, 1), started(subject, 2)
    os.kill(qemu_of(crashed).pid, signal.SIGKILL)
    assert "crashed or was killed" in subject.await_state(crashed.id, MachineState.STOPPED).detail
    os.kill(qemu_of(hanging).pid, signal.SIGSTOP)
    seen = subject.listed()[hanging.id]
    assert (seen.state, "its QEMU hangs" in seen.detail) == (MachineState.RUNNING, True)
    for instance in (crashed, hanging):
        subject.provider.terminate(subject.fleet, instance.id, generation=1)
    assert not traces()


def test_limits_reach_the_guest_and_the_kernel(subject: ProviderSubject) -> None:
    """Memory is the guest's, and QEMU may take some more; processors are the guest's, and as much time is theirs."""
    subject.provider.publish(subject.artifact, progress=Silent())
    limits = Limits(memory_bytes=128 * MIB, cpus=1.5)
    order = replace(subject.order(), revision=replace(subject.revision, limits=limits))
    instance = subject.await_state(subject.provider.launch(order), MachineState.RUNNING)
    arguments = Path(f"/proc/{qemu_of(instance).pid}/cmdline").read_text().split("\0")
    assert arguments[arguments.index("-m") + 1] == "128M"
    assert arguments[arguments.index("-smp") + 1] == "2"
    groups, group = Path("/sys/fs/cgroup"), f"repave-{instance.id}"
    if (groups / "cgroup.controllers").exists():
        assert (groups / group / "memory.max").read_text().strip() == str(640 * MIB)
        assert (groups / group / "cpu.max").read_text().split() == ["150000", "100000"]
    else:
        assert (groups / "memory" / group / "memory.limit_in_bytes").read_text().strip() == str(640 * MIB)
        assert (groups / "cpu" / group / "cpu.cfs_quota_us").read_text().strip() == "150000"


def test_a_stopped_zone_ends_its_machines(subject: ProviderSubject) -> None:
    """Every machine of the zone is killed, no other; launches there are refused."""
    there, here = started(subject, 1), started(subject, 2)
    provider = subject.provider
    assert isinstance(provider, LocalProvider)
    provider.stop_zone(there.zone)
    assert subject.listed()[there.id].state is MachineState.STOPPED
    assert subject.listed()[here.id].state is MachineState.RUNNING
    with pytest.raises(NoCapacity, match="stopped"):
        subject.launch(3)
    provider.start_zone(ZoneName("b"))
    assert subject.launch(3)


def test_containers_and_machines_live_in_one_fleet(
    subject: ProviderSubject, bake: Callable[..., Artifact], traces: Callable[[], list[str]]
) -> None:
    """A fleet whose image changes its kind has both for a while, each with an address of its own."""
    machine, artifact = started(subject, 1), bake()
    subject.provider.publish(artifact, progress=Silent())
    revision = replace(subject.revision, artifact=artifact.digest)
    container = subject.provider.launch(replace(subject.order(2), revision=revision))
    both = subject.listed()
    assert {seen.state for seen in both.values()} == {MachineState.RUNNING}
    assert both[container].address != both[machine.id].address
    for instance in both:
        subject.provider.terminate(subject.fleet, instance, generation=1)
    assert not traces()


def test_an_altered_part_is_not_published(subject: ProviderSubject, surroundings: Surroundings) -> None:
    """Bytes that differ from their digest are refused, and nothing becomes startable."""
    for digest, _ in surroundings.registry.blobs():
        path = surroundings.registry.path(digest)
        if path.read_bytes().startswith(b"\x28\xb5\x2f\xfd"):
            path.chmod(0o600)
            path.write_bytes(path.read_bytes()[:-1] + b"\0")
    with pytest.raises(Corrupt, match="is refused"):
        subject.provider.publish(subject.artifact, progress=Silent())
    assert not subject.provider.published()


def test_an_altered_disk_is_not_started(subject: ProviderSubject, surroundings: Surroundings) -> None:
    """What changed since it was verified is put together anew, but not below a machine that runs from it."""
    instance = started(subject)
    (disk,) = surroundings.folder.glob("disks/*/disk")
    disk.write_bytes(disk.read_bytes())
    with pytest.raises(Corrupt, match="has changed since"):
        subject.provider.launch(subject.order(2))
    with pytest.raises(Corrupt, match="has changed since"):
        subject.provider.publish(subject.artifact, progress=Silent())
    subject.provider.terminate(subject.fleet, instance.id, generation=1)
    assert subject.launch(2)


def test_a_disk_for_another_processor_is_refused(
    surroundings: Surroundings, tmp_path: Path, guest: Guest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By name, before anything is unpacked."""
    monkeypatch.setattr("repave.providers.local.qemu.disks.platform.machine", lambda: "aarch64")
    artifact = add_machine(surroundings.registry, tmp_path, guest)
    with pytest.raises(Invalid, match="is for amd64, this machine is arm64"):
        LocalProvider(surroundings).publish(artifact, progress=Silent())
    assert not list(surroundings.folder.glob("disks/*"))


def test_a_machine_without_qemu_is_told_what_to_install(
    surroundings: Surroundings, machine: Artifact, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Containers need none of it, so the doctor is silent; who publishes a virtual machine is not."""
    monkeypatch.setattr(shutil, "which", lambda program, **_: None if program.startswith("qemu") else f"/bin/{program}")
    provider = LocalProvider(surroundings)
    assert "virtual machines" not in {proof.name for proof in provider.describe().proofs}
    with pytest.raises(Invalid, match="no qemu-system-x86_64") as refused:
        provider.publish(machine, progress=Silent())
    assert "apt-get install" in refused.value.hint
