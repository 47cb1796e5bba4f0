"""Copies of others' data as files of this machine."""

import json
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

from repave.ports.clock import Clock
from repave.ports.errors import Gone
from repave.ports.progress import Progress
from repave.ports.web import Wanted, Web

ASKED_AGAIN_AFTER = timedelta(hours=1)
"""Such documents are made anew some times a day, and they are no small files."""

CHECKED = "checked.json"
"""When the copy was last known to be the newest, and its own date: written after the copy itself."""


def state_of(copy: Path) -> str:
    """Its size, its time, and when it was changed, which no tool can set back: another state, another content.

    Raises Gone.
    """
    try:
        stat = copy.stat()
    except OSError as gone:
        raise Gone(f"{copy} cannot be read: {gone.strerror}") from gone
    return f"{stat.st_size} {stat.st_mtime_ns} {stat.st_ctime_ns}"


class KeptCopy:
    """The copy of what is at one address, brought up to date from time to time."""

    def __init__(self, address: str, *, path: Path, web: Web, clock: Clock) -> None:
        """``path`` is where the copy is kept, in a folder of its own."""
        self.path = path
        self._address = address
        self._checked = path.parent / CHECKED
        self._web = web
        self._clock = clock

    @property
    def modified(self) -> datetime | None:
        """When it was last changed, by the server's word, else by when it was brought; None where there is no copy."""
        return self._known()[0]

    def refreshed(self, name: str, *, most_bytes: int, progress: Progress) -> str:
        """What changes whenever the copy does. The server is asked for a newer one unless it was a short time ago.

        Raises what the web port raises.
        """
        modified, checked = self._known()
        now = self._clock.now()
        if checked is None or not timedelta() <= now - checked < ASKED_AGAIN_AFTER:
            wanted = Wanted(address=self._address, name=name, most_bytes=most_bytes, since=modified)
            brought = self._web.bring(wanted, self.path, progress=progress)
            if brought is not None:
                modified = brought.modified or now
            self._note(modified or now, now)
        return f"{self.path.stat().st_size} {modified}"

    def forget(self) -> None:
        """Of a broken copy, or the server would be asked for newer ones only."""
        self.path.unlink(missing_ok=True)

    def _known(self) -> tuple[datetime | None, datetime | None]:
        """The copy's date, and when the server was last asked; None and None where there is no copy to rely on."""
        with suppress(OSError, ValueError, KeyError, TypeError):
            if self.path.is_file():
                noted = json.loads(self._checked.read_text(encoding="utf-8"))
                return datetime.fromisoformat(noted["modified"]), datetime.fromisoformat(noted["checked"])
        return None, None

    def _note(self, modified: datetime, checked: datetime) -> None:
        beside = self._checked.with_suffix(".making")
        noted = {"modified": modified.isoformat(), "checked": checked.isoformat()}
        beside.write_text(json.dumps(noted), encoding="utf-8")
        beside.replace(self._checked)
