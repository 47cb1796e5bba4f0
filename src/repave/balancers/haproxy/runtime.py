"""HAProxy's runtime API, asked over the socket of its master process."""

import errno
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from repave.ports.errors import Conflict, Denied, Invalid, Unreachable

ANSWER_SECONDS = 5.0
"""HAProxy answers within milliseconds; one that needs seconds hangs, and the caller must not hang with it."""

_ACCEPTED = ("", "New server registered.", "Server deleted.")
_ALREADY = ("Already exists a server with the same name in backend.", "No such server.")
"""Someone was here before us, or it is gone: an order given twice is no error."""


@dataclass(frozen=True, kw_only=True)
class Workers:
    """The processes that serve: the current one, and those that end after a reload."""

    master: int
    current: int
    old: tuple[int, ...]


class RuntimeSocket:
    """Asks and orders, one line at a time. Raises Unreachable when there is no answer."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def workers(self) -> Workers:
        """Which processes there are."""
        return _workers(self._exchange("show proc"))

    def ask(self, question: str, *, worker: int | None = None) -> str:
        """The answer of the current worker, or of one by its process id."""
        return self._exchange(f"@!{worker} {question}" if worker else f"@1 {question}")

    def order(self, commands: Iterable[str]) -> None:
        """Have the current worker do all of these, in order. Raises Conflict or Invalid when it refuses one."""
        for command in commands:
            answer = self.ask(command).strip()
            if answer not in (*_ACCEPTED, *_ALREADY):
                raise _refusal(command, answer)

    def attempt(self, command: str) -> str:
        """Try one, and answer why it was refused; empty when it was done."""
        answer = self.ask(command).strip()
        return "" if answer in (*_ACCEPTED, *_ALREADY) else answer

    def information(self) -> dict[str, str]:
        """What the current worker says of itself."""
        lines = self.ask("show info").splitlines()
        return {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in lines) if name}

    def reload(self) -> None:
        """Have the master execute itself anew: a newer binary on disk is then the one that runs.

        The answer may get lost while it does: see by ``information`` what came of it.
        """
        self._exchange("reload")

    def _exchange(self, line: str) -> str:
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
                connection.settimeout(ANSWER_SECONDS)
                connection.connect(str(self._path))
                connection.sendall(line.encode() + b"\n")
                connection.shutdown(socket.SHUT_WR)
                parts = []
                while part := connection.recv(65536):
                    parts.append(part)
        except OSError as failure:
            raise _foreign(failure, line, self._path) from failure
        return b"".join(parts).decode(errors="replace")


def _foreign(failure: OSError, line: str, path: Path) -> Unreachable | Denied:
    """The one table from the system's errors to ours."""
    asked = f"cannot ask HAProxy `{line}` at {path}: {failure.strerror or failure}"
    if failure.errno in (errno.EACCES, errno.EPERM):
        return Denied(asked, hint="run repave as the user that started HAProxy")
    return Unreachable(asked, hint="`repave deploy` starts HAProxy again and attaches what it had")


def _refusal(command: str, answer: str) -> Unreachable | Conflict | Invalid:
    """The one table from HAProxy's refusals to our errors."""
    message = f"HAProxy refused `{command}`: {answer}"
    if "No such backend" in answer or "Can't find worker" in answer:
        return Unreachable(message, hint="`repave deploy` gives HAProxy its configuration again")
    if "still has connections" in answer:
        return Conflict(message, hint="its requests are ending; try again")
    return Invalid(message, hint="this version of HAProxy may lack what repave needs: see `repave doctor`")


def _workers(answer: str) -> Workers:
    master, current, old, section = 0, 0, [], ""
    for line in answer.splitlines():
        if line.startswith("#"):
            section = line.lstrip("# ").strip()
            continue
        fields = line.split()
        if len(fields) < 2 or not fields[0].isdigit():  # noqa: PLR2004 - process id and kind
            continue
        pid, kind = int(fields[0]), fields[1]
        if kind == "master":
            master = pid
        elif kind == "worker" and section == "old workers":
            old.append(pid)
        elif kind == "worker":
            current = pid
    if not master or not current:
        raise Unreachable("HAProxy has no worker now", hint="it is starting or reloading; try again")
    return Workers(master=master, current=current, old=tuple(old))
