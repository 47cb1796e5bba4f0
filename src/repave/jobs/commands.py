"""Programs of this machine, run without a shell, each in a process group of its own."""

import os
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from repave.ports.commands import Finished
from repave.ports.errors import CommandFailed

KEPT_VARIABLES = ("HOME", "TMPDIR", "http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
"""What a program may see of our environment: never credentials."""

CERTIFICATE_VARIABLES = ("SSL_CERT_FILE", "SSL_CERT_DIR")

SEARCH_PATH = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")
"""Debian keeps runc, haproxy and mmdebstrap's helpers in sbin, which a user's own path often lacks."""


class LocalCommands:
    """The commands port on this machine."""

    def __init__(self) -> None:
        self._running: set[subprocess.Popen[bytes]] = set()

    def end(self) -> None:
        """End every program that another thread runs by this object, with all its children."""
        for process in tuple(self._running):
            _end_group(process)

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
        """Run to the end; see the port."""
        program = shutil.which(arguments[0], path=_search_path())
        if program is None:
            raise CommandFailed(
                arguments, exit_code=127, stderr="not found", hint=f"install {arguments[0]}; `repave doctor` says how"
            )
        with subprocess.Popen(
            [program, *arguments[1:]],
            cwd=cwd,
            env=_environment(environment or {}),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        ) as process:
            self._running.add(process)
            try:
                stdout, stderr = process.communicate(stdin, timeout=timeout_seconds)
            except subprocess.TimeoutExpired as overrun:
                _end_group(process)
                hint = f"it was given {timeout_seconds:g} s"
                raise CommandFailed(arguments, exit_code=None, stderr="", hint=hint) from overrun
            except BaseException:
                _end_group(process)
                raise
            finally:
                self._running.discard(process)
        text = stderr.decode(errors="replace")
        if check and process.returncode != 0:
            raise CommandFailed(arguments, exit_code=process.returncode, stderr=text)
        return Finished(exit_code=process.returncode, stdout=stdout, stderr=text)

    def available(self, program: str) -> bool:
        """Whether ``program`` is on the path."""
        return shutil.which(program, path=_search_path()) is not None


def _search_path() -> str:
    own = os.environ.get("PATH", "").split(os.pathsep)
    return os.pathsep.join([*own, *(folder for folder in SEARCH_PATH if folder not in own)])


def _environment(added: Mapping[str, str]) -> dict[str, str]:
    kept = {name: os.environ[name] for name in (*KEPT_VARIABLES, *CERTIFICATE_VARIABLES) if name in os.environ}
    return {**kept, "PATH": _search_path(), "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", **added}


def _end_group(process: subprocess.Popen[bytes]) -> None:
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    process.wait()
