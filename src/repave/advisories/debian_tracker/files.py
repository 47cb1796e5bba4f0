"""Where the tracker's JSON is: a copy that somebody else keeps, or its address, of which a copy is kept here."""

import json
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from repave.advisories.copies import state_of
from repave.advisories.debian_tracker.document import read_tracker
from repave.advisories.osv.index import Unreadable
from repave.advisories.osv.records import Record
from repave.ports.clock import Clock
from repave.ports.errors import Corrupt, Gone
from repave.ports.progress import Progress
from repave.ports.web import Wanted, Web

LARGEST_BYTES = 512 * 1024 * 1024
"""Several times what the tracker has in 2026."""

ASKED_AGAIN_AFTER = timedelta(hours=1)
"""Debian makes it anew some times a day, and it is no small file."""

COPY = "tracker.json"
CHECKED = "checked.json"
"""When the copy was last known to be the newest, and its own date: written after the copy itself."""


class TrackerFile:
    """A copy of the JSON; its own time says of when it is."""

    def __init__(self, path: Path, *, name: str) -> None:
        self._path = path
        self.name = name

    def state(self, progress: Progress) -> str:
        """Of the copy as a file."""
        del progress
        return state_of(self._path)

    def records(self, progress: Progress) -> Iterator[Record | Unreadable]:
        """All of it."""
        return read_file(self._path, name=self.name, as_of=None, progress=progress)


class TrackerAddress:
    """The JSON at an address; the server's word says of when it is."""

    def __init__(self, address: str, *, web: Web, folder: Path, clock: Clock) -> None:
        """``folder`` is the copy's own."""
        self.name = f"Debian tracker {address}"
        self._address = address
        self._web = web
        self._copy = folder / COPY
        self._checked = folder / CHECKED
        self._clock = clock

    def state(self, progress: Progress) -> str:
        """Of the newest; the server is asked for it unless it was asked a short time ago."""
        modified, checked = self._known()
        now = self._clock.now()
        if checked is None or not timedelta() <= now - checked < ASKED_AGAIN_AFTER:
            wanted = Wanted(address=self._address, name=self.name, most_bytes=LARGEST_BYTES, since=modified)
            brought = self._web.bring(wanted, self._copy, progress=progress)
            if brought is not None:
                modified = brought.modified or now
            self._note(modified or now, now)
        return f"{self._copy.stat().st_size} {modified}"

    def records(self, progress: Progress) -> Iterator[Record | Unreadable]:
        """All of the copy; a broken one is not kept, or the server would be asked for newer ones only."""
        modified, _ = self._known()
        try:
            yield from read_file(self._copy, name=self.name, as_of=modified, progress=progress)
        except Corrupt:
            self._copy.unlink(missing_ok=True)
            raise

    def _known(self) -> tuple[datetime | None, datetime | None]:
        """The copy's date, and when the server was last asked; None and None where there is no copy to rely on."""
        with suppress(OSError, ValueError, KeyError, TypeError):
            if self._copy.is_file():
                noted = json.loads(self._checked.read_text(encoding="utf-8"))
                return datetime.fromisoformat(noted["modified"]), datetime.fromisoformat(noted["checked"])
        return None, None

    def _note(self, modified: datetime, checked: datetime) -> None:
        beside = self._checked.with_suffix(".making")
        noted = {"modified": modified.isoformat(), "checked": checked.isoformat()}
        beside.write_text(json.dumps(noted), encoding="utf-8")
        beside.replace(self._checked)


def read_file(path: Path, *, name: str, as_of: datetime | None, progress: Progress) -> Iterator[Record | Unreadable]:
    """The records of a document on the disk; without ``as_of`` they are of the file's own time."""
    try:
        with path.open("rb") as content, progress.task(f"Reading {name}", unit="records") as task:
            size = path.stat().st_size
            if size > LARGEST_BYTES:
                raise Corrupt(f"{path} has {size} bytes: the tracker's JSON has far fewer")
            own = datetime.fromtimestamp(path.stat().st_mtime, UTC)
            for found in read_tracker(content, name=str(path), as_of=as_of or own):
                yield found
                task.advance()
    except OSError as gone:
        raise Gone(f"{path} cannot be read: {gone.strerror}") from gone
