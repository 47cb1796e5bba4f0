"""runc, as this provider uses it: start, find and remove one container."""

import json
from pathlib import Path

from repave.model.names import InstanceId
from repave.ports.commands import Commands
from repave.ports.errors import CommandFailed
from repave.providers.local.containers import Container, runtime_configuration
from repave.providers.local.errors import mapped, of_command
from repave.providers.local.guarded import Guarded
from repave.providers.local.places import Places
from repave.providers.local.processes import Process, identify
from repave.providers.local.settings import COMMAND_SECONDS

STANDARD_INPUT = "/dev/stdin"


class Runtime:
    """Containers by runc, whose own state stands in a folder of this project."""

    def __init__(self, *, places: Places, commands: Commands, guarded: Guarded) -> None:
        self._places = places
        self._commands = commands
        self._guarded = guarded

    def start(self, container: Container, console: Path) -> Process | None:
        """Start the container's process; answers it, or None when it has ended already.

        runc reads the configuration, which may hold secrets, from a pipe: it is in no file and in no argument. The
        pipe's end is the process's standard input, and empty. Raises errors of the ports.
        """
        record = container.record
        bundle = self._places.instance(record.instance)
        configuration = bundle / "config.json"
        if not configuration.is_symlink():
            configuration.symlink_to(STANDARD_INPUT)
        attempt = f"starting {record.slot} of {record.fleet}"
        content = json.dumps(runtime_configuration(container)).encode()
        said = bundle / "runc.log"
        said.unlink(missing_ok=True)
        arguments = [*self._runc(), "--log", str(said), "--log-format", "json", "run", "--detach"]
        arguments += ["--pid-file", str(self._pid_file(record.instance)), "--bundle", str(bundle), record.instance]
        with mapped(attempt):
            self._places.runtime.mkdir(parents=True, exist_ok=True, mode=0o700)
            try:
                self._guarded.run(record.instance, arguments, stdin=content, output=console)
            except CommandFailed as error:
                raise of_command(attempt, error, _last_said(said)) from error
        return identify(int(self._pid_file(record.instance).read_text()))

    def find(self, instance: InstanceId) -> Process | None:
        """The running process of a container that an interrupted start may have left."""
        if not self._pid_file(instance).exists():
            return None
        answer = self._commands.run([*self._runc(), "state", instance], timeout_seconds=COMMAND_SECONDS, check=False)
        if answer.exit_code != 0:
            return None
        state = json.loads(answer.stdout)
        return identify(int(state["pid"])) if state["status"] == "running" else None

    def remove(self, instance: InstanceId) -> None:
        """Kill what is left of the container and forget it, its control group included; not there is no error."""
        if not (self._places.runtime / instance).exists():
            return
        with mapped(f"removing the container {instance}"):
            self._commands.run([*self._runc(), "delete", "--force", instance], timeout_seconds=COMMAND_SECONDS)

    def close(self) -> None:
        """Remove the state folder; call when no container is left."""
        if self._places.runtime.is_dir() and not any(self._places.runtime.iterdir()):
            self._places.runtime.rmdir()

    def _runc(self) -> list[str]:
        return ["runc", "--root", str(self._places.runtime)]

    def _pid_file(self, instance: InstanceId) -> Path:
        return self._places.instance(instance) / "pid"


def _last_said(path: Path) -> str:
    """The last error in runc's own log; empty when it wrote none."""
    if not path.exists():
        return ""
    lines = [line for line in path.read_text(errors="replace").splitlines() if line.startswith("{")]
    errors = [entry for entry in map(json.loads, lines) if entry.get("level") == "error"]
    return str(errors[-1].get("msg", "")) if errors else ""
