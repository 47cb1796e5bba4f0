"""Signatures of people as OpenSSH makes and judges them (ssh-keygen(1), `-Y`; PROTOCOL.sshsig).

The private key stays with ssh-keygen: a file, one of an agent, or one in a security key.
"""

import os
from collections.abc import Collection, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from repave.model.gates import Person
from repave.model.names import PersonName
from repave.ports.commands import Commands
from repave.ports.errors import CommandFailed, Denied, Gone

NAMESPACE = "repave"
"""What is signed for something else, a commit or a mail, says nothing here."""

AGENT = "SSH_AUTH_SOCK"


class SshSignatures:
    """The personal signatures port."""

    def __init__(self, commands: Commands, environment: Mapping[str, str] = os.environ) -> None:
        self._commands = commands
        self._agent = {AGENT: environment[AGENT]} if AGENT in environment else {}

    def sign(self, message: bytes, key: Path) -> str:
        """The signature, armored. Raises Gone, Denied."""
        if not key.is_file():
            raise Gone(
                f"there is no key {key}", hint="`ssh-keygen -t ed25519` makes one; --key names another, or a .pub"
            )
        try:
            signed = self._commands.run(
                ["ssh-keygen", "-Y", "sign", "-f", os.fspath(key), "-n", NAMESPACE],
                stdin=message,
                environment=self._agent,
            )
        except CommandFailed as refused:
            raise Denied(
                f"{key} cannot sign: {refused.stderr.strip().splitlines()[-1] if refused.stderr.strip() else refused}",
                hint="a key with a passphrase signs through an agent: `ssh-add` it, and name its .pub with --key",
            ) from refused
        return signed.stdout.decode("ascii")

    def signed_by(self, message: bytes, signature: str, people: Collection[Person]) -> PersonName | None:
        """By the keys of the file; nobody where there is none."""
        with TemporaryDirectory(prefix="repave-") as folder:
            signers, armored = Path(folder, "signers"), Path(folder, "signature")
            signers.write_text("".join(_lines(people)), encoding="ascii")
            armored.write_text(signature, encoding="utf-8")
            files = ["-f", os.fspath(signers), "-s", os.fspath(armored)]
            found = self._commands.run(["ssh-keygen", "-Y", "find-principals", *files], check=False)
            name = found.stdout.decode("ascii", errors="replace").strip()
            if found.exit_code or not name:
                return None
            judged = self._commands.run(
                ["ssh-keygen", "-Y", "verify", "-I", name, "-n", NAMESPACE, *files], stdin=message, check=False
            )
        return None if judged.exit_code else PersonName(name)


def _lines(people: Collection[Person]) -> list[str]:
    return [f'{person.name} namespaces="{NAMESPACE}" {key}\n' for person in people for key in person.keys]
