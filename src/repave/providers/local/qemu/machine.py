"""What QEMU is told about one machine, pure. Source: qemu-system-x86_64(1), version 7.2, which Debian 12 has."""

import json
import math
import os
from dataclasses import dataclass
from pathlib import Path

from repave.model.release import Limits
from repave.ports.disk_format import ENVIRONMENT_ARGUMENT
from repave.ports.identity_format import AWAITING_ARGUMENT, IDENTITY_DISK, TRIED_NAME
from repave.providers.local.mapping import Record
from repave.providers.local.qemu.acceleration import QEMU, Acceleration
from repave.providers.local.settings import EMULATOR_BYTES, MACHINE_CPUS, MACHINE_MEMORY_BYTES, MIB
from repave.providers.local.variables import hostname

SEED_DESCRIPTOR = 3
"""The open file that is the seed disk."""

MEMORY_DESCRIPTOR = 4
"""The open file that memory was saved in, of a machine that goes on from there."""

BOARD = "q35,i8042=off,sata=off,smbus=off"
"""Without a keyboard, disks of another kind and sensors: a guest would look for a driver of each at every start."""

SANDBOX = "on,obsolete=deny,resourcecontrol=deny"
"""Not ``spawn=deny``: QEMU leaves us by a fork of its own. It gains no rights by what it starts, see `START`."""

FIRST_USER = 0x60000000
"""Users of QEMU processes are numbered from here, clear of all that distributions and directories give out."""

START = """set -eu
umask 077
cd "$1"; seed=$2; memory=$3; groups=$4; shift 4
cat >"$seed"
exec 3<"$seed" 4<"$memory" 5>&- 6>&- 7>&- 8>&- 9>&-
rm "$seed"
for group in $groups; do echo $$ >"$group"; done
exec setpriv --no-new-privs -- "$@"
"""
"""Fixed text, arguments apart. The seed disk, which may hold secrets, comes from a pipe; it loses its name before QEMU
starts. What else is open is closed: among it is the lock of who makes the instance, which QEMU would hold for ever."""


@dataclass(frozen=True, kw_only=True)
class Boot:
    """What a published disk is started by."""

    disk: Path
    kernel: Path
    initrd: Path | None
    arguments: str
    """The kernel's command line."""

    takes_environment: bool = False
    """Whether it takes its variables from the seed disk by itself, and needs no cloud-init for them."""

    starts_cold: str | None = None
    """Why it cannot go on from saved memory as another machine: "" where it can, None where its image says nothing."""

    needs_cloud_init: bool = False
    """Whether it needs it for something else."""

    document: Path | None = None
    """What cloud-init is told beside the variables; of a machine that installs itself."""

    files: Path | None = None
    """The disk with what such a machine installs."""


@dataclass(frozen=True, kw_only=True)
class Machine:
    """Everything a command line is made from."""

    record: Record
    boot: Boot
    overlay: Path
    """Takes what the machine writes; the published disk stays as it is."""

    events: Path
    """Of two files, with ``.in`` and ``.out`` behind it: what QEMU is told to begin with, and where its events go."""

    console: Path
    acceleration: Acceleration
    limits: Limits
    namespace: Path | None
    """The network namespace it stands in; None: in this machine's own network, from which it reaches nothing."""

    runas: bool
    """Whether QEMU gives up root."""

    awaits: bool = False
    """Whether its memory is to be saved: it has no identity, reaches nobody, and nobody reaches it."""

    below: Path | None = None
    """What the machine whose memory was saved had written: the one that goes on from there writes above it."""

    @property
    def movable(self) -> bool:
        """Whether its devices are such that QEMU can save them: of NVMe and pvpanic on PCI it cannot."""
        return self.awaits or self.below is not None


