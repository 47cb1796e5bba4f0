"""Advisories about what images of registries, below ours, hold: by what their package managers wrote down."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from repave.advisories.carriers import Carriers
from repave.model.distributions import NUMBERS
from repave.model.finding import Finding, SourceStatus
from repave.model.lock import Ecosystem, Layer, Lock, LockedImage, LockedPackage
from repave.model.names import ImageName
from repave.model.recipe import Base
from repave.ports.advisories import Advisories
from repave.ports.bases import Bases, Held, Inside
from repave.ports.errors import WorldError
from repave.ports.progress import Progress

JUDGED = {"deb": Ecosystem.DEB, "pypi": Ecosystem.PYPI}
"""By the names that package URLs have."""


class AdvisoriesBelow:
    """The advisories port over a source that knows packages: it is given those of the bases, too."""

    def __init__(self, source: Advisories, *, bases: Bases) -> None:
        self._source = source
        self._bases = bases

    def examine(self, lock: Lock, *, progress: Progress) -> tuple[tuple[Finding, ...], tuple[SourceStatus, ...]]:
        """What the source says of the lock and of what lies below; see the port.

        A base of which nothing can be told, or not all, stays in the lock as it is: the source says what it says then.
        """
        if not any(image.base.image for image in lock.images):
            return self._source.examine(lock, progress=progress)
        grown = _Grown()
        for image in lock.images:
            packages = lock.packages_of(image.name)
            grown.add(image, packages, self._inside(image, packages, grown, progress))
        findings, statuses = self._source.examine(grown.lock(lock), progress=progress)
        return grown.carriers.named(findings), (*statuses, *grown.statuses)

    def _inside(
        self, image: LockedImage, packages: Iterable[LockedPackage], grown: "_Grown", progress: Progress
    ) -> Inside | None:
        if not image.base.image:
            return None
        try:
            return self._bases.of(packages, progress=progress)
        except WorldError as failure:
            grown.statuses.append(SourceStatus(name=_title(image), as_of=None, problem=failure.message))
            return None


@dataclass
class _Grown:
    """A lock with what lies below its images."""

    statuses: list[SourceStatus] = field(default_factory=list)
    images: list[LockedImage] = field(default_factory=list)
    packages: dict[LockedPackage, set[ImageName]] = field(default_factory=dict)
    carriers: Carriers = field(default_factory=Carriers)

    def add(self, image: LockedImage, packages: Sequence[LockedPackage], inside: Inside | None) -> None:
        """One image, its locked packages, and what its base says."""
        base = None if inside is None else _distribution(image.base, inside)
        if inside is None or base is None:
            self._take(image, packages)
            return
        held = tuple(_package(one, image, JUDGED[one.ecosystem]) for one in inside.packages if one.ecosystem in JUDGED)
        below = [package for package in packages if package.ecosystem is Ecosystem.OCI]
        kept = [package for package in packages if package.ecosystem is not Ecosystem.OCI]
        for brought in held:
            self.carriers.bring(below[0], brought, image.name)
        self._take(replace(image, base=base), (*kept, *held))
        remark = f"{len(held)} packages by its own records are judged; what lies beside them is not"
        known = {status.name for status in self.statuses}
        if _title(image) not in known:
            covers = (Ecosystem.OCI,)
            self.statuses.append(SourceStatus(name=_title(image), as_of=None, covers=covers, remarks=(remark,)))

    def lock(self, lock: Lock) -> Lock:
        """What the source is asked about."""
        packages = (replace(package, images=tuple(sorted(names))) for package, names in self.packages.items())
        return replace(lock, images=tuple(self.images), packages=tuple(packages))

    def _take(self, image: LockedImage, packages: Iterable[LockedPackage]) -> None:
        self.images.append(image)
        for package in packages:
            self.packages.setdefault(replace(package, images=()), set()).add(image.name)


def _distribution(base: Base, inside: Inside) -> Base | None:
    """The distribution that an image is of; None where its packages cannot be judged, or not all."""
    if inside.distribution is None or any(one.ecosystem not in JUDGED for one in inside.packages):
        return None
    name, number, codename = inside.distribution
    numbers = NUMBERS.get(name)
    if numbers is None or not inside.packages:
        return None
    release = codename or next((known for known, said in numbers.items() if said == number), "")
    if not release:
        return None
    return Base(distribution=name, release=release, suites=(release,), architecture=base.architecture)


def _package(one: Held, image: LockedImage, ecosystem: Ecosystem) -> LockedPackage:
    return LockedPackage(
        ecosystem=ecosystem,
        name=one.name,
        version=one.version,
        sha256="",
        size_bytes=0,
        origin=image.base.image,
        filename="",
        layer=Layer.BASE,
        images=(image.name,),
        architecture=one.architecture,
        source=one.source,
        source_version=one.source_version,
    )


def _title(image: LockedImage) -> str:
    return f"the base {image.base.image}"
