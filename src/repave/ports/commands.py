"""Programs of this machine, run without a shell."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, kw_only=True)
class Finished:
    """A program that ended."""

    exit_code: int
    stdout: bytes
    stderr: str


class Commands(Protocol):
    """Runs programs: argument lists only, a clean environment, always with a time limit."""

    def run(
        self,
        arguments: Sequence[str],
        *,
        cwd: Path | None = None,
        environment: Mapping[str, str] | None = None,
        stdin: bytes = b"",
        timeout_seconds: float = 60.0,
        check: bool = True,
    ) -> Finished:
        """Run to the end.

        ``environment`` is added to a minimal one (PATH, HOME, LANG=C.UTF-8, and the proxy variables). A program that
        overruns ``timeout_seconds`` is ended with all its children.

        Raises CommandFailed when it is not found, overruns, or (with ``check``) exits with other than 0.
        """
        ...

    def available(self, program: str) -> bool:
        """Whether ``program`` is on the path."""
        ...
