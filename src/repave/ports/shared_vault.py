"""Vaults that several projects or machines have."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from repave.model.names import Digest
from repave.ports.progress import Progress


@dataclass(frozen=True, kw_only=True)
class SharedFile:
    """One file on its way to others."""

    sha256: str
    size_bytes: int
    path: Path
    """Where it is read."""

    name: str
    """For people: what it is."""


@dataclass(frozen=True, kw_only=True)
class SharedLock:
    """A lock with every file it names."""

    digest: Digest
    text: str
    files: Sequence[SharedFile]


class SharedVault(Protocol):
    """Keeps locked files for others. What is read from it is believed in nothing: each file is judged by its sha256."""

    @property
    def place(self) -> str:
        """Its address, as the file names it."""
        ...

    def missing(self, files: Collection[SharedFile]) -> frozenset[str]:
        """The sha256 of those that it lacks. Raises Unreachable, Denied, Throttled, Invalid."""
        ...

    def keep(self, lock: SharedLock, *, progress: Progress) -> None:
        """Have the lock and all its files there; what is there already is not sent again.

        May be called again after any failure. Raises as ``missing`` does, and NoCapacity, Corrupt.
        """
        ...
