"""What images of registries, below ours, say of what is in them."""

from collections.abc import Iterable, Sequence
from typing import Protocol

from repave.model.lock import LockedPackage
from repave.ports.progress import Progress


class Held(Protocol):
    """A package that such an image says it holds: no file of it was locked, only the layer it is in."""

    @property
    def ecosystem(self) -> str:
        """As package URLs name it: ``deb``, ``apk``, ``pypi``."""
        ...

    @property
    def name(self) -> str:
        """Its name."""
        ...

    @property
    def version(self) -> str:
        """Its version."""
        ...

    @property
    def architecture(self) -> str:
        """deb: the processor, or ``all``."""
        ...

    @property
    def source(self) -> str:
        """deb: the source package."""
        ...

    @property
    def source_version(self) -> str:
        """deb: the source package's version."""
        ...


class Inside(Protocol):
    """What one image says."""

    @property
    def distribution(self) -> tuple[str, str, str] | None:
        """Name, number and name of the release; what it does not say is empty."""
        ...

    @property
    def packages(self) -> Sequence[Held]:
        """All that package managers wrote down."""
        ...


class Bases(Protocol):
    """Reads locked images of registries; nothing of them is run."""

    def of(self, packages: Iterable[LockedPackage], *, progress: Progress) -> Inside | None:
        """What is in the one among the packages of an image; None where there is none. Raises Gone, Corrupt."""
        ...
