"""A real sshd on loopback, whose logins find themselves on the server that is to be read."""

import os
import shlex
import socket
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

CONFIGURATION = """Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/host_key
PidFile none
AuthorizedKeysFile {folder}/key.pub
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
PermitRootLogin prohibit-password
StrictModes no
ForceCommand exec {entering} sh -c "$SSH_ORIGINAL_COMMAND"
"""

CLIENT = """Host pet
  HostName 127.0.0.1
  Port {port}
  User root
  IdentityFile {folder}/key
  IdentitiesOnly yes
  UserKnownHostsFile {folder}/known_hosts
"""


@dataclass(frozen=True, kw_only=True)
class SshHost:
    """One running sshd, and the client's configuration that reaches it as ``pet``."""

    folder: Path
    configuration: Path


def free_port() -> int:
    """A port of loopback on which nothing waits."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@contextmanager
def ssh_into(entering: Sequence[str], folder: Path) -> Iterator[SshHost]:
    """An sshd that puts ``entering`` (such as ``chroot FOLDER``) before whatever is run; it ends with the block."""
    port = free_port()
    for name in ("host_key", "key"):
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)]
        subprocess.run(command, check=True, capture_output=True)
    public = (folder / "host_key.pub").read_text(encoding="ascii")
    (folder / "known_hosts").write_text(f"[127.0.0.1]:{port} {public}", encoding="ascii")
    server, client = folder / "sshd_config", folder / "ssh_config"
    server.write_text(CONFIGURATION.format(port=port, folder=folder, entering=shlex.join(entering)), encoding="utf-8")
    client.write_text(CLIENT.format(port=port, folder=folder), encoding="utf-8")
    Path("/run/sshd").mkdir(exist_ok=True)  # where sshd gives up its rights before anybody has logged in
    with subprocess.Popen(
        ["/usr/sbin/sshd", "-D", "-e", "-f", os.fspath(server)], stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stderr is not None
            line = process.stderr.readline()
            assert "listening" in line, line
            yield SshHost(folder=folder, configuration=client)
        finally:
            process.terminate()
