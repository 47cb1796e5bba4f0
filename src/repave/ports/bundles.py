"""What locked packages bring along within their own archives."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from repave.model.lock import LockedPackage
from repave.ports.progress import Progress


class Bundled(Protocol):
    """A package within the archive of another, by its own word: no file of it was locked by itself."""

    @property
    def name(self) -> str:
        """Its name."""
        ...

    @property
    def version(self) -> str:
        """Its version."""
        ...


class Bundles(Protocol):
    """Reads locked packages in the vault; nothing of them is run."""

    def of(self, packages: Iterable[LockedPackage], *, progress: Progress) -> Mapping[LockedPackage, Sequence[Bundled]]:
        """Those that bring others along, each with these. Raises Gone, Corrupt."""
        ...
