"""What npm packages bring along, as a test wants it said."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from repave.model.lock import LockedPackage
from repave.ports.errors import WorldError
from repave.ports.progress import Progress


@dataclass(frozen=True, kw_only=True)
class Bundled:
    """A package within another's archive."""

    name: str
    version: str


@dataclass
class SaidBundles:
    """By the name of the package that brings them along."""

    said: dict[str, tuple[Bundled, ...]] = field(default_factory=dict)
    failure: WorldError | None = None

    def of(self, packages: Iterable[LockedPackage], *, progress: Progress) -> Mapping[LockedPackage, Sequence[Bundled]]:
        """As the test says."""
        del progress
        if self.failure is not None:
            raise self.failure
        return {package: self.said[package.name] for package in packages if package.name in self.said}
