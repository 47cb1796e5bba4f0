"""Servers that a person made by hand, each by the adapter that can read it."""

from pathlib import Path
from typing import TYPE_CHECKING

from repave.jobs.commands import LocalCommands

if TYPE_CHECKING:
    from repave.ports.server import Server


def mounted(root: Path) -> "Server":
    """The server whose disk is mounted at ``root``. Raises Gone."""
    from repave.servers.mounted import MountedRoot

    return MountedRoot(root)


def this_machine() -> "Server":
    """The one on which this runs."""
    from repave.servers.machine import ThisMachine

    return ThisMachine(LocalCommands())


def over_ssh(destination: str, configuration: Path | None) -> "Server":
    """The one that OpenSSH's client reaches by that name. Raises Invalid for what is no name."""
    from repave.servers.ssh import SshServer

    return SshServer(destination, commands=LocalCommands(), configuration=configuration)
