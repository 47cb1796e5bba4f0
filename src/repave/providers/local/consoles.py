"""What instances print: one file each, bounded, kept for a while after the end.

Bounded how: whenever repave looks (which it does while it keeps a fleet), a file that takes more than 8 MiB of disk
gives its oldest part back, the newest 4 MiB stay. A hole is punched, so the writer never notices and no line of
the newest is lost. While no repave looks, a file can grow beyond that.
"""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from repave.model.names import FleetKey, InstanceId, RevisionId, SlotId
from repave.ports.clock import Clock
from repave.ports.commands import Commands
from repave.ports.errors import CommandFailed, Gone
from repave.providers.local.mapping import Record
from repave.providers.local.places import Places
from repave.providers.local.settings import (
    COMMAND_SECONDS,
    CONSOLE_BYTES,
    CONSOLE_KEPT_BYTES,
    CONSOLES_KEPT,
    FOLLOW_SECONDS,
)
from repave.scratch.whole import write_whole

BLOCK_BYTES = 512
"""The unit of st_blocks, by stat(2)."""

LINE_BYTES = 64 * 1024
"""A longer line is shown in pieces."""

LAST_LINES = 3
LAST_BYTES = 4096
"""What a message takes of an output: enough to see where it ended, short enough to read."""


class Consoles:
    """The output files of all fleets."""

    def __init__(self, *, places: Places, commands: Commands, clock: Clock) -> None:
        self._places = places
        self._commands = commands
        self._clock = clock

    def open(self, record: Record) -> Path:
        """The file its output goes to; kept under the instance's name, with whose it is beside it."""
        path = self._path(record.fleet, record.instance)
        label = {"instance": record.instance, "slot": record.slot, "revision": record.revision}
        content = {**label, "started_at": record.started_at.isoformat()}
        write_whole(path.with_suffix(".json"), json.dumps(content).encode())
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600))
        return path

    def discard(self, record: Record) -> None:
        """Forget the output of an instance that never came to be."""
        path = self._path(record.fleet, record.instance)
        path.unlink(missing_ok=True)
        path.with_suffix(".json").unlink(missing_ok=True)

    def kept(self, fleet: FleetKey) -> tuple[tuple[InstanceId, SlotId, RevisionId], ...]:
        """Whose output can be read, oldest first; without what lost its label."""
        labels = []
        for path in (self._places.fleet(fleet) / "consoles").glob("*.json"):
            # Pruned meanwhile by another; or emptied by a loss of power.
            with suppress(FileNotFoundError, ValueError, KeyError, TypeError):
                label = json.loads(path.read_bytes())
                kept = InstanceId(label["instance"]), SlotId(label["slot"]), RevisionId(label["revision"])
                labels.append((label["started_at"], label["slot"], kept))
        return tuple(kept for *_, kept in sorted(labels))

    def prune(self, fleet: FleetKey, living: frozenset[InstanceId]) -> None:
        """Forget the output of all but the newest ended instances."""
        ended = [instance for instance, _, _ in self.kept(fleet) if instance not in living]
        for instance in ended[:-CONSOLES_KEPT]:
            path = self._path(fleet, instance)
            path.unlink(missing_ok=True)
            path.with_suffix(".json").unlink(missing_ok=True)

    def bound(self, fleet: FleetKey, instance: InstanceId) -> None:
        """Give the oldest part of a large file back to the disk."""
        path = self._path(fleet, instance)
        try:
            status = path.stat()
        except FileNotFoundError:
            return
        if status.st_blocks * BLOCK_BYTES <= CONSOLE_BYTES:
            return
        length = str(status.st_size - CONSOLE_KEPT_BYTES)
        try:
            self._commands.run(
                ["fallocate", "--punch-hole", "--offset", "0", "--length", length, str(path)],
                timeout_seconds=COMMAND_SECONDS,
            )
        except CommandFailed:
            # A file system without holes: the writer appends, so an emptied file just begins anew.
            os.truncate(path, 0)

    def lines(self, fleet: FleetKey, instance: InstanceId, *, ended: Callable[[], bool] | None) -> Iterator[str]:
        """Every line there is; with ``ended`` then those to come, until it says so. Raises Gone at once."""
        path = self._path(fleet, instance)
        if not path.exists():
            raise Gone(
                f"the output of {instance} of {fleet} is not kept (any more)",
                hint=f"the last {CONSOLES_KEPT} ended instances of a fleet keep theirs",
            )
        return self._read(path, ended)

    def last(self, fleet: FleetKey, instance: InstanceId) -> tuple[str, ...]:
        """The last few lines that say something, for a message."""
        try:
            with self._path(fleet, instance).open("rb") as file:
                file.seek(max(0, file.seek(0, os.SEEK_END) - LAST_BYTES))
                lines = [_text(line).strip() for line in file.read().splitlines()]
        except FileNotFoundError:
            return ()
        return tuple("".join(filter(str.isprintable, line)) for line in lines if line)[-LAST_LINES:]

    def _read(self, path: Path, ended: Callable[[], bool] | None) -> Iterator[str]:
        with path.open("rb") as file:
            begin = _first_byte(file.fileno())
            file.seek(begin)
            if begin:
                file.readline(LINE_BYTES)  # the rest of a line whose beginning was given back
            rest = b""
            while True:
                last = ended is None or ended()
                while part := file.readline(LINE_BYTES):
                    rest += part
                    if part.endswith(b"\n") or len(rest) >= LINE_BYTES:
                        yield _text(rest)
                        rest = b""
                if last:
                    break
                self._clock.sleep(FOLLOW_SECONDS)
            if rest:
                yield _text(rest)

    def _path(self, fleet: FleetKey, instance: InstanceId) -> Path:
        return self._places.fleet(fleet) / "consoles" / f"{instance}.log"


def _first_byte(descriptor: int) -> int:
    """Where the file's hole ends."""
    try:
        return os.lseek(descriptor, 0, os.SEEK_DATA)
    except OSError:
        return 0  # ENXIO: an empty file


def _text(line: bytes) -> str:
    return line.rstrip(b"\r\n").lstrip(b"\0").decode(errors="replace")
