"""Advisories about what npm packages bring along within their own archives."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from repave.advisories.carriers import Carriers
from repave.model.finding import Finding, SourceStatus
from repave.model.lock import Ecosystem, Lock, LockedPackage
from repave.model.names import ImageName
from repave.ports.advisories import Advisories
from repave.ports.bundles import Bundled, Bundles
from repave.ports.errors import WorldError
from repave.ports.progress import Progress

TITLE = "what npm packages bundle"


class AdvisoriesBundled:
    """The advisories port over a source that knows packages: it is given those within others, too."""

    def __init__(self, source: Advisories, *, bundles: Bundles) -> None:
        self._source = source
        self._bundles = bundles

    def examine(self, lock: Lock, *, progress: Progress) -> tuple[tuple[Finding, ...], tuple[SourceStatus, ...]]:
        """What the source says of the lock and of what lies within its npm packages; see the port."""
        try:
            bundled = self._bundles.of(lock.packages, progress=progress)
        except WorldError as failure:
            findings, statuses = self._source.examine(lock, progress=progress)
            return findings, (*statuses, SourceStatus(name=TITLE, as_of=None, problem=failure.message))
        carriers = Carriers()
        brought = tuple(_brought(lock, bundled, carriers))
        findings, statuses = self._source.examine(
            replace(lock, packages=(*lock.packages, *brought)) if brought else lock, progress=progress
        )
        return carriers.named(findings), statuses


def _brought(
    lock: Lock, bundled: Mapping[LockedPackage, Sequence[Bundled]], carriers: Carriers
) -> Iterator[LockedPackage]:
    """Each package and version once, in the images that have it within another only."""
    own = {
        (package.name, package.version, image)
        for package in lock.packages
        if package.ecosystem is Ecosystem.NPM
        for image in package.images
    }
    images: dict[LockedPackage, set[ImageName]] = {}
    for carrier, inside in bundled.items():
        for one in inside:
            package = _package(one, carrier)
            for image in carrier.images:
                carriers.bring(carrier, package, image)
                if (package.name, package.version, image) not in own:
                    images.setdefault(package, set()).add(image)
    for package, names in images.items():
        yield replace(package, images=tuple(sorted(names)))


def _package(one: Bundled, carrier: LockedPackage) -> LockedPackage:
    return LockedPackage(
        ecosystem=Ecosystem.NPM,
        name=one.name,
        version=one.version,
        sha256="",
        size_bytes=0,
        origin="",
        filename="",
        layer=carrier.layer,
        images=(),
    )
