"""From findings to the repairs that a new lock is to take."""

from collections.abc import Iterable

from packaging.version import InvalidVersion, Version

from repave.model.finding import Finding
from repave.model.lock import Ecosystem
from repave.model.names import ImageName
from repave.ports.pinner import Repair


def repairs_of(findings: Iterable[Finding]) -> tuple[Repair, ...]:
    """Of wheels: for each package the versions that repair its flaws, the highest first.

    Packages stand in the order of the findings. Repairs of Debian packages are those of the security suites, and those
    need no asking for.
    """
    versions: dict[str, dict[Version, str]] = {}
    images: dict[str, set[ImageName]] = {}
    for finding in findings:
        if finding.ecosystem is not Ecosystem.PYPI or not finding.fixed_version:
            continue
        try:
            version = Version(finding.fixed_version)
        except InvalidVersion:  # a database's slip: nothing could be required by it
            continue
        versions.setdefault(finding.package, {})[version] = finding.fixed_version
        images.setdefault(finding.package, set()).update(finding.images)
    return tuple(
        Repair(
            ecosystem=Ecosystem.PYPI,
            name=name,
            versions=tuple(text for _, text in sorted(told.items(), reverse=True)),
            images=tuple(sorted(images[name])),
        )
        for name, told in versions.items()
    )
