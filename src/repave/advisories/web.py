"""A document at an address: asked for once per run, not sent again when it has not changed, its last copy kept."""

import hashlib
import json
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from repave.advisories.documents import LARGEST_DOCUMENT_BYTES, Copy, FileDocument
from repave.ports.errors import WorldError
from repave.ports.progress import Silent
from repave.ports.web import Wanted, Web

COPY = "document"
ABOUT = "about.json"
"""The copy's digest, and when it was changed: written after the copy, so that a part is never taken for it."""


class WebDocument:
    """The document of one address."""

    def __init__(self, address: str, *, web: Web, name: str, folder: Path) -> None:
        """``folder`` is the copy's own."""
        self.name = name
        self._address = address
        self._web = web
        self._copy = folder / COPY
        self._about = folder / ABOUT
        self._read: Copy | None = None

    def read(self) -> Copy:
        """As it is now; the last copy, and why, when it cannot be had. Raises WorldError when there is neither."""
        if self._read is None:
            self._read = self._ask()
        return self._read

    def _ask(self) -> Copy:
        kept, modified = self._known()
        wanted = Wanted(address=self._address, name=self.name, most_bytes=LARGEST_DOCUMENT_BYTES, since=modified)
        try:
            brought = self._web.bring(wanted, self._copy, progress=Silent())
        except WorldError as failure:
            if kept is None:
                raise
            return Copy(content=kept, trouble=failure.message)
        if brought is None and kept is not None:
            return Copy(content=kept)
        copy = FileDocument(self._copy, name=self.name).read()
        self._note(copy.content, brought.modified if brought else None)
        return copy

    def _known(self) -> tuple[bytes | None, datetime | None]:
        """The last copy and its date; None where there is none to rely on: its loss changes no answer."""
        with suppress(OSError, ValueError, KeyError, TypeError):
            about = json.loads(self._about.read_text(encoding="utf-8"))
            content = self._copy.read_bytes()
            if hashlib.sha256(content).hexdigest() == about["sha256"]:
                return content, datetime.fromisoformat(about["modified"]) if about["modified"] else None
        return None, None

    def _note(self, content: bytes, modified: datetime | None) -> None:
        about = {
            "sha256": hashlib.sha256(content).hexdigest(),
            "modified": modified.isoformat() if modified else None,
        }
        beside = self._about.with_suffix(".making")
        beside.write_text(json.dumps(about), encoding="utf-8")
        beside.replace(self._about)
