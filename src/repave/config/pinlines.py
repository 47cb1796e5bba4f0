"""On which line of a lock's text each package is pinned: where a report points to."""

import json
from collections.abc import Mapping

HEAD = "[[package]]"
KEYS = frozenset({"ecosystem", "name", "version"})

Pin = tuple[str, str, str]
"""Ecosystem, name and version."""


def pin_lines(text: str) -> Mapping[Pin, int]:
    """The line of each package's version, the first where it stands several times.

    ``text`` is a lock as ``repave lock`` writes it; what a hand wrote in another way is left out.
    """
    lines: dict[Pin, int] = {}
    within = False
    told: dict[str, str] = {}
    place = 0
    for number, line in enumerate(text.splitlines(), start=1):
        if line.startswith("["):
            within, told = line.strip() == HEAD, {}
            continue
        key, _, value = line.partition(" = ")
        if not within or key not in KEYS:
            continue
        told[key] = _text(value)
        if key == "version":
            place = number
        if told.keys() == KEYS:
            lines.setdefault((told["ecosystem"], told["name"], told["version"]), place)
    return lines


def _text(value: str) -> str:
    """TOML's basic strings are JSON's, as ``repave lock`` writes them; empty for another kind."""
    try:
        return str(json.loads(value))
    except ValueError:
        return ""
