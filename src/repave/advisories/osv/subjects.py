"""From locked packages to what OSV calls them."""

from collections.abc import Iterator
from dataclasses import dataclass

from repave.advisories.osv.matching import Subject
from repave.advisories.osv.records import GIT
from repave.model.distributions import NUMBERS
from repave.model.lock import Ecosystem, Lock, LockedPackage
from repave.model.names import ImageName

LANGUAGES = {Ecosystem.PYPI: "PyPI", Ecosystem.NPM: "npm", Ecosystem.GIT: GIT}

RELEASES = {
    distribution: {release: f"{distribution.title()}:{number}" for release, number in numbers.items()}
    for distribution, numbers in NUMBERS.items()
}
"""OSV's names of distributions' releases, by our own; a release without one is covered by no record."""

PUBLISHED = frozenset({*LANGUAGES.values(), *(name for names in RELEASES.values() for name in names.values())})


@dataclass(frozen=True, kw_only=True)
class Question:
    """One locked package under one of the names it has for OSV."""

    package: LockedPackage
    images: tuple[ImageName, ...]
    """Those in which it has that name, sorted."""

    subject: Subject

    @property
    def published(self) -> bool:
        """Whether OSV has a name for its ecosystem and release: a server refuses to be asked about others."""
        return self.subject.ecosystem in PUBLISHED


def release_name(distribution: str, release: str) -> str:
    """What OSV calls a release of a distribution, or would: ``Debian:12``, ``Debian:sid``."""
    return RELEASES.get(distribution, {}).get(release, f"{distribution.title()}:{release}")


def questions(lock: Lock) -> Iterator[Question]:
    """Every locked package that OSV's format can speak of; a Debian package once for each release it is used on."""
    bases = {image.name: (image.base.distribution, image.base.release) for image in lock.images}
    for package in lock.packages:
        if package.linked_folder:
            continue  # the application's own: no record is about it, and its name is nobody's business
        if package.ecosystem in LANGUAGES:
            subject = Subject(ecosystem=LANGUAGES[package.ecosystem], name=package.name, version=package.version)
            yield Question(package=package, images=package.images, subject=subject)
        elif package.ecosystem is Ecosystem.DEB:
            for distribution, release in sorted({bases[name] for name in package.images if name in bases}):
                subject = Subject(
                    ecosystem=release_name(distribution, release),
                    # Distributions publish by source package; a rebuild (1.0-1+b1) has the source's flaws.
                    name=package.source or package.name,
                    version=package.source_version or package.version,
                )
                images = tuple(name for name in package.images if bases.get(name) == (distribution, release))
                yield Question(package=package, images=images, subject=subject)
