"""What packages say of their own changes, read out of each just once: a package with a digest never changes."""

import json
import os
import tempfile
from contextlib import suppress
from pathlib import Path

from repave.advisories.debian_package import Documents, documents


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
            self._keep(place, name, kept)
        return kept

    def _keep(self, place: Path, name: str, found: Documents) -> None:
        """Where it cannot be written, the answer stands all the same."""
        document = {"package": name, "changelog": found.changelog, "elsewhere": found.elsewhere}
        with suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            number, beside = tempfile.mkstemp(dir=self._folder)
            try:
                with os.fdopen(number, "wb") as file:
                    file.write(json.dumps(document).encode())
                Path(beside).replace(place)
            except OSError:
                Path(beside).unlink(missing_ok=True)


def _read(place: Path, name: str) -> Documents | None:
    """None where nothing is kept, or not what is written here."""
    try:
        kept = json.loads(place.read_bytes())
        told, texts = kept["package"], (kept["changelog"], kept["elsewhere"])
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return None
    if told != name or not all(isinstance(text, str) for text in texts):
        return None
    return Documents(changelog=texts[0], elsewhere=texts[1])
