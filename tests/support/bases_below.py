"""What images below say of what is in them, as a test wants it said."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from repave.model.lock import Ecosystem, LockedPackage
from repave.ports.errors import WorldError
from repave.ports.progress import Progress


@dataclass(frozen=True, kw_only=True)
class Held:
    """A package that such an image says it holds."""

    name: str
    version: str
    ecosystem: str = "deb"
    architecture: str = "amd64"
    source: str = ""
    source_version: str = ""


@dataclass(frozen=True, kw_only=True)
class Inside:
    """What one image says."""

    distribution: tuple[str, str, str] | None
    packages: tuple[Held, ...]


@dataclass
class SaidBases:
    """Images by the digest that is locked of them; of others nothing is known."""

    said: dict[str, Inside] = field(default_factory=dict)
    failure: WorldError | None = None

    def of(self, packages: Iterable[LockedPackage], *, progress: Progress) -> Inside | None:
        """As the test says."""
        del progress
        if self.failure is not None:
            raise self.failure
        versions = {package.version for package in packages if package.ecosystem is Ecosystem.OCI}
        return next((self.said[version] for version in versions if version in self.said), None)