def memory_of(limits: Limits) -> int:
    """Memory of the guest, in bytes, as whole MiB."""
    return max(1, (limits.memory_bytes or MACHINE_MEMORY_BYTES) // MIB) * MIB


def processors_of(limits: Limits) -> int:
    """Processors of the guest; without a limit the same whoever asks, and whichever processors are theirs to use."""
    return math.ceil(limits.cpus or min(MACHINE_CPUS, os.cpu_count() or 1))


def shares_of(limits: Limits) -> tuple[int, float]:
    """Memory in bytes, and processors, that its QEMU may use of this machine: what its guest has, and itself."""
    return memory_of(limits) + EMULATOR_BYTES, limits.cpus or processors_of(limits)


def name_of(record: Record) -> str:
    """What QEMU's process is found by: an argument that no other has."""
    return f"repave-{record.instance}"


def monitor_of(record: Record) -> str:
    """The name of the monitor's socket in the runtime folder."""
    return f"{record.instance}.qmp"


def seed_of(record: Record) -> str:
    """The name, in the runtime folder, of the file that the seed disk is for a moment."""
    return f"{record.instance}.seed"


def user_of(record: Record) -> int:
    """A user and group of its own: one guest that breaks out cannot touch another's QEMU."""
    return FIRST_USER + int(record.instance.removeprefix("i-")[:6], 16)


def arguments_of(machine: Machine) -> str:
    """The kernel's command line of one machine."""
    boot = machine.boot
    if machine.movable:
        name = f"systemd.hostname={TRIED_NAME}"
        return f"{boot.arguments} {ENVIRONMENT_ARGUMENT} {name} cloud-init=disabled {AWAITING_ARGUMENT}"
    if not boot.takes_environment:
        return boot.arguments
    if boot.needs_cloud_init:
        return f"{boot.arguments} {ENVIRONMENT_ARGUMENT}"
    name = f"systemd.hostname={hostname(machine.record.slot)}"
    return f"{boot.arguments} {ENVIRONMENT_ARGUMENT} {name} cloud-init=disabled"


def command_line(machine: Machine) -> list[str]:
    """QEMU and its arguments, in the namespace."""
    record, boot = machine.record, machine.boot
    user = user_of(record)
    return [
        *_inside(machine),
        *(QEMU, "-name", name_of(record), "-nodefaults", "-no-user-config", "-display", "none"),
        *(() if machine.awaits else ("-daemonize",)),
        *("-machine", BOARD, "-accel", machine.acceleration.accelerator, "-cpu", machine.acceleration.processor),
        *("-m", f"{memory_of(machine.limits) // MIB}M", "-smp", str(processors_of(machine.limits))),
        *("-kernel", str(boot.kernel), "-append", arguments_of(machine)),
        *(("-initrd", str(boot.initrd)) if boot.initrd else ()),
        *_disks(machine),
        *_network(machine),
        *("-device", "virtio-rng-pci", "-device", "pvpanic" if machine.movable else "pvpanic-pci"),
        *("-chardev", f"file,id=console,path={_escaped(machine.console)},append=on", "-serial", "chardev:console"),
        *("-chardev", f"socket,id=monitor,path={monitor_of(record)},server=on,wait=off"),
        *("-mon", "chardev=monitor,mode=control"),
        *("-chardev", f"pipe,id=events,path={_escaped(machine.events)}", "-mon", "chardev=events,mode=control"),
        *("-action", "panic=shutdown,reboot=shutdown,shutdown=poweroff", "-sandbox", SANDBOX),
        *(("-runas", f"{user}:{user}") if machine.runas else ()),
        *(("-incoming", f"fd:{MEMORY_DESCRIPTOR}") if machine.below else ()),
    ]


def _inside(machine: Machine) -> list[str]:
    """What makes a program stand where the machine has its network: one that awaits its identity in an empty one."""
    if machine.awaits and machine.runas:
        return ["unshare", "--net", "--"]
    return [] if machine.namespace is None else ["nsenter", f"--net={machine.namespace}", "--"]


def _disks(machine: Machine) -> list[str]:
    backing: dict[str, object] = {"driver": "raw", "read-only": True, "file": _file(machine.boot.disk)}
    if machine.below:
        backing = {"driver": "qcow2", "read-only": True, "file": _file(machine.below), "backing": backing}
    # What a machine has written goes with it, so nothing waits until this machine's disk has it.
    root = {
        "node-name": "root",
        "driver": "qcow2",
        "cache": {"no-flush": True},
        "file": _file(machine.overlay),
        "backing": backing,
    }
    seed = {"node-name": "seed", "driver": "raw", "read-only": True, "file": _file(Path("/dev/fdset/1"))}
    device = "virtio-blk-pci" if machine.movable else "nvme"
    return [
        *("-blockdev", json.dumps(root), "-device", f"{device},drive=root,serial=root"),
        *("-add-fd", f"fd={SEED_DESCRIPTOR},set=1", "-blockdev", json.dumps(seed)),
        *("-device", f"{device},drive=seed,serial={IDENTITY_DISK}"),
        *(_files(machine.boot.files) if machine.boot.files else ()),
    ]


def _file(place: Path) -> dict[str, str]:
    return {"driver": "file", "filename": str(place)}


def _files(place: Path) -> list[str]:
    disk = {"node-name": "files", "driver": "raw", "read-only": True, "file": _file(place)}
    return ["-blockdev", json.dumps(disk), "-device", "nvme,drive=files,serial=files"]


def _network(machine: Machine) -> list[str]:
    """QEMU's own network, which hands requests for the instance's address on to the guest."""
    record = machine.record
    alone = machine.runas if machine.awaits else machine.namespace is not None
    options = ["user", "id=network", "ipv6=off", f"restrict={'off' if alone else 'on'}"]
    if not machine.awaits:
        options.append(f"hostfwd=tcp:{record.address}:{record.port}-:{record.port}")
    return [
        "-netdev",
        ",".join(options),
        "-device",
        "virtio-net-pci,netdev=network",
    ]


def _escaped(path: Path) -> str:
    """A path as a value among values."""
    return str(path).replace(",", ",,")
