"""What packages say of their own changes, read out of each just once: a package with a digest never changes."""

import json
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from repave.advisories.debian_package import CHANGELOG_LIMIT_BYTES, Documents, documents
from repave.advisories.kept_file import read_kept, write_kept

MOST_KEPT = 1000
"""Packages: a quarter's repairs of a large estate. Most have some hundred KiB to say."""

LARGEST_FILE_BYTES = 2 * CHANGELOG_LIMIT_BYTES
"""In JSON, which has more bytes for some letters; what is longer is read out of its package each time."""


class KeptChangelogs:
    """The changelogs of packages, in a folder whose loss costs but the time to unpack the packages again."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def of(self, package: Path, sha256: str, name: str) -> Documents:
        """The documents of ``package``, which has that digest. Raises as ``documents`` does."""
        place = self._folder / f"{sha256}.json"
        kept = _read(place, name)
        if kept is None:
            kept = documents(package, name)
            # Where it cannot be written, the answer stands all the same.
            with suppress(OSError):
                write_kept(place, json.dumps({"package": name, **asdict(kept)}).encode())
                self._trim()
        return kept

    def _trim(self) -> None:
        """Forget those that were read out first, beyond the limit."""
        found = sorted(self._folder.glob("*.json"), key=lambda place: place.stat().st_mtime_ns)
        for place in found[:-MOST_KEPT]:
            place.unlink(missing_ok=True)


def _read(place: Path, name: str) -> Documents | None:
    """None where nothing is kept that can be believed, or another package's."""
    content = read_kept(place, largest_bytes=LARGEST_FILE_BYTES)
    if content is None:
        return None
    told = json.loads(content)
    if told.pop("package") != name:
        return None
    return Documents(**told)
