"""What each locked package of an image needs of the others, in each ecosystem by its own rules."""

from collections.abc import Mapping

from repave.attestations.sbom.debian_graph import debian_needs
from repave.attestations.sbom.inventory import Facts
from repave.attestations.sbom.npm import npm_needs
from repave.attestations.sbom.wheel_graph import environment, wheel_needs
from repave.model.lock import Ecosystem, LockedPackage

PYTHON = "python3"
FactsOf = Mapping[LockedPackage, Facts]


def locked_needs(
    packages: FactsOf, references: Mapping[LockedPackage, str], python: tuple[str, str], architecture: str
) -> Mapping[str, tuple[str, ...]]:
    """By reference, the references of what each package needs, sorted.

    ``python`` is the version of the Python in the image below, and the reference of what it is in; empty where there
    is none: then it is Debian's.
    """
    debian = {one.name: (one.version, facts) for one, facts in packages.items() if one.ecosystem is Ecosystem.DEB}
    wheels = {one.name: facts for one, facts in packages.items() if one.ecosystem is Ecosystem.PYPI}
    modules = {one: facts for one, facts in packages.items() if one.ecosystem is Ecosystem.NPM}
    by_name = {(package.ecosystem, package.name): reference for package, reference in references.items()}
    if PYTHON in debian:
        python = debian[PYTHON][0], by_name[Ecosystem.DEB, PYTHON]
    version, runs = python
    found: dict[str, tuple[str, ...]] = {}
    for name, others in debian_needs(debian).items():
        found[by_name[Ecosystem.DEB, name]] = tuple(by_name[Ecosystem.DEB, other] for other in others)
    for name, others in wheel_needs(wheels, environment(version, architecture)).items():
        needed = [by_name[Ecosystem.PYPI, other] for other in others]
        found[by_name[Ecosystem.PYPI, name]] = tuple([*needed, runs] if runs else needed)
    for module, needs in npm_needs(modules).items():
        found[references[module]] = tuple(references[other] for other in needs)
    return {reference: tuple(sorted(set(others) - {reference})) for reference, others in found.items()}
