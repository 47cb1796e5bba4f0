"""A real machine from Debian's archive: whole, the same again from nothing, clean, and started by both firmwares."""

import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from baked_machine import HOSTS, Shop, answer, firmware_options, looked_up, new_shop, root_on, started, variables_disk
from broken_bootstrap import without
from in_memory import in_memory

from repave.config.lockfile import read_lock
from repave.jobs.clock import SystemClock
from repave.jobs.commands import LocalCommands
from repave.model.artifact import Artifact
from repave.model.lock import Lock
from repave.model.names import (
    Digest,
    EnvironmentName,
    FleetKey,
    FleetName,
    ImageName,
    ProjectName,
    ReleaseNumber,
    SlotId,
    ZoneName,
)
from repave.model.observation import Instance, MachineState
from repave.model.project import Start
from repave.model.recipe import ImageKind
from repave.model.release import Limits, Revision
from repave.ports.progress import Silent
from repave.ports.provider import LaunchOrder, MemoryWanted, Serving
from repave.ports.surroundings import Surroundings
from repave.providers.local.processes import started_with
from repave.providers.local.provider import LocalProvider
from repave.providers.local.qemu.acceleration import QEMU
from repave.registries.layout import LayoutRegistry
from repave.registries.vault import FileVault

pytestmark = [
    pytest.mark.real,
    pytest.mark.network,
    # A bake takes half a minute, a start under emulation as long: each several times that on a busy machine.
    pytest.mark.timeout(900),
]

BAKES_BYTES = 12 << 30
"""Four times what the bakes and their disks take: machines run beside them."""

LONGEST_START_SECONDS = 300.0
"""Emulated, beside other tests."""

MOST_NEW_PARTS = 8
"""Of a disk of some forty: where the application lies, and what the file system says of itself."""


CLOCK_STOOD_SECONDS = 6.0
"""How long at least the clock of a machine stood still that goes on from memory."""

SECRETS = {"GREETING": "correct-horse-battery-staple"}

VARIABLES_KEPT = (b'GREETING="hello"', b'"path": "/run/repave/environment"')
"""What would be on a machine's disk had cloud-init been told its variables."""


@dataclass(frozen=True, kw_only=True)
class Machine:
    """What was baked, and its disk."""

    shop: Shop
    baked: Any
    disk: Path

    @property
    def root(self) -> str:
        """Its root's file system."""
        return root_on(self.disk)


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """Baked once, its application changed, and baked again: what is started has seen both ways to a disk."""
    with in_memory(tmp_path_factory.mktemp("machine"), wanted_bytes=BAKES_BYTES) as folder:
        (folder / "shop").mkdir()
        shop = new_shop(folder / "shop")
        shop.run("bake")
        shop.change(2)
        shop.run("lock")
        baked = shop.run("bake")
        shop.put_together(baked["artifacts"][0]["digest"], folder / "disk")
        yield Machine(shop=shop, baked=baked, disk=folder / "disk")


def test_changed_application_packs_few_pieces(machine: Machine) -> None:
    """The base is not made again, and most of the disk is what it was."""
    layers = machine.baked["artifacts"][0]["layers"]
    assert len([layer for layer in layers if not layer["cached"]]) <= MOST_NEW_PARTS


def test_unchanged_machine_is_not_made_again(machine: Machine) -> None:
    """Nothing is; and where one of its pieces is lost, the disk is made again to the same bytes."""
    (before,) = machine.baked["artifacts"]
    (unchanged,) = machine.shop.run("bake")["artifacts"]
    assert unchanged["digest"] == before["digest"]
    assert all(layer["cached"] for layer in unchanged["layers"])
    lost = LayoutRegistry(machine.shop.folder / ".repave/registry").path(before["layers"][-3]["digest"])
    lost.unlink()
    (again,) = machine.shop.run("bake")["artifacts"]
    assert again["digest"] == before["digest"]
    assert len([layer for layer in again["layers"] if not layer["cached"]]) == 1
    assert lost.is_file()


