"""One flaw is one finding, however many sources tell of it."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from repave.model.finding import Finding


def merged(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The findings of several sources, in the order of those sources, each flaw of each package once.

    What shares a name (its own, a CVE, or what others call it) is one flaw. Where a suite repairs it, that is the
    repair: it is there to be taken. A repair of a suite stays a finding of its own for the flaws that nobody else tells
    of.
    """
    told = list(findings)
    repairs = [one for one in told if _speaks_for_itself(one)]
    flaws = _flaws(one for one in told if not _speaks_for_itself(one))
    left = [rest for repair in repairs for rest in _untold(repair, flaws)]
    return (*left, *(_repaired(flaw, repairs) for flaw in flaws))


def _speaks_for_itself(finding: Finding) -> bool:
    """A suite's repair, of all that its changelog names."""
    return not finding.advisory


def _flaws(findings: Iterable[Finding]) -> list[Finding]:
    groups: list[list[Finding]] = []
    by_package: dict[tuple[str, ...], list[list[Finding]]] = {}
    for finding in findings:
        near = by_package.setdefault((finding.ecosystem, finding.package, finding.version), [])
        same = [group for group in near if any(_same_flaw(finding, other) for other in group)]
        if not same:
            group = [finding]
            near.append(group)
            groups.append(group)
            continue
        first, *others = same
        for other in others:
            first += other
            near.remove(other)
            groups.remove(other)
        first.append(finding)
    return [_one(group) for group in groups]


def _same_flaw(one: Finding, other: Finding) -> bool:
    return _share_images(one, other) and not _names(one).isdisjoint(_names(other))


def _names(finding: Finding) -> set[str]:
    return {finding.advisory, *finding.cves, *finding.aliases}


def _share_images(one: Finding, other: Finding) -> bool:
    return not set(one.images).isdisjoint(other.images)


def _one(group: Sequence[Finding]) -> Finding:
    """The first that is rated speaks; what it does not know, the others say."""
    if len(group) == 1:
        return group[0]
    told = sorted(group, key=lambda one: one.rating is None)
    repaired = next((one for one in told if one.fixed_version), told[0])
    cves = {cve for one in told for cve in one.cves}
    return replace(
        told[0],
        fixed_version=repaired.fixed_version,
        fixed_in=repaired.fixed_in,
        cves=tuple(sorted(cves)),
        aliases=tuple(sorted({name for one in told for name in _names(one)} - cves - {told[0].advisory})),
        images=tuple(sorted({image for one in told for image in one.images})),
        summary=next((one.summary for one in told if one.summary), ""),
        published=min((one.published for one in told if one.published), default=None),
        rating_problem=next((one.rating_problem for one in told if one.rating_problem), ""),
    )


def _of_one_package(one: Finding, other: Finding) -> bool:
    same = (one.ecosystem, one.package, one.version) == (other.ecosystem, other.package, other.version)
    return same and _share_images(one, other)


def _repaired(flaw: Finding, repairs: Iterable[Finding]) -> Finding:
    """By a suite that lists the repair."""
    for repair in repairs:
        if _of_one_package(flaw, repair) and not set(flaw.cves).isdisjoint(repair.cves):
            return replace(flaw, fixed_version=repair.fixed_version, fixed_in=repair.fixed_in)
    return flaw


def _untold(repair: Finding, flaws: Iterable[Finding]) -> list[Finding]:
    """The repair as far as nobody else tells what it repairs, in all its images."""
    told = {
        cve
        for flaw in flaws
        if _of_one_package(flaw, repair) and set(repair.images) <= set(flaw.images)
        for cve in flaw.cves
    }
    rest = tuple(cve for cve in repair.cves if cve not in told)
    return [replace(repair, cves=rest)] if rest or not repair.cves else []
