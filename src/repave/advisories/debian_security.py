"""Debian's and Ubuntu's security suites: a newer version there is a repair, and its changelog names the CVEs."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from repave.advisories.changelogs import reaches, repaired
from repave.advisories.kept_changelogs import KeptChangelogs
from repave.model.finding import Finding, SourceStatus
from repave.model.lock import Ecosystem, Lock, LockedPackage
from repave.model.names import ImageName
from repave.model.recipe import Base
from repave.ports.archive import Archive, Candidate
from repave.ports.errors import WorldError
from repave.ports.progress import Progress
from repave.ports.vault import Fetch, Vault

SHOWN_PROBLEMS = 3


@dataclass(frozen=True, kw_only=True)
class _Repair:
    """One locked package, and the candidate that repairs it."""

    package: LockedPackage
    candidate: Candidate
    images: tuple[ImageName, ...]


class DebianSecurityAdvisories:
    """The advisories port for Debian packages. It says nothing about other ecosystems."""

    def __init__(self, *, archive: Archive, vault: Vault, changelogs: KeptChangelogs) -> None:
        self._archive = archive
        self._vault = vault
        self._kept = changelogs

    def examine(self, lock: Lock, *, progress: Progress) -> tuple[tuple[Finding, ...], tuple[SourceStatus, ...]]:
        """Every locked Debian package that a security suite lists in a newer version; see the port.

        The suites are asked whether or not an image draws from them: one that does not is in no less danger.
        """
        findings: list[Finding] = []
        statuses: list[SourceStatus] = []
        with progress.task("Asking the security suites"):
            for base, images in _bases(lock).items():
                found, status = self._examine_base(lock, base, images, progress)
                findings.extend(found)
                statuses.append(status)
        return tuple(sorted(findings, key=lambda finding: (finding.package, finding.version))), tuple(statuses)

    def _examine_base(
        self, lock: Lock, base: Base, images: frozenset[ImageName], progress: Progress
    ) -> tuple[list[Finding], SourceStatus]:
        packages = [
            package
            for package in lock.packages
            if package.ecosystem is Ecosystem.DEB and images.intersection(package.images)
        ]
        suites = self._archive.security_suites(base)
        if base.image:
            return [], _status(f"the base {base.image}", None, ["what is inside it is not judged"])
        if not suites:
            name = f"{base.distribution} {base.release}"
            return [], _status(name, None, [f"no security suite is known for {name}"])
        name = f"{base.distribution} {', '.join(suites)}"
        try:
            view = self._archive.view(base, suites, sorted({package.name for package in packages}))
            repairs = list(self._repairs(packages, view.candidates, images))
        except WorldError as failure:
            return [], _status(name, None, [failure.message])
        changelogs, problems = self._changelogs(repairs, progress)
        problems += self._cut(repairs, changelogs)
        return [self._finding(repair, changelogs) for repair in repairs], _status(
            name, view.as_of, problems, covers=(Ecosystem.DEB,), remarks=view.remarks
        )

    def _repairs(
        self, packages: Iterable[LockedPackage], candidates: Mapping[str, Candidate], images: frozenset[ImageName]
    ) -> Iterator[_Repair]:
        for package in packages:
            candidate = candidates.get(package.name)
            if candidate is not None and self._archive.newer(candidate.version, package.version):
                concerned = tuple(sorted(images.intersection(package.images)))
                yield _Repair(package=package, candidate=candidate, images=concerned)

    def _changelogs(
        self, repairs: Iterable[_Repair], progress: Progress
    ) -> tuple[Mapping[tuple[str, str], str], list[str]]:
        """The changelogs by source and its version, and for which of them none could be read."""
        sources: dict[tuple[str, str], dict[str, Candidate]] = {}
        for repair in repairs:
            candidate = repair.candidate
            sources.setdefault((candidate.source, candidate.source_version), {})[candidate.name] = candidate
        self._fetch_first(sources.values(), progress)
        changelogs: dict[tuple[str, str], str] = {}
        problems: list[str] = []
        for (source, version), candidates in sorted(sources.items()):
            try:
                changelogs[source, version] = self._changelog(candidates, progress)
            except WorldError as failure:
                problems.append(f"which CVEs {source} {version} repairs is not known: {failure.message}")
                continue
            if not changelogs[source, version]:
                problems.append(f"which CVEs {source} {version} repairs is not known: its packages have no changelog")
        return changelogs, problems

    def _cut(self, repairs: Iterable[_Repair], changelogs: Mapping[tuple[str, str], str]) -> list[str]:
        """Of which repairs the changelog ends above what is locked."""
        cut = {
            f"which CVEs {source} {version} repairs is not wholly known: its changelog ends above {locked}"
            for repair in repairs
            for source, version in ((repair.candidate.source, repair.candidate.source_version),)
            for locked in (repair.package.source_version or repair.package.version,)
            if not reaches(changelogs.get((source, version), ""), locked, self._archive.newer)
        }
        return sorted(cut)

    def _fetch_first(self, sources: Iterable[Mapping[str, Candidate]], progress: Progress) -> None:
        """Bring the package of each source that is read first, all at once; who fails is asked again one by one."""
        try:
            self._vault.fetch([_fetch(_by_size(candidates)[0]) for candidates in sources], progress=progress)
        except WorldError:
            return

    def _changelog(self, candidates: Mapping[str, Candidate], progress: Progress) -> str:
        """Of the smallest package that carries one; a package may point to another's."""
        waiting = _by_size(candidates)
        while waiting:
            candidate = waiting.pop(0)
            self._vault.fetch([_fetch(candidate)], progress=progress)
            found = self._kept.of(self._vault.path(candidate.sha256), candidate.sha256, candidate.name)
            if found.changelog:
                return found.changelog
            waiting.sort(key=lambda other: other.name != found.elsewhere)
        return ""

    def _finding(self, repair: _Repair, changelogs: Mapping[tuple[str, str], str]) -> Finding:
        package, candidate = repair.package, repair.candidate
        return Finding(
            ecosystem=Ecosystem.DEB,
            package=package.name,
            source=candidate.source,
            version=package.version,
            fixed_version=candidate.version,
            fixed_in=candidate.suite,
            cves=repaired(
                changelogs.get((candidate.source, candidate.source_version), ""),
                # A rebuild (1.0-1+b1) has a version of its own; what changed stands under the source's.
                after=package.source_version or package.version,
                up_to=candidate.source_version,
                newer=self._archive.newer,
            ),
            images=repair.images,
        )


