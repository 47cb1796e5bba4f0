"""One file as plain data, with the place of everything in it."""

from collections.abc import Mapping
from dataclasses import dataclass

from repave.config.errors import Problem

Path = tuple[str | int, ...]
"""Keys and list indexes from the top of the file."""

Position = tuple[int, int]
"""Line and column, from 1."""


@dataclass(frozen=True, kw_only=True)
class Document:
    """One file as plain data: dict, list, str, int, float, bool, None."""

    filename: str
    data: object
    keys: Mapping[Path, Position]
    values: Mapping[Path, Position]
    problems: tuple[Problem, ...] = ()
    """What could be read around, so that it is reported together with all else."""

    def at_key(self, path: Path) -> Position:
        """Where the key of ``path`` stands; a list's item has none, so its value; the top stands at its start."""
        return self.keys.get(path) or self.values.get(path) or (1, 1)

    def at_value(self, path: Path) -> Position:
        """Where the value of ``path`` starts."""
        return self.values.get(path) or self.at_key(path)
