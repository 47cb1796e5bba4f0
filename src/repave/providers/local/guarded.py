"""Programs that make something of an instance, guarded so that they cannot outlive us unseen.

When repave is killed, a program it had started goes on for a moment. Each of these therefore holds the instance's own
lock as long as it runs, or that of what all share where no instance is named: who cleans up after the killed repave
waits for it, and nothing appears after the cleaning.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from repave.model.names import InstanceId
from repave.ports.commands import Commands, Finished
from repave.providers.local.locks import locked
from repave.providers.local.places import Places
from repave.providers.local.settings import START_SECONDS

TO_FILE = 'file=$1; shift; exec "$@" >>"$file" 2>&1'
"""Fixed text, arguments apart: the output goes where the process may keep writing to after we are gone."""

TO_BACKGROUND = '"$@" >/dev/null 2>&1 </dev/null & echo $!'
"""The same: starts a program that stays, and says its number."""


class Guarded:
    """Runs programs, each under the lock of an instance or of what all share, and for no longer than it may take."""

    def __init__(self, *, places: Places, commands: Commands) -> None:
        self._places = places
        self._commands = commands

    def run(
        self, instance: InstanceId | None, arguments: Sequence[str], *, stdin: bytes = b"", output: Path | None = None
    ) -> Finished:
        """Run to the end; ``output`` takes what it and all that it starts write. Raises CommandFailed."""
        redirected = ["sh", "-c", TO_FILE, "sh", str(output)] if output else []
        limit = ["timeout", "--signal=KILL", str(START_SECONDS)]
        lock = self._lock(instance)
        lock.parent.mkdir(parents=True, exist_ok=True)
        return self._commands.run(
            ["flock", "--exclusive", "--no-fork", str(lock), *limit, *redirected, *arguments],
            stdin=stdin,
            timeout_seconds=START_SECONDS + 1,
        )

    def leave(self, arguments: Sequence[str]) -> int:
        """Start a program that stays; answers its number. Raises CommandFailed."""
        finished = self._commands.run(["sh", "-c", TO_BACKGROUND, "sh", *arguments], timeout_seconds=START_SECONDS)
        return int(finished.stdout)

    @contextmanager
    def quiet(self, instance: InstanceId | None) -> Iterator[None]:
        """Hold the block until nothing of the instance, or of what all share, is being made any more."""
        with locked(self._lock(instance)):
            yield

    def _lock(self, instance: InstanceId | None) -> Path:
        if instance is None:
            return self._places.lock("shared")
        return self._places.instance(instance) / "making.lock"