def test_disk_is_the_same_again_from_nothing(machine: Machine) -> None:
    """Made at once in another folder, not by a change of another disk."""
    (again,) = machine.shop.run("bake", "--verify", "web")["verified"]
    assert again["same"], again["difference"]


def test_file_system_is_whole(machine: Machine) -> None:
    """By the tool that repairs them: nothing is to be repaired."""
    finished = subprocess.run(["e2fsck", "-f", "-n", machine.root], capture_output=True, check=False)
    assert finished.returncode == 0, finished.stdout.decode()


def files_in(machine: Machine, folder: str) -> list[str]:
    """Regular files, by debugfs's own listing; none where there is no such folder."""
    listed = (line.split("/") for line in looked_up(machine.root, f"ls -p {folder}").splitlines())
    return [fields[5] for fields in listed if len(fields) > 5 and fields[2].startswith("10")]


def test_nothing_of_one_machine_or_one_moment_is_in_it(machine: Machine) -> None:
    """No identity, no key, no package list, no log; every account is without a password."""
    assert looked_up(machine.root, "cat /etc/machine-id") == ""
    for folder in ("/var/lib/apt/lists", "/var/cache/apt/archives", "/var/log/journal", "/etc/ssh"):
        assert not files_in(machine, folder)
    # systemd's package gives its journal's folder rights that no layer holds.
    assert looked_up(machine.root, "ea_list /var/log/journal") == ""
    shadow = looked_up(machine.root, "cat /etc/shadow").splitlines()
    assert shadow
    assert all(line.split(":")[1].startswith(("*", "!")) for line in shadow)


def test_file_of_the_recipe_is_laid_instead_of_a_setting(machine: Machine) -> None:
    """Of those that any machine has; the others are there."""
    assert looked_up(machine.root, "cat /etc/hosts") == HOSTS
    assert looked_up(machine.root, "cat /etc/hostname") == "localhost\n"


def test_disk_starts_with_both_firmwares(machine: Machine, tmp_path: Path) -> None:
    """As it is by UEFI, and configured; exported and grown by BIOS: a user of its own, in its sandbox, an identity."""
    exported = tmp_path / "exported.qcow2"
    machine.shop.run("export", "web", str(exported))

    def said(firmware: str, disk: Path, kind: str, size: str) -> str:
        """Once it answers nobody needs the machine any more: it is off, and leaves the processor to the other."""
        told = variables_disk(firmware, tmp_path) if firmware == "uefi" else []
        options = [*firmware_options(firmware, tmp_path), *told]
        with started(disk, tmp_path, options, name=firmware, kind=kind, size=size) as address:
            return eventual(address, console=tmp_path / f"{firmware}.console")

    with ThreadPoolExecutor(2) as pool:
        bios = pool.submit(said, "bios", exported, "qcow2", "4G")
        uefi = pool.submit(said, "uefi", machine.disk, "raw", "2G")
    assert bios.result() == "None True holds 32 4 GiB 2"
    assert uefi.result() == "hello True holds 32 2 GiB 2"


FLEET = FleetKey(project=ProjectName("shop"), environment=EnvironmentName("broken"), fleet=FleetName("web"))


