"""What was locked before, and how apt is told of it."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from repave.archives.control import Fields, paragraphs, written
from repave.archives.own_words import EDITED, contradicted_by
from repave.model.lock import Ecosystem, LockedPackage
from repave.model.recipe import Base
from repave.pinners.debian.index import Entry, Key
from repave.ports.commands import Commands
from repave.ports.errors import Gone, Invalid, Unreachable
from repave.ports.pinner import PinRequest
from repave.ports.progress import Progress
from repave.ports.vault import Fetch, Vault

ABOVE_ALL = 1001
"""Above 1000 apt takes the pinned version even where it is older (apt_preferences(5))."""

NEVER = -1
"""Below 0 apt takes no version at all."""

INDEX_FIELDS = ("Filename", "Size", "SHA256", "Status")
"""Ours to say, whatever a package says of itself."""


@dataclass(frozen=True, kw_only=True)
class Previous:
    """The Debian packages of the previous lock, as far as they concern one image."""

    own: Mapping[str, LockedPackage]
    """Of this image, by name."""

    beside: Mapping[str, LockedPackage]
    """Of other images on an equal base, by name: what two images share should be one version."""

    every: Mapping[Key, LockedPackage]
    """Both, by name and version."""


def previous(request: PinRequest) -> Previous:
    """Read the previous lock for one image."""
    base = request.image.base
    same = {image.name for image in request.previous.images if _equal(image.base, base)}
    packages = [
        package
        for package in request.previous.packages
        if package.ecosystem is Ecosystem.DEB and same.intersection(package.images)
    ]
    own = {package.name: package for package in packages if request.image.name in package.images}
    return Previous(
        own=own,
        beside={package.name: package for package in packages if package.name not in own},
        every={Key(package.name, package.version): package for package in packages},
    )


class Keeper:
    """Finds the control data of locked packages, also of those that the archive no longer lists."""

    def __init__(self, *, commands: Commands, vault: Vault) -> None:
        self._commands = commands
        self._vault = vault

    def vanished(
        self, locked: Iterable[LockedPackage], entries: Mapping[Key, Entry], *, progress: Progress
    ) -> Mapping[Key, Fields]:
        """The control data of what no index lists any more, read from the packages themselves.

        One that is neither in the vault nor at its origin is left out.
        """
        missing = [package for package in locked if Key(package.name, package.version) not in entries]
        found: dict[Key, Fields] = {}
        for package in missing:
            if self._obtain(package, progress):
                found[Key(package.name, package.version)] = self._read(package)
        return found

    def _obtain(self, package: LockedPackage, progress: Progress) -> bool:
        if self._vault.has(package.sha256):
            self._vault.verify(package.sha256)
            return True
        wanted = Fetch(url=package.origin, sha256=package.sha256, size_bytes=package.size_bytes, name=package.filename)
        try:
            self._vault.fetch([wanted], progress=progress)
        except (Gone, Unreachable):
            return False
        return True

    def _read(self, package: LockedPackage) -> Fields:
        done = self._commands.run(("dpkg-deb", "--field", str(self._vault.path(package.sha256))))
        fields = next(paragraphs(done.stdout.decode(errors="replace")), {})
        if told := contradicted_by(fields, package):
            raise Invalid(told, hint=EDITED)
        said = {name: value for name, value in fields.items() if name not in INDEX_FIELDS}
        return {
            **said,
            "Filename": f"./{package.filename}",
            "Size": str(package.size_bytes),
            "SHA256": package.sha256,
        }


def pinned(versions: Mapping[str, str]) -> str:
    """The preferences by which apt takes exactly these versions where it takes the packages at all."""
    return "".join(_preference(name, version) for name, version in sorted(versions.items()))


def siblings_pinned(kept: Collection[LockedPackage], versions: Mapping[str, str]) -> str:
    """The preferences by which new packages come in the version of the source that is locked already.

    Else a new ``libssl-dev`` in its newest version would force a kept ``libssl3`` to move. Sources of which a package
    moves say nothing.
    """
    moving = {package.source for package in kept if versions.get(package.name) != package.version}
    wanted = {(package.source, package.version) for package in kept if package.source not in moving}
    return "".join(_preference(f"src:{source}", version) for source, version in sorted(wanted))


def installed(controls: Mapping[Key, Fields]) -> str:
    """The status of a machine on which these are installed."""
    return "".join(written({**fields, "Status": "install ok installed"}) for _, fields in sorted(controls.items()))


def offered(controls: Mapping[Key, Fields]) -> str:
    """An index of packages that are to be had beside the archive's."""
    return "".join(written(fields) for _, fields in sorted(controls.items()))


def _equal(one: Base, other: Base) -> bool:
    return (one.distribution, one.release, one.architecture) == (other.distribution, other.release, other.architecture)


def passed_over(name: str) -> str:
    """The preference by which apt takes another package wherever this one is one of several that would do."""
    return _preference(name, "*", NEVER)


def _preference(name: str, version: str, priority: int = ABOVE_ALL) -> str:
    return f"Package: {name}\nPin: version {version}\nPin-Priority: {priority}\n\n"
