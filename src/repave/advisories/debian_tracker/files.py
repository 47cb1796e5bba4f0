"""Where the tracker's JSON is: a copy that somebody else keeps, or its address, of which a copy is kept here."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from repave.advisories.copies import KeptCopy, state_of
from repave.advisories.debian_tracker.document import read_tracker
from repave.advisories.osv.index import Unreadable
from repave.advisories.osv.records import Record
from repave.ports.clock import Clock
from repave.ports.errors import Corrupt, Gone
from repave.ports.progress import Progress
from repave.ports.web import Web

LARGEST_BYTES = 512 * 1024 * 1024
"""Several times what the tracker has in 2026."""

COPY = "tracker.json"


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
        self._copy = KeptCopy(address, path=folder / COPY, web=web, clock=clock)

    def state(self, progress: Progress) -> str:
        """Of the newest."""
        return self._copy.refreshed(self.name, most_bytes=LARGEST_BYTES, progress=progress)

    def records(self, progress: Progress) -> Iterator[Record | Unreadable]:
        """All of the copy."""
        try:
            yield from read_file(self._copy.path, name=self.name, as_of=self._copy.modified, progress=progress)
        except Corrupt:
            self._copy.forget()
            raise


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
