"""From a lock and what its packages say to the inventory of one artifact."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime

from repave.attestations.sbom.debian_graph import debian_needs
from repave.attestations.sbom.inventory import Facts, Inventory, Part
from repave.attestations.sbom.purls import artifact_purl, purl
from repave.attestations.sbom.wheel_graph import PYTHON, environment, wheel_needs
from repave.model.lock import Ecosystem, LockedFile, LockedImage, LockedPackage
from repave.ports.errors import Invalid
from repave.ports.inventories import Made

FactsOf = Mapping[LockedPackage, Facts]


def inventory(made: Made, facts: FactsOf, *, version: str) -> Inventory:
    """All parts of the artifact; ``version`` is repave's. Raises Invalid when the lock does not hold the image."""
    image = locked_image(made)
    packages = {package: _with_licences(package, facts) for package in made.lock.packages_of(image.name)}
    references = _references(packages, image)
    needs = _needs(packages, references, image)
    parts = [_package(package, packages[package], references[package], needs) for package in packages]
    parts += [_file(file) for file in made.lock.files_of(image.name)]
    parts.sort(key=lambda part: part.reference)
    base = image.base
    return Inventory(
        name=made.name,
        kind=image.kind,
        digest=made.artifact.digest,
        purl=artifact_purl(made.name, made.artifact.digest, base.architecture),
        distribution=(base.distribution, base.release) if base.distribution else None,
        parts=tuple(parts),
        roots=roots(parts),
        as_of=datetime.fromtimestamp(max((fact.built_at for fact in packages.values()), default=0), UTC),
        version=version,
    )


def locked_image(made: Made) -> LockedImage:
    """What the lock says of the artifact's image."""
    for image in made.lock.images:
        if image.name == made.artifact.image:
            return image
    raise Invalid(f"the lock {made.lock_digest} does not hold the image {made.artifact.image}", hint="bake it again")


def roots(parts: Iterable[Part]) -> tuple[str, ...]:
    """The parts that no other needs; and of those that need each other in a ring, which nothing leads to, one."""
    needs = {part.reference: part.needs for part in parts}
    needed = {other for reference, others in needs.items() for other in others if other != reference}
    found = set(needs) - needed
    reached = _reached(found, needs)
    in_rings = []
    for reference in sorted(needs):
        if reference not in reached:
            in_rings.append(reference)
            reached |= _reached((reference,), needs)
    found.update(in_rings)
    for reference in in_rings:
        if reference in _reached(found - {reference}, needs):
            found.remove(reference)
    return tuple(sorted(found))


def _reached(start: Iterable[str], needs: Mapping[str, tuple[str, ...]]) -> set[str]:
    reached: set[str] = set()
    waiting = list(start)
    while waiting:
        if (here := waiting.pop()) not in reached:
            reached.add(here)
            waiting += needs[here]
    return reached


def _with_licences(package: LockedPackage, facts: FactsOf) -> Facts:
    """A package that points to another's documents has the licences that are found there."""
    own = facts[package]
    by_name = {other.name: found for other, found in facts.items() if other.ecosystem is package.ecosystem}
    seen, there = {package.name}, own
    while there.licences_of and there.licences_of not in seen:
        seen.add(there.licences_of)
        there = by_name.get(there.licences_of, Facts())
    return replace(own, licences=there.licences)


def _references(packages: FactsOf, image: LockedImage) -> Mapping[LockedPackage, str]:
    references: dict[LockedPackage, str] = {}
    for package in sorted(packages, key=lambda package: (package.ecosystem, package.name, package.filename)):
        address = purl(package, image)
        taken = address in references.values()
        references[package] = f"{address}#{package.filename}" if taken else address
    return references


def _needs(
    packages: FactsOf, references: Mapping[LockedPackage, str], image: LockedImage
) -> Mapping[str, tuple[str, ...]]:
    """By reference, the references of what each package needs."""
    debian = {package: facts for package, facts in packages.items() if package.ecosystem is Ecosystem.DEB}
    wheels = {package: facts for package, facts in packages.items() if package.ecosystem is Ecosystem.PYPI}
    by_name = {(package.ecosystem, package.name): reference for package, reference in references.items()}
    python = by_name.get((Ecosystem.DEB, PYTHON))
    found: dict[str, tuple[str, ...]] = {}
    for name, others in debian_needs(debian).items():
        found[by_name[Ecosystem.DEB, name]] = tuple(by_name[Ecosystem.DEB, other] for other in others)
    for name, others in wheel_needs(wheels, environment(debian, image.base.architecture)).items():
        needed = [by_name[Ecosystem.PYPI, other] for other in others]
        found[by_name[Ecosystem.PYPI, name]] = tuple([*needed, python] if python else needed)
    return {reference: tuple(sorted(set(others) - {reference})) for reference, others in found.items()}


def _package(package: LockedPackage, facts: Facts, reference: str, needs: Mapping[str, tuple[str, ...]]) -> Part:
    return Part(
        reference=reference,
        name=package.name,
        version="" if package.ecosystem is Ecosystem.URL else package.version,
        ecosystem=package.ecosystem,
        purl=reference.partition("#")[0],
        sha256=package.sha256,
        origin=package.origin,
        facts=facts,
        properties=tuple(_properties(package)),
        needs=needs.get(reference, ()),
    )


def _properties(package: LockedPackage) -> Iterator[tuple[str, str]]:
    said = {
        "filename": package.filename,
        "layer": package.layer.value,
        "reference": package.reference,
        "source": package.source,
        "source-version": package.source_version,
        "suite": package.suite,
    }
    return ((f"repave:{name}", value) for name, value in said.items() if value)


def _file(file: LockedFile) -> Part:
    return Part(
        reference=f"file:{file.target}",
        name=file.target,
        version="",
        ecosystem=None,
        sha256=file.sha256,
        properties=(("repave:mode", f"{file.mode:04o}"), ("repave:project-path", file.origin)),
    )