def _bases(lock: Lock) -> Mapping[Base, frozenset[ImageName]]:
    """The images by what their packages are judged by: suites do not matter here."""
    groups: dict[tuple[str, str, str, str | None, str], list[tuple[Base, ImageName]]] = {}
    for image in lock.images:
        base = image.base
        key = (base.image or base.distribution, base.release, base.architecture, base.mirror, base.keyring)
        groups.setdefault(key, []).append((base, image.name))
    return {members[0][0]: frozenset(name for _, name in members) for members in groups.values()}


def _by_size(candidates: Mapping[str, Candidate]) -> list[Candidate]:
    return sorted(candidates.values(), key=lambda candidate: (candidate.size_bytes, candidate.name))


def _fetch(candidate: Candidate) -> Fetch:
    return Fetch(
        url=candidate.url,
        sha256=candidate.sha256,
        size_bytes=candidate.size_bytes,
        name=f"{candidate.name} {candidate.version}",
    )


def _status(
    name: str,
    as_of: datetime | None,
    problems: list[str],
    *,
    covers: tuple[Ecosystem, ...] = (),
    remarks: tuple[str, ...] = (),
) -> SourceStatus:
    more = f"; and {len(problems) - SHOWN_PROBLEMS} more" if len(problems) > SHOWN_PROBLEMS else ""
    told = "; ".join(problems[:SHOWN_PROBLEMS]) + more
    return SourceStatus(name=name, as_of=as_of, problem=told, covers=covers, remarks=remarks)
