"""Whether a product of a VEX statement is a locked package, or is an image that has it."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from packageurl import PackageURL

from repave.advisories.osv.orders import python_identity
from repave.advisories.osv.subjects import RELEASES
from repave.advisories.vex.statements import Product
from repave.model.lock import Ecosystem, Lock, LockedPackage
from repave.model.names import ImageName, ProjectName
from repave.model.recipe import Base

TYPES = {"deb": Ecosystem.DEB, "pypi": Ecosystem.PYPI, "npm": Ecosystem.NPM}
"""By the purl's type: whose packages a statement can be about."""

SCHEMES = {"deb": {"deb"}, "pypi": {"pypi"}, "npm": {"npm", "semver"}}
"""By the purl's type: in whose order a range of its versions may be written."""

RANGES_REMEMBERED = 4096


@dataclass(frozen=True, kw_only=True)
class Place:
    """One locked package in one image."""

    package: LockedPackage
    image: ImageName
    base: Base

    @property
    def key(self) -> tuple[Ecosystem, str, str, ImageName]:
        """Package, version and image."""
        return (self.package.ecosystem, self.package.name, self.package.version, self.image)


class Places:
    """Every locked package in every image, found by the names that a product may have."""

    def __init__(self, lock: Lock, project: ProjectName) -> None:
        self._project = project
        bases = {image.name: image.base for image in lock.images}
        self._by_name: dict[str, list[Place]] = {}
        self._by_image: dict[str, list[Place]] = {}
        for package in lock.packages:
            for image in package.images:
                place = Place(package=package, image=image, base=bases[image])
                self._by_image.setdefault(image, []).append(place)
                for name in {package.name, package.source} - {""}:
                    self._by_name.setdefault(name, []).append(place)

    def meant(self, product: Product) -> frozenset[tuple[Ecosystem, str, str, ImageName]]:
        """Package, version and image of all that the product, or a part of it, is."""
        if product.purl is not None and product.purl.type == "oci":
            image = self._image(product.purl)
            if not product.parts:
                return frozenset(place.key for place in self._by_image.get(image, ()))
            return frozenset(key for part in product.parts for key in self._packages(part) if key[-1] == image)
        found = self._packages(product)
        if not product.parts:
            return found
        # A package is no more than itself: its parts are it, or are not here.
        return found & frozenset(key for part in product.parts for key in self._packages(part))

    def _image(self, purl: PackageURL) -> str:
        """By its own name, or the one in its bill of materials; none where a digest is given.

        A digest means one artifact: what is only locked has none yet, and a later one may differ.
        """
        names = (image for image in self._by_image if purl.name in {image, f"{self._project}-{image}"})
        return "" if purl.version else next(names, "")

    def _packages(self, product: Product) -> frozenset[tuple[Ecosystem, str, str, ImageName]]:
        purl = product.purl
        if purl is None:
            return frozenset()
        name = f"{purl.namespace}/{purl.name}" if purl.type == "npm" and purl.namespace else purl.name
        return frozenset(place.key for place in self._by_name.get(name, ()) if _is_package(product, place))


def _is_package(product: Product, place: Place) -> bool:
    purl, package = product.purl, place.package
    if purl is None or TYPES.get(purl.type) is not package.ecosystem:
        return False
    version = _debian_version(purl, place) if package.ecosystem is Ecosystem.DEB else package.version
    return version is not None and _has_version(product, version)


def _debian_version(purl: PackageURL, place: Place) -> str | None:
    """Of the binary package or of its source, whichever is named; None when neither is."""
    package, base = place.package, place.base
    qualifiers = dict(purl.qualifiers)
    if purl.namespace != base.distribution or qualifiers.get("distro", base.release) not in _names_of(base):
        return None
    architecture = qualifiers.get("arch")
    if purl.name == package.name and architecture in {None, package.architecture}:
        return package.version
    if purl.name == (package.source or package.name) and architecture in {None, "source"}:
        return package.source_version or package.version
    return None


def _names_of(base: Base) -> set[str]:
    """What a release is called: ``bookworm``, ``debian-bookworm``, ``debian-12``."""
    number = RELEASES.get(base.distribution, {}).get(base.release, "").partition(":")[2]
    return {base.release, f"{base.distribution}-{base.release}", f"{base.distribution}-{number}"}


def _has_version(product: Product, version: str) -> bool:
    purl = product.purl
    if purl is None or (purl.version and not _same(purl.type, purl.version, version)):
        return False
    if product.versions is None:
        return True
    return any(
        _same(purl.type, one.version, version) if one.version else _in_range(purl.type, one.range, version)
        for one in product.versions
    )


def _same(kind: str, one: str, other: str) -> bool:
    identity: Callable[[str], str] = python_identity if kind == "pypi" else str
    return identity(one) == identity(other)


def range_problem(product: Product) -> str:
    """Why a range of versions cannot be judged; empty when it can, or when the product could not be locked."""
    kind = product.purl.type if product.purl else ""
    if kind not in SCHEMES:
        return ""
    for one in product.versions or ():
        if bool(one.version) == bool(one.range):
            return f"a version of {product.text} has exactly one of `version` and `range`"
        scheme = one.range.removeprefix("vers:").partition("/")[0]
        if one.range and scheme not in SCHEMES[kind]:
            return f"`{one.range}` is in no order of {kind}: write `vers:{kind}/...`"
        if one.range and _range(kind, one.range) is None:
            return f"`{one.range}` is no range of versions (https://github.com/package-url/vers-spec)"
    return ""


def _in_range(kind: str, text: str, version: str) -> bool:
    versions = _range(kind, text)
    if versions is None:
        return False
    try:
        return bool(versions.contains(versions.version_class(version)))
    except (ValueError, TypeError):
        return False


@lru_cache(RANGES_REMEMBERED)
def _range(kind: str, text: str) -> Any:  # noqa: ANN401 - the library's own type, which is untyped
    """None when it cannot be read."""
    from univers.version_range import VersionRange  # noqa: PLC0415 - 0.2 s that only who meets a range pays
    from univers.versions import InvalidVersion  # noqa: PLC0415 - the same

    constraints = text.removeprefix("vers:").partition("/")[2]
    try:
        return VersionRange.from_string(f"vers:{kind}/{constraints}")  # type: ignore[no-untyped-call] # the same
    except (ValueError, TypeError, InvalidVersion):
        return None
