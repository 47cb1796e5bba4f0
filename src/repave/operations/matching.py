"""All releases against all advisories: whole, or what one newly published flaw adds."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace

from repave.model.finding import Finding, FindingReport, SourceStatus
from repave.model.lock import Lock
from repave.model.names import Digest, ImageName
from repave.model.release import Release
from repave.operations.errors import Refused
from repave.operations.flaws import add_flaws, keep_flaws
from repave.operations.scan import examine, uncovered
from repave.operations.where import CVE
from repave.ports.advisories import Advisories, Searchable
from repave.ports.clock import Clock
from repave.ports.progress import Progress
from repave.ports.store import Store


@dataclass(frozen=True, kw_only=True)
class Matched:
    """One release, and what it was found to have."""

    release: str
    findings: tuple[Finding, ...]
    """Those that nobody's word dismisses; what hurries first."""


@dataclass(frozen=True, kw_only=True)
class Matching:
    """What was found of all releases."""

    releases: tuple[Matched, ...]
    """Oldest first; in a search for one flaw those that have it."""

    sources: tuple[SourceStatus, ...]
    uncovered: tuple[str, ...] = ()
    """What no source covers and one could, in words."""

    flaw: str | None = None
    """The one that was looked for, by its name in the records; None for all."""

    @property
    def unknown(self) -> tuple[SourceStatus, ...]:
        """Sources that failed."""
        return tuple(source for source in self.sources if source.problem)


def match_released(store: Store, advisories: Iterable[Advisories], clock: Clock, progress: Progress) -> Matching:
    """Examine the lock of every release, each once, and keep what is found."""
    sources = tuple(advisories)
    releases = store.releases()
    found: dict[str, FindingReport] = {}
    gaps: dict[str, None] = {}
    digests = dict.fromkeys(release.lock for release in releases)
    with progress.task("Examining what was released", total=len(digests), unit="locks") as task:
        for digest in digests:
            lock = store.lock(digest)
            found[digest] = examine(lock, sources, progress)
            unjudged = uncovered(lock, found[digest].sources)
            keep_flaws(digest, found[digest], store, clock, uncovered=unjudged)
            gaps.update(dict.fromkeys(unjudged))
            task.advance()
    return Matching(
        releases=tuple(Matched(release=str(one), findings=found[one.lock].standing) for one in releases),
        sources=_least(found.values()),
        uncovered=tuple(gaps),
    )


def match_flaw(flaw: str, store: Store, source: Searchable, clock: Clock, progress: Progress) -> Matching:
    """Examine what was released for one flaw alone, and keep what is found beside what is kept already.

    Only the packages that the source names are looked at, those that several releases share once. A CVE may be written
    in small letters. Raises Refused where the source cannot name them, or knows of no such flaw: what was not looked up
    is not called clean.
    """
    flaw = flaw.upper() if CVE.fullmatch(flaw) else flaw
    names = source.packages_of(flaw, progress=progress)
    if names is None:
        raise Refused(
            f"which packages {flaw} is about cannot be told beforehand",
            hint="`repave scan --released` examines all that was released",
        )
    if not names:
        raise Refused(f"no record that is here has the name {flaw}", hint="`repave scan --released` asks every source")
    held: dict[Lock, list[Release]] = {}
    with store.of_one_moment():
        parts, known = store.parts(names), store.releases()
    for release in known:
        if release.lock in parts:
            held.setdefault(parts[release.lock], []).append(release)
    reports = {part: _about(flaw, examine(part, (source,), progress)) for part in held}
    found = (about for part, releases in held.items() for about in _by_image(releases, reports[part]))
    add_flaws(found, store, clock.now())
    standing = {one.number: (one, reports[part].standing) for part, releases in held.items() for one in releases}
    return Matching(
        releases=tuple(
            Matched(release=str(release), findings=found) for _, (release, found) in sorted(standing.items()) if found
        ),
        sources=_least(reports.values()),
        flaw=flaw,
    )


def _by_image(
    releases: Iterable[Release], report: FindingReport
) -> Iterator[tuple[ImageName, Collection[Digest], FindingReport]]:
    """The artifacts of each image that something was found of."""
    artifacts: dict[ImageName, list[Digest]] = {}
    for release in releases:
        for image, artifact in release.artifacts.items():
            artifacts.setdefault(image, []).append(artifact)
    for image, made in artifacts.items():
        if any(image in finding.images for finding in report.findings):
            yield image, made, report


def _about(flaw: str, report: FindingReport) -> FindingReport:
    return replace(report, findings=tuple(finding for finding in report.findings if flaw in finding.names))


def _least(reports: Iterable[FindingReport]) -> tuple[SourceStatus, ...]:
    """Each source as it was where it said least."""
    told: dict[str, SourceStatus] = {}
    for source in (source for report in reports for source in report.sources):
        if source.name not in told or source.problem:
            told[source.name] = source
    return tuple(told.values())
