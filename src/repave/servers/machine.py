"""This very machine, while it runs."""

import os
from pathlib import Path

from repave.ports.commands import Commands
from repave.ports.server import Heard
from repave.servers.kernel import REMOTE_FILESYSTEMS, SOCKETS, heard_in
from repave.servers.mounted import MountedRoot

MOUNTS = Path("/proc/mounts")
"""Paths, which may be any bytes."""


class ThisMachine(MountedRoot):
    """The server port for the machine on which repave runs: its disks, and the ports on which something waits."""

    def __init__(self, commands: Commands) -> None:
        mounts = (line.split(" ") for line in os.fsdecode(MOUNTS.read_bytes()).split("\n")[:-1])
        super().__init__(Path("/"), passed_over=(mount[1] for mount in mounts if mount[2] in REMOTE_FILESYSTEMS))
        self._commands = commands

    @property
    def name(self) -> str:
        """As a person calls it."""
        return "this machine"

    def heard(self) -> Heard:
        """See the port."""
        printed = self._commands.run(["sh", "-c", SOCKETS]).stdout
        return heard_in(printed.decode(errors="replace"))
