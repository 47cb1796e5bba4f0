"""Starts ``inside`` in namespaces of its own, and turns its answers into the ports' errors."""

import errno
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from repave.ports.commands import Commands
from repave.ports.errors import CommandFailed, Corrupt, Invalid, NoCapacity, WorldError

NAMESPACES = ("--mount", "--pid", "--fork", "--kill-child", "--net", "--ipc", "--uts")
"""Mounts and processes end with the job; an empty network has no way out; System V objects and names stay inside."""

LIMIT_SECONDS = 1800.0
"""A layer of a thousand packages takes some minutes; what takes half an hour hangs."""

NEEDS = (
    "baking needs root, or user namespaces: install uidmap, and give this user a range in /etc/subuid and /etc/subgid"
)
FULL = "No space left on device"


class Chamber:
    """Runs jobs in a private view of mounts, processes and network; what images' programs may: see ``confinement``."""

    def __init__(self, *, commands: Commands, folder: Path, program: str) -> None:
        """``program`` is the module that does the jobs, as ``inside`` does."""
        self._commands = commands
        self._folder = folder
        self._program = program

    def run(self, job: dict[str, Any], *, limit_seconds: float = LIMIT_SECONDS) -> dict[str, Any]:
        """Do one job of ``inside`` and answer its result.

        Ends with this process, killed or not. Raises CommandFailed, Invalid, Corrupt, NoCapacity (no room on the disk).
        """
        inside = (sys.executable, "-I", "-m", self._program)
        answer: dict[str, Any] = json.loads(self._enter(inside, json.dumps(job).encode(), limit_seconds))
        self._judge(answer)
        return answer

    def remove(self, paths: Sequence[Path]) -> None:
        """Remove folders with all that is in them, also what belongs to other users of the chamber."""
        if paths:
            # No job of ``inside``: Python's start takes longer than what there is to do.
            self._enter(("rm", "-rf", "--one-file-system", "--", *map(os.fspath, paths)), b"", LIMIT_SECONDS)

    def _enter(self, program: Sequence[str], stdin: bytes, limit_seconds: float) -> bytes:
        """Run a program there; answers its output."""
        try:
            return self._commands.run(
                (*_entrance(), *program), stdin=stdin, timeout_seconds=limit_seconds, check=True
            ).stdout
        except CommandFailed as error:
            if any(line.startswith(("unshare:", "newuidmap:", "newgidmap:")) for line in error.stderr.splitlines()):
                raise CommandFailed(
                    ("unshare",), exit_code=error.program_exit_code, stderr=error.stderr, hint=NEEDS
                ) from error
            raise

    def _judge(self, answer: dict[str, Any]) -> None:
        if "program" in answer:
            if FULL in answer["output"]:
                raise self._full()
            raise CommandFailed(
                answer["program"],
                exit_code=answer["exit_code"],
                stderr=answer["output"],
                hint="nothing was kept; the last lines name the package or the missing right",
            )
        if "errno" in answer:
            if answer["errno"] in (errno.ENOSPC, errno.EDQUOT):
                raise self._full()
            raise WorldError(f"cannot bake in {self._folder}: {answer['strerror']}")
        if "code" in answer:
            kind = {Invalid.code: Invalid, Corrupt.code: Corrupt}.get(answer["code"], WorldError)
            raise kind(answer["message"], hint=answer["hint"])

    def _full(self) -> NoCapacity:
        return NoCapacity(
            f"no room left on the disk of {self._folder}", hint="free some, or run `repave gc`; nothing half was kept"
        )


def _entrance() -> tuple[str, ...]:
    """What a program is put behind, to run there."""
    user = () if os.geteuid() == 0 else ("--user", "--map-root-user", "--map-auto")
    # The kernel ends the job when this process ends, however that comes: unshare's child ends with unshare.
    return ("setpriv", "--pdeathsig", "KILL", "unshare", *user, *NAMESPACES, "--")