@contextmanager
def launched(
    artifact: Artifact,
    registry: LayoutRegistry,
    folder: Path,
    *,
    slots: Sequence[str] = ("web-1",),
    secrets: Mapping[str, str] | None = None,
    start: Start = Start.COLD,
) -> Iterator[LocalProvider]:
    """A provider of its own with machines of the artifact."""
    surroundings = Surroundings(
        project=FLEET.project,
        folder=folder / "local",
        commands=LocalCommands(),
        clock=SystemClock(),
        vault=FileVault(folder / "vault"),
        registry=registry,
    )
    provider = LocalProvider(surroundings)
    provider.publish(artifact, progress=Silent())
    limits = Limits(memory_bytes=768 << 20)
    revision = Revision(
        release=ReleaseNumber(1), image=ImageName("web"), artifact=artifact.digest, port=8080, limits=limits
    )
    if start is not Start.COLD:
        serving = Serving(revision=revision, health_path="/identity")
        wanted = MemoryWanted(
            environment=FLEET.environment,
            ready={FLEET.fleet: limits} if start is Start.WARM else {},
            serving={FLEET.fleet: serving} if start is Start.HOT else {},
        )
        assert not provider.keep_memory(artifact.digest, wanted, progress=Silent())
        time.sleep(CLOCK_STOOD_SECONDS)
    order = LaunchOrder(
        fleet=FLEET,
        slot=SlotId("none"),
        zone=ZoneName("local"),
        revision=revision,
        generation=1,
        secrets=secrets or {},
    )
    instances = [provider.launch(replace(order, slot=SlotId(slot))) for slot in slots]
    try:
        yield provider
    finally:
        for instance in instances:
            # Not by the power button: an orderly end takes seconds of the processor, and shows nothing here.
            for process in started_with(QEMU, f"repave-{instance}"):
                process.stop(patience_seconds=0)
            provider.terminate(FLEET, instance, generation=1)


def artifact_of(machine: Machine) -> tuple[Artifact, LayoutRegistry]:
    """What was baked, and where it is."""
    (baked,) = machine.baked["artifacts"]
    artifact = Artifact(
        image=ImageName("web"), kind=ImageKind.VM, digest=Digest(baked["digest"]), size_bytes=1, layers=()
    )
    return artifact, LayoutRegistry(machine.shop.folder / ".repave/registry")


def test_machine_goes_on_from_memory_as_another(machine: Machine, tmp_path: Path) -> None:
    """Each has a name, the time, variables and randomness of its own; nothing of that, and no secret, was saved."""
    artifact, registry = artifact_of(machine)
    with launched(
        artifact, registry, tmp_path, slots=("web-1", "web-2"), secrets=SECRETS, start=Start.WARM
    ) as provider:
        seen = provider.observe(FLEET).instances
        said = {one.slot: eventual(f"http://{one.address}:{one.port}/identity").split() for one in seen}
        behind = [time.time() - float(eventual(f"http://{one.address}:{one.port}/identity").split()[3]) for one in seen]
        assert [said[one.slot][0] for one in seen] == ["web-1", "web-2"], "host names"
        assert [said[one.slot][4] for one in seen] == [one.id for one in seen], "variables"
        for number in (1, 2):
            assert len({words[number] for words in said.values()}) == 2, "identities of machines, random numbers"
        assert all(abs(seconds) < CLOCK_STOOD_SECONDS / 2 for seconds in behind), f"clocks: {behind}"
        page = answer(f"http://{seen[0].address}:{seen[0].port}/")
        assert page == f"{SECRETS['GREETING']} True holds 32 2 GiB 2", "a user of its own, in its sandbox"
        for one in seen:
            assert "started cold" not in "".join(provider.console(FLEET, one.id))
    saved = list((tmp_path / "local/snapshots").rglob("memory"))
    assert len(saved) == 1
    for path in (tmp_path / "local").rglob("*"):
        assert not path.is_file() or SECRETS["GREETING"].encode() not in path.read_bytes(), path
    provider.withdraw(artifact.digest)
    assert not list((tmp_path / "local/snapshots").iterdir())


