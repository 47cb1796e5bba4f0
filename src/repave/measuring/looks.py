"""Looks at counters, kept in a file for each fleet. Losing one costs no more than waiting for the next two."""

import json
import os
import tempfile
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from pathlib import Path

from repave.measuring.growth import Counters, Look, kept
from repave.model.names import FleetKey
from repave.ports.errors import Unreachable

FORMAT = 1


class Looks:
    """The looks of the last window at each fleet, of any process; those of one reader."""

    def __init__(self, folder: Path, reader: str = "") -> None:
        self._folder = folder
        self._reader = reader

    def add(self, fleet: FleetKey, look: Look, *, window_seconds: float) -> tuple[Look, ...]:
        """All looks of the window, oldest first, with this one last; it is kept for the next time.

        Raises Unreachable where nothing can be written.
        """
        path = self._path(fleet)
        looks = kept(_read(path), look, window_seconds=window_seconds)
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            _replace(path, json.dumps({"format": FORMAT, "looks": [_written(one) for one in looks]}))
        except OSError as error:
            raise Unreachable(
                f"what was counted of {fleet} cannot be kept: {error}", hint=f"see that {path} can be written"
            ) from error
        return looks

    def forget(self, fleet: FleetKey) -> None:
        """As if it had never been looked at, by any reader."""
        for path in self._folder.glob(f"{_name(fleet)}*.json"):
            path.unlink(missing_ok=True)

    def _path(self, fleet: FleetKey) -> Path:
        return self._folder / f"{_name(fleet)}{self._reader}.json"


def _name(fleet: FleetKey) -> str:
    return f"looks-{sha256(str(fleet).encode()).hexdigest()[:16]}"


def _replace(path: Path, text: str) -> None:
    """Several processes may look at once: each writes a file of its own, and the last one stands."""
    handle, unfinished = tempfile.mkstemp(dir=path.parent, prefix=path.stem, suffix=".new")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    Path(unfinished).replace(path)


def _read(path: Path) -> tuple[Look, ...]:
    """What was kept; nothing when it cannot be read: then it is simply looked at anew."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return tuple(_look(entry) for entry in content["looks"]) if content["format"] == FORMAT else ()
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return ()


def _look(entry: Mapping[str, str | Mapping[str, Counters]]) -> Look:
    counters = entry["counters"]
    if isinstance(counters, str):
        raise TypeError("counters are a mapping")
    read = {name: {key: float(value) for key, value in values.items()} for name, values in counters.items()}
    return Look(at=datetime.fromisoformat(str(entry["at"])), counters=read)


def _written(look: Look) -> dict[str, object]:
    return {"at": look.at.isoformat(), "counters": look.counters}
