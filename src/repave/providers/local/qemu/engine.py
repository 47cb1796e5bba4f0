"""Virtual machines by QEMU: one process each, which outlives us and is found again by what it was started with."""

import os
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from repave.model.artifact import Artifact
from repave.model.names import Digest, FleetName
from repave.model.observation import MachineState
from repave.model.recipe import ImageKind
from repave.model.release import Limits
from repave.ports.commands import Commands
from repave.ports.errors import Invalid
from repave.ports.progress import Progress
from repave.ports.provider import LaunchOrder, MemoryWanted, Proven
from repave.providers.local.consoles import Consoles
from repave.providers.local.engines import Condition, Start, Started
from repave.providers.local.guarded import Guarded
from repave.providers.local.limits import cgroup_of, killed_for_memory
from repave.providers.local.mapping import Record
from repave.providers.local.network import Network
from repave.providers.local.places import Places
from repave.providers.local.processes import started_with
from repave.providers.local.proofs import proven
from repave.providers.local.qemu.acceleration import QEMU, Accelerations
from repave.providers.local.qemu.disks import Disks
from repave.providers.local.qemu.events import GREETING, cause_of_end
from repave.providers.local.qemu.going_on import GoingOn
from repave.providers.local.qemu.groups import ControlGroups
from repave.providers.local.qemu.machine import (
    START,
    Machine,
    command_line,
    monitor_of,
    name_of,
    seed_of,
    shares_of,
)
from repave.providers.local.qemu.monitor import Silent, ask
from repave.providers.local.qemu.overlays import make_overlay
from repave.providers.local.qemu.saving import Saving
from repave.providers.local.qemu.seed import seed_disk
from repave.providers.local.settings import (
    POWER_DOWN_SECONDS,
    STOP_PATIENCE_SECONDS,
)
from repave.providers.local.variables import variables_of

PROGRAMS = "apt-get install qemu-system-x86 qemu-utils"


