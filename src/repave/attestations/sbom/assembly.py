"""From a lock and what its packages say to the inventory of one artifact."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime

from repave.archives.base_images import MANIFEST
from repave.attestations.sbom.inventory import Bundled, Contents, Facts, Inventory, Part, PartKind
from repave.attestations.sbom.needs import FactsOf, locked_needs
from repave.attestations.sbom.npm import sha512
from repave.attestations.sbom.parts_below import parts_below
from repave.attestations.sbom.purls import artifact_purl, bundled_purl, purl
from repave.attestations.sbom.roots import roots
from repave.model.distributions import NUMBERS
from repave.model.lock import Ecosystem, LockedFile, LockedImage, LockedPackage
from repave.ports.errors import Invalid
from repave.ports.inventories import Made


def inventory(made: Made, facts: FactsOf, below: Contents | None, *, version: str) -> Inventory:
    """All parts of the artifact; ``version`` is repave's. Raises Invalid when the lock does not hold the image.

    ``facts`` are those of the image's packages, ``below`` what the image below it holds, where there is one.
    """
    image = locked_image(made)
    packages = {package: _with_licences(package, facts) for package in facts if package.ecosystem is not Ecosystem.OCI}
    references = _references(packages, image)
    base = None if below is None else _base(facts)
    python = (below.python, purl(base, image)) if below and base and below.python else ("", "")
    needs = locked_needs(packages, references, python, image.base.architecture)
    parts = [_package(package, packages[package], references[package], needs) for package in packages]
    parts += [part for package in packages for part in _bundled(packages[package], references[package])]
    parts += [_file(file) for file in made.lock.files_of(image.name)]
    built = [fact.built_at for fact in packages.values()]
    if below is not None and base is not None:
        parts += parts_below(base, purl(base, image), below, image.base.architecture)
    parts.sort(key=lambda part: part.reference)
    return Inventory(
        name=made.name,
        kind=image.kind,
        digest=made.artifact.digest,
        purl=artifact_purl(made.name, made.artifact.digest, image.base.architecture),
        distribution=_distribution(image, below),
        parts=tuple(parts),
        roots=roots(parts),
        as_of=datetime.fromtimestamp(max([0 if below is None else below.built_at, *built]), UTC),
        version=version,
    )


def _base(facts: FactsOf) -> LockedPackage:
    """What stands for the whole of the image below: its manifest."""
    return next(package for package in facts if (package.ecosystem, package.filename) == (Ecosystem.OCI, MANIFEST))


def _distribution(image: LockedImage, below: Contents | None) -> tuple[str, str] | None:
    name, release = image.base.distribution, image.base.release
    if name:
        return name, NUMBERS.get(name, {}).get(release, release)
    return below.distribution[:2] if below is not None and below.distribution is not None else None


def locked_image(made: Made) -> LockedImage:
    """What the lock says of the artifact's image."""
    for image in made.lock.images:
        if image.name == made.artifact.image:
            return image
    raise Invalid(f"the lock {made.lock_digest} does not hold the image {made.artifact.image}", hint="bake it again")


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


def _package(package: LockedPackage, facts: Facts, reference: str, needs: Mapping[str, tuple[str, ...]]) -> Part:
    return Part(
        reference=reference,
        name=package.name,
        version="" if package.ecosystem is Ecosystem.URL else package.version,
        kind=PartKind.PACKAGE,
        purl=reference.partition("#")[0],
        sha256=package.sha256,
        sha512=sha512(package.integrity),
        origin="" if package.project_path else package.origin,
        facts=facts,
        properties=tuple(_properties(package)),
        needs=tuple(sorted({*needs.get(reference, ()), *(_reference(one, reference) for one in facts.bundled)})),
    )


def _bundled(facts: Facts, within: str) -> Iterator[Part]:
    """What the archive of a package brings along."""
    for one in facts.bundled:
        yield Part(
            reference=_reference(one, within),
            name=one.name,
            version=one.version,
            kind=PartKind.PACKAGE,
            purl=bundled_purl(one),
            facts=Facts(licences=one.licences),
            properties=(("repave:bundled-in", within), ("repave:path", one.path)),
        )


def _reference(bundled: Bundled, within: str) -> str:
    return f"{within}#{bundled.path}"


def _properties(package: LockedPackage) -> Iterator[tuple[str, str]]:
    said = {
        "filename": package.filename,
        "project-path": package.project_path,
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
        kind=PartKind.FILE,
        sha256=file.sha256,
        properties=(("repave:mode", f"{file.mode:04o}"), ("repave:project-path", file.origin)),
    )