def test_machine_that_served_goes_on_as_another(machine: Machine, tmp_path: Path) -> None:
    """What it draws from the kernel, the time and its name are its own; the application keeps its own variables."""
    artifact, registry = artifact_of(machine)
    with launched(artifact, registry, tmp_path, slots=("web-1", "web-2"), start=Start.HOT) as provider:
        seen = provider.observe(FLEET).instances
        said = {one.slot: eventual(f"http://{one.address}:{one.port}/identity").split() for one in seen}
        behind = [time.time() - float(eventual(f"http://{one.address}:{one.port}/identity").split()[3]) for one in seen]
        assert [said[one.slot][0] for one in seen] == ["web-1", "web-2"], "host names"
        assert {words[4] for words in said.values()} == {"None"}, "an instance that it is not told"
        for number in (1, 2):
            assert len({words[number] for words in said.values()}) == 2, "identities of machines, random numbers"
        assert all(abs(seconds) < CLOCK_STOOD_SECONDS / 2 for seconds in behind), f"clocks: {behind}"
        assert answer(f"http://{seen[0].address}:{seen[0].port}/") == "None True holds 32 2 GiB 2"
        for one in seen:
            assert "started cold" not in "".join(provider.console(FLEET, one.id))


def eventual(address: str, *, console: Path | None = None) -> str:
    """What is said there, once anything is; else it is told what stands on the console."""
    end = time.monotonic() + LONGEST_START_SECONDS
    while time.monotonic() < end:
        if told := answer(address):
            return told
        time.sleep(0.1)
    pytest.fail(f"{address} says nothing; {console.read_text(errors='replace')[-2000:] if console else ''}")


def stopped(provider: LocalProvider) -> Instance:
    """The machine, once it has ended by itself."""
    end = time.monotonic() + LONGEST_START_SECONDS
    while True:
        (seen,) = provider.observe(FLEET).instances
        if seen.state is MachineState.STOPPED or time.monotonic() > end:
            return seen
        time.sleep(1)


def packages_of(root: str) -> set[str]:
    """What dpkg knows of a disk that was never started."""
    status = looked_up(root, "cat /var/lib/dpkg/status").split("\n\n")
    fields = [dict(line.split(": ", 1) for line in one.splitlines() if ": " in line) for one in status if one.strip()]
    return {f"{one['Package']} {one['Architecture']} {one['Version']}" for one in fields}


def versions_of(lock: Lock) -> set[str]:
    """What is locked, as dpkg names it."""
    return {f"{one.name} {one.architecture} {one.version}" for one in lock.packages}


@pytest.mark.timeout(1800)  # it may have to be replaced once, after all of its grace
def test_machine_that_installs_itself_becomes_the_golden_one(machine: Machine, tmp_path: Path) -> None:
    """By its own word it has the same packages, and one more with its service; its variables are not on its disk.

    One that lacks a file says so, serves nothing, and is off.
    """
    shop = machine.shop
    golden = read_lock(shop.folder / "repave.lock")
    shop.install_itself()
    (baked,) = shop.run("bake")["artifacts"]
    registry = LayoutRegistry(shop.folder / ".repave/registry")
    lock = read_lock(shop.folder / "repave.lock")
    (lacking,) = (package for package in lock.packages if package.name == "jq")
    more = versions_of(lock) - versions_of(golden)
    broken = without(lacking.sha256, Digest(baked["digest"]), registry)
    with launched(broken, registry, tmp_path) as provider:
        try:
            (fleet,) = shop.run("deploy", "test")["fleets"]
            assert answer(f"{fleet['endpoint']}/") == "hello True holds 32 2 GiB 2"
            told = answer(f"{fleet['endpoint']}/packages") or ""
            assert answer(f"{fleet['endpoint']}/daemon") == "True"
            assert answer(f"{fleet['endpoint']}/hosts") == HOSTS
            (overlay,) = (shop.folder / ".repave/local").rglob("overlay.qcow2")
            written = overlay.read_bytes()
            assert b"repave-application.service" in written
            assert not [words for words in VARIABLES_KEPT if words in written]
        except BaseException as failure:
            failure.add_note(shop.consoles())
            raise
        finally:
            shop.run("destroy", "test", "--yes")
        assert set(told.splitlines()) == packages_of(machine.root) | more
        ended = stopped(provider)
    assert ended.state is MachineState.STOPPED, ended
    assert f"repave: bootstrap failed: jq {lacking.version} (sha256 {'0' * 64}) cannot be had: the disk: " in ended.said