@dataclass(frozen=True, kw_only=True)
class QemuEngine:
    """Implements the engine protocol by QEMU."""

    places: Places
    commands: Commands
    guarded: Guarded
    disks: Disks
    consoles: Consoles
    network: Network
    accelerations: Accelerations
    groups: ControlGroups
    saving: Saving
    going_on: GoingOn
    privileged: bool

    @property
    def kind(self) -> ImageKind:
        """Virtual machines."""
        return ImageKind.VM

    def prove(self) -> Iterator[Proven]:
        """See the protocol; QEMU being there says that machines are meant to run."""
        if not self._installed:
            return
        yield proven("virtual machines", self.accelerations.emulation, PROGRAMS)
        found = self.accelerations.tried()
        yield Proven(
            name="acceleration",
            works=found.works,
            detail=found.why if found.works else f"{found.why}: machines are emulated",
            hint="" if found.works else "emulated ones work too, and take some ten times as long; KVM needs /dev/kvm",
            needed=False,
        )

    def publish(self, artifact: Artifact, *, used: Collection[Digest], progress: Progress) -> None:
        """See the protocol."""
        if not self._installed:
            raise Invalid(f"{artifact.image} cannot run here: this machine has no {QEMU} and qemu-img", hint=PROGRAMS)
        self.disks.publish(artifact, used=used, progress=progress)

    def keep_memory(self, digest: Digest, wanted: MemoryWanted, *, progress: Progress) -> Mapping[FleetName, str]:
        """See the protocol."""
        return self.saving.keep_memory(digest, wanted, progress=progress)

    def withdraw(self, digest: Digest) -> None:
        """See the protocol."""
        self.saving.withdraw(digest)
        self.disks.withdraw(digest)

    def check(self, order: LaunchOrder) -> None:
        """See the protocol. How an application inside fares is known by its answers alone."""
        if order.revision.port is None:
            raise Invalid(
                f"{order.slot} of {order.fleet} cannot be started: a virtual machine without a port tells nobody "
                "how its application fares",
                hint="give the fleet a `port` in repave.yaml, or its image `kind: container`",
            )
        self.disks.boot(order.revision.artifact)

    def share(self, digest: Digest) -> None:
        """Nothing: each machine opens the published disk by itself."""

    def unshare(self, digest: Digest) -> None:
        """Nothing."""

    def prepare(self, order: LaunchOrder, record: Record, console: Path) -> Start:
        """See the protocol."""
        limits = order.revision.limits
        folder = self.places.instance(record.instance)
        folder.mkdir(parents=True, exist_ok=True)
        machine = Machine(
            record=record,
            boot=self.disks.boot(record.artifact),
            overlay=folder / "overlay.qcow2",
            events=folder / "events",
            console=console,
            acceleration=self.accelerations.known(),
            limits=limits,
            namespace=self.network.prepare(record),
            runas=self.privileged,
        )
        memory_bytes, cpus = shares_of(limits)
        groups = self.groups.make(record, memory_bytes=memory_bytes, cpus=cpus)
        variables = variables_of(order, record, {})

        def start(machine: Machine, seed: bytes, memory: Path = Path(os.devnull)) -> Started:
            return self._start(machine, seed, groups, memory)

        return lambda: self.going_on.start(machine, variables, start) or start(machine, _seed(machine, variables))

    def find(self, record: Record) -> Started | None:
        """See the protocol."""
        process = next(iter(started_with(QEMU, name_of(record))), None)
        return None if process is None else Started(process=process)

    def finish(self, record: Record) -> bool:
        """No: nobody knows whether what runs in a guest hears its power button."""
        del record
        return False

    def stop(self, record: Record) -> None:
        """Press the power button, wait, then end QEMU, which it obeys whatever its guest does."""
        if record.process is None or not record.process.alive:
            return
        try:
            ask(self.places.runtime, monitor_of(record), "system_powerdown")
        except Silent:
            record.process.stop(patience_seconds=0)
            return
        if not record.process.ends_within(POWER_DOWN_SECONDS):
            record.process.stop(patience_seconds=STOP_PATIENCE_SECONDS)

    def remove(self, record: Record) -> None:
        """See the protocol."""
        for process in started_with(QEMU, name_of(record)):
            process.stop(patience_seconds=0)
        for name in (monitor_of(record), seed_of(record)):
            (self.places.runtime / name).unlink(missing_ok=True)
        self.groups.remove(record)

    def close(self) -> None:
        """Nothing: the folder of the sockets is runc's as well, whose engine removes it."""

    def runs(self, record: Record) -> bool:
        """Whether its QEMU lives."""
        return record.process is not None and record.process.alive

    def holds(self, record: Record) -> bool:
        """Its QEMU: nobody goes on from the overlay of one that ended."""
        return self.runs(record)

    def condition(self, record: Record) -> Condition:
        """See the protocol. One that hangs still runs: whether it serves is for whoever checks its health to say."""
        said = " | ".join(self.consoles.last(record.fleet, record.instance))
        if self.runs(record):
            return Condition(state=MachineState.RUNNING, detail=self._why_still(record), said=said)
        return Condition(state=MachineState.STOPPED, detail=self._why_stopped(record), said=said)

    def allowance(self, record: Record) -> Limits:
        """See the protocol: as its group would allow."""
        if record.limits is None:
            return Limits()
        memory_bytes, cpus = shares_of(record.limits)
        return Limits(memory_bytes=memory_bytes, cpus=cpus)

    @property
    def _installed(self) -> bool:
        return self.commands.available(QEMU) and self.commands.available("qemu-img")

    def _start(self, machine: Machine, seed: bytes, groups: tuple[Path, ...], memory: Path) -> Started:
        record = machine.record
        machine.events.with_suffix(".in").write_bytes(GREETING)
        machine.events.with_suffix(".out").write_bytes(b"")
        make_overlay(self.commands, machine)
        self.places.runtime.mkdir(parents=True, exist_ok=True, mode=0o700)
        joined = " ".join(map(str, groups))
        script = ["sh", "-c", START, "sh", str(self.places.runtime), seed_of(record), str(memory), joined]
        self.guarded.run(record.instance, [*script, *command_line(machine)], stdin=seed)
        return self.find(record) or Started(process=None)

    def _why_still(self, record: Record) -> str:
        """Why one that runs does nothing; "" where it does."""
        try:
            status = str(ask(self.places.runtime, monitor_of(record), "query-status").get("status"))
        except Silent as silent:
            return f"its QEMU hangs: {silent}"
        return "" if status == "running" else f"its guest stands still: {status}"

    def _why_stopped(self, record: Record) -> str:
        if record.process is not None and record.process.restarted_since:
            return "the machine was restarted"
        if killed_for_memory(cgroup_of(record)):
            return "its QEMU ended: the kernel killed it for using more than its memory limit"
        written = self.places.instance(record.instance) / "events.out"
        return cause_of_end(written.read_text(errors="replace") if written.exists() else "")


def _seed(machine: Machine, variables: Mapping[str, str]) -> bytes:
    boot = machine.boot
    told = boot.document.read_text(encoding="utf-8") if boot.document else ""
    return seed_disk(machine.record, variables, told, takes_environment=boot.takes_environment)
