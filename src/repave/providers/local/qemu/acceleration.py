"""Whether machines run on the processor itself (KVM) or emulated: tried, since a device that is there need not work."""

import json
import os
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

from repave.ports.commands import Commands
from repave.ports.errors import CommandFailed
from repave.providers.local.locks import locked
from repave.providers.local.places import Places
from repave.providers.local.processes import current_boot
from repave.providers.local.settings import TRANSLATED_MIB, TRIAL_SECONDS
from repave.scratch.whole import write_whole

QEMU = "qemu-system-x86_64"
KVM = Path("/dev/kvm")
EMULATED = f"tcg,thread=multi,tb-size={TRANSLATED_MIB}"

SECTOR = bytes.fromhex("b02a baf400 ee f4").ljust(510, b"\0") + b"\x55\xaa"
"""A boot sector: mov al, 0x2a; mov dx, 0xf4; out dx, al; hlt."""

REACHED = 0x2A << 1 | 1
"""How QEMU's isa-debug-exit device ends QEMU when 0x2a is written to it."""

DISK_BYTES = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Acceleration:
    """How machines run here."""

    accelerator: str
    """As QEMU's ``-accel`` takes it."""

    why: str

    @property
    def works(self) -> bool:
        """Whether it is more than emulation."""
        return self.accelerator != EMULATED

    @property
    def processor(self) -> str:
        """As QEMU's ``-cpu`` takes it."""
        return "host" if self.works else "max"


class Accelerations:
    """Tries once for each boot of this machine, and remembers."""

    def __init__(self, *, places: Places, commands: Commands) -> None:
        self._places = places
        self._commands = commands

    def known(self) -> Acceleration:
        """What was found since this machine started; tried now if nothing was."""
        with locked(self._places.lock("acceleration")):
            return self._remembered() or self._tried()

    def tried(self) -> Acceleration:
        """Tried just now, and remembered."""
        with locked(self._places.lock("acceleration")):
            return self._tried()

    def emulation(self) -> str:
        """Boot emulated; answers QEMU's version. Raises CommandFailed, OSError."""
        self._boot(EMULATED)
        said = self._commands.run([QEMU, "--version"], timeout_seconds=TRIAL_SECONDS).stdout
        return said.decode(errors="replace").splitlines()[0]

    def _remembered(self) -> Acceleration | None:
        try:
            kept = json.loads(self._place.read_bytes())
            found = Acceleration(accelerator=kept["accelerator"], why=kept["why"])
        except (OSError, ValueError, KeyError, TypeError):
            return None  # it is tried anew: nothing is lost but the seconds
        return found if kept.get("boot") == current_boot() else None

    def _tried(self) -> Acceleration:
        found = self._try()
        write_whole(self._place, json.dumps({**asdict(found), "boot": current_boot()}).encode())
        return found

    def _try(self) -> Acceleration:
        if not KVM.exists():
            return Acceleration(accelerator=EMULATED, why=f"{KVM} is not there")
        if not os.access(KVM, os.R_OK | os.W_OK):
            return Acceleration(accelerator=EMULATED, why=f"{KVM} may not be used by this user")
        try:
            self._boot("kvm")
        except CommandFailed as error:
            why = error.message
            if error.program_exit_code is None:
                why = f"under KVM a boot sector was not reached within {TRIAL_SECONDS:.0f} s"
            return Acceleration(accelerator=EMULATED, why=why)
        return Acceleration(accelerator="kvm", why="a guest reached its boot sector under KVM")

    def _boot(self, accelerator: str) -> None:
        """Have the firmware load our sector from a disk, with devices like an instance's. Raises CommandFailed."""
        with tempfile.TemporaryDirectory(prefix="repave-trial-") as folder:
            disk = Path(folder) / "disk"
            disk.write_bytes(SECTOR)
            os.truncate(disk, DISK_BYTES)
            arguments = [QEMU, "-accel", accelerator, "-machine", "q35", "-m", "64", "-nodefaults", "-no-user-config"]
            arguments += ["-display", "none", "-drive", f"file={disk},format=raw,if=none,id=disk,readonly=on"]
            arguments += ["-device", "nvme,drive=disk,serial=disk,bootindex=0", "-device", "isa-debug-exit,iobase=0xf4"]
            finished = self._commands.run(arguments, timeout_seconds=TRIAL_SECONDS, check=False)
        if finished.exit_code != REACHED:
            raise CommandFailed(arguments, exit_code=finished.exit_code, stderr=finished.stderr)

    @property
    def _place(self) -> Path:
        """Beside the runtime folders: what holds for one project of this user holds for all."""
        return self._places.runtime.parent / "acceleration.json"
