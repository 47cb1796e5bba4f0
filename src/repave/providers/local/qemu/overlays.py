"""The files that take what machines write."""

from repave.ports.commands import Commands
from repave.providers.local.qemu.machine import Machine
from repave.providers.local.settings import COMMAND_SECONDS


def make_overlay(commands: Commands, machine: Machine) -> None:
    """An empty one, as large as the disk; what it lies above, QEMU is told when it starts. Raises CommandFailed."""
    size = str(machine.boot.disk.stat().st_size)
    arguments = ["qemu-img", "create", "-q", "-f", "qcow2", str(machine.overlay), size]
    commands.run(arguments, timeout_seconds=COMMAND_SECONDS)
