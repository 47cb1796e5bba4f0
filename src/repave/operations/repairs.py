"""From findings to the repairs that a new lock is to take."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from packaging.version import Version

from repave.model.finding import Finding
from repave.model.lock import Ecosystem, Lock
from repave.model.names import ImageName
from repave.ports.pinner import Repair


def repairs_of(findings: Iterable[Finding], lock: Lock) -> tuple[Repair, ...]:
    """Of wheels, npm packages and images of registries: what is to move for the findings to be gone.

    For each package the versions that repair its flaws stand with the highest first; packages stand in the order of the
    findings. Repairs of Debian packages are those of the security suites, and those need no asking for.
    """
    told = tuple(findings)
    own, _ = apart(told, lock)
    wheels = (finding for finding in own if finding.ecosystem is Ecosystem.PYPI)
    of_npm = (finding for finding in own if finding.ecosystem is Ecosystem.NPM)
    return (*_moves(wheels, Version), *_moves(of_npm, _semantic), *_bases(told, lock))


def apart(findings: Iterable[Finding], lock: Lock) -> tuple[list[Finding], list[Finding]]:
    """Those about what is locked by itself, and those about what other packages bring along."""
    locked = {(package.ecosystem, package.name, package.version) for package in lock.packages}
    own: list[Finding] = []
    brought: list[Finding] = []
    for finding in findings:
        its_own = (finding.ecosystem, finding.package, finding.version) in locked
        (own if its_own else brought).append(finding)
    return own, brought


def _moves(findings: Iterable[Finding], read: Callable[[str], Any]) -> Iterator[Repair]:
    versions: dict[tuple[Ecosystem, str, str], dict[Any, str]] = {}
    images: dict[tuple[Ecosystem, str, str], set[ImageName]] = {}
    for finding in findings:
        if not finding.fixed_version:
            continue
        try:
            version = read(finding.fixed_version)
        except ValueError:  # a database's slip: nothing could be required by it
            continue
        beside_others = finding.ecosystem is Ecosystem.NPM
        package = (finding.ecosystem, finding.package, finding.version if beside_others else "")
        versions.setdefault(package, {})[version] = finding.fixed_version
        images.setdefault(package, set()).update(finding.images)
    for (ecosystem, name, locked), told in versions.items():
        yield Repair(
            ecosystem=ecosystem,
            name=name,
            versions=tuple(text for _, text in sorted(told.items(), reverse=True)),
            images=tuple(sorted(images[ecosystem, name, locked])),
            locked=locked,
        )


def _semantic(text: str) -> Any:  # noqa: ANN401 - whatever orders as npm's versions do
    from semantic_version import Version as Semantic  # noqa: PLC0415 - few locks have flawed npm packages

    return Semantic(text)


def _bases(findings: Iterable[Finding], lock: Lock) -> Iterator[Repair]:
    """A base with flaws is to be what its tag names now, whether that is known to repair them or not."""
    flawed = {(carrier.name, image) for finding in findings for carrier in finding.within for image in finding.images}
    bases: dict[str, set[ImageName]] = {}
    for package in lock.packages:
        images = {image for image in package.images if (package.name, image) in flawed}
        if package.ecosystem is Ecosystem.OCI and images:
            bases.setdefault(package.name, set()).update(images)
    for name, images in sorted(bases.items()):
        yield Repair(ecosystem=Ecosystem.OCI, name=name, versions=(), images=tuple(sorted(images)))
