"""Which locked packages have known flaws, and who runs them."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace

from repave.config.lockfile import lock_digest
from repave.model.finding import Carrier, Dismissal, Finding, FindingReport, Rating, SourceStatus
from repave.model.lock import Ecosystem, Lock
from repave.model.names import EnvironmentName, ImageName, ReleaseNumber
from repave.operations.exposure import Bearer, Runners, bearer_of, locks_of_releases
from repave.operations.flaws import keep_flaws
from repave.operations.urgency import by_urgency, names_of
from repave.ports.advisories import Advisories
from repave.ports.clock import Clock
from repave.ports.progress import Progress
from repave.ports.store import Store

NAMED = {
    Ecosystem.DEB: ("Debian package", "Debian packages"),
    Ecosystem.PYPI: ("PyPI package", "PyPI packages"),
    Ecosystem.NPM: ("npm package", "npm packages"),
    Ecosystem.URL: ("file by its address", "files by their address"),
    Ecosystem.GIT: ("git repository", "git repositories"),
    Ecosystem.OCI: ("base image", "base images"),
}
"""As people call one and several of them."""

NEVER_JUDGED = frozenset({Ecosystem.URL})
"""Nobody names or versions them, so no advisory can speak of them."""


@dataclass(frozen=True, kw_only=True)
class Vulnerable:
    """One finding, and the living instances that run what it is about."""

    ecosystem: str
    package: str
    source: str
    version: str
    fixed_version: str
    fixed_in: str
    cves: tuple[str, ...]
    advisory: str
    """Its identifier in its database; empty where a repair speaks for itself."""

    aliases: tuple[str, ...]
    summary: str
    rating: Rating | None
    exploited: bool
    exploitation: float | None
    dismissed: Dismissal | None
    within: tuple[Carrier, ...]
    images: tuple[str, ...]
    environments: tuple[str, ...]
    instances: tuple[Bearer, ...]


@dataclass(frozen=True, kw_only=True)
class Scan:
    """What all sources said of one lock."""

    subject: str
    """``repave.lock``, or a release."""

    lock: Lock

    findings: tuple[Vulnerable, ...]
    """Those that nobody's word dismisses; what hurries first."""

    dismissed: tuple[Vulnerable, ...]
    cves: tuple[str, ...]
    """Of the findings that stand, those of what hurries first."""

    sources: tuple[SourceStatus, ...]
    unjudged: tuple[str, ...]
    """What no source covers, in words: it is neither clean nor vulnerable by this scan."""

    def within(self, environment: EnvironmentName) -> "Scan":
        """The same, of who runs it in one environment alone."""
        findings, dismissed = (
            tuple(_within(one, environment) for one in found) for found in (self.findings, self.dismissed)
        )
        return replace(self, findings=findings, dismissed=dismissed)

    @property
    def unknown(self) -> tuple[SourceStatus, ...]:
        """Sources that failed: while there is one, nothing is called clean."""
        return tuple(source for source in self.sources if source.problem)

    @property
    def blind(self) -> bool:
        """Whether something is not judged that could be, by a source that the file does not name."""
        return blind(self.lock, self.sources)

    @property
    def verdict(self) -> str:
        """``unknown``, ``vulnerable`` or ``clean``: clean is said of what was judged whole, and of nothing else."""
        if self.unknown or self.blind:
            return "unknown"
        return "vulnerable" if self.findings else "clean"


def examine(lock: Lock, advisories: Iterable[Advisories], progress: Progress) -> FindingReport:
    """Ask every source about one lock; what hurries stands first."""
    findings: list[Finding] = []
    sources: list[SourceStatus] = []
    for source in advisories:
        found, statuses = source.examine(lock, progress=progress)
        findings += found
        sources += statuses
    return FindingReport(findings=by_urgency(findings), sources=tuple(sources))


def scan(
    subject: str, lock: Lock, advisories: Iterable[Advisories], store: Store, clock: Clock, progress: Progress
) -> Scan:
    """Examine one lock, keep what is found of what was released from it, and look up who runs each finding."""
    report = examine(lock, advisories, progress)
    keep_flaws(lock_digest(lock), report, store, clock, uncovered=uncovered(lock, report.sources))
    running = _Running(store, lock)
    return Scan(
        subject=subject,
        lock=lock,
        findings=tuple(_vulnerable(finding, running) for finding in report.standing),
        dismissed=tuple(_vulnerable(finding, running) for finding in report.findings if finding.dismissed),
        cves=cves_of(report.standing),
        sources=report.sources,
        unjudged=unjudged(lock, report.sources),
    )


def cves_of(findings: Iterable[Finding]) -> tuple[str, ...]:
    """All identifiers, each once, those of what hurries first."""
    return tuple(dict.fromkeys(cve for finding in by_urgency(findings) for cve in finding.cves))


def flaws_of(findings: Iterable[Finding]) -> tuple[str, ...]:
    """All that they are about, each once, what hurries first."""
    return tuple(dict.fromkeys(name for finding in by_urgency(findings) for name in names_of(finding)))


def blind(lock: Lock, sources: Iterable[SourceStatus]) -> bool:
    """Whether something is not judged that another source could judge."""
    return bool(_unjudged(lock, sources) - NEVER_JUDGED)


def uncovered(lock: Lock, sources: Iterable[SourceStatus]) -> tuple[str, ...]:
    """What no source covers, in words, where another source could: what was not found may be there."""
    known = tuple(sources)
    return unjudged(lock, known) if blind(lock, known) else ()


def gaps(lock: Lock, sources: Iterable[SourceStatus]) -> frozenset[str]:
    """By name, sources that could not be read, and ecosystems of the lock that none covers where another could."""
    known = tuple(sources)
    return frozenset({source.name for source in known if source.problem} | (_unjudged(lock, known) - NEVER_JUDGED))


def _unjudged(lock: Lock, sources: Iterable[SourceStatus]) -> frozenset[Ecosystem]:
    """Those of the lock that no source covers."""
    covered = {ecosystem for source in sources for ecosystem in source.covers}
    return frozenset(package.ecosystem for package in lock.packages if package.ecosystem not in covered)


def unjudged(lock: Lock, sources: Iterable[SourceStatus]) -> tuple[str, ...]:
    """What no source covers: said each time, so that silence is never taken for clean."""
    ecosystems = _unjudged(lock, sources)
    # One base image is many blobs of one name.
    apart = {
        (package.ecosystem, package.name if package.ecosystem is Ecosystem.OCI else package)
        for package in lock.packages
    }
    counts = Counter(ecosystem for ecosystem, _ in apart if ecosystem in ecosystems)
    return tuple(
        f"{count} {NAMED[ecosystem][count > 1]} {'are' if count > 1 else 'is'} not judged: no source of advisories "
        f"that was read covers {'them' if count > 1 else 'it'}"
        for ecosystem, count in sorted(counts.items())
    )


class _Running:
    """Who runs a package: looked up once for all its flaws, of which a package may have hundreds."""

    def __init__(self, store: Store, lock: Lock) -> None:
        self._held = {(package.ecosystem, package.name, package.version) for package in lock.packages}
        self._living = store.lifetimes(living=True)
        self._runners = Runners(store)
        self._known: dict[tuple[str, str], tuple[Bearer, ...]] = {}
        numbers = {lifetime.release for lifetime in self._living}
        self._releases = {release.number: release for release in store.releases() if release.number in numbers}
        locks = locks_of_releases(store, numbers)
        self._images: dict[tuple[str, str], dict[ReleaseNumber, set[ImageName]]] = defaultdict(dict)
        """Of each package, by its name or its source, and version: in which images of which living release it is."""

        for release in self._releases.values():
            for package in locks[release.lock].packages:
                for name in {package.name, package.source}:
                    self._images[name, package.version].setdefault(release.number, set()).update(package.images)

    def of(self, finding: Finding) -> tuple[Bearer, ...]:
        """The living instances of what a finding is about; what others bring along runs where they do."""
        its_own = (finding.ecosystem, finding.package, finding.version) in self._held
        carriers = {(carrier.name, carrier.version) for carrier in finding.within}
        places = {(finding.package, finding.version)} if its_own else set()
        return tuple(dict.fromkeys(bearer for place in sorted(places | carriers) for bearer in self._bearers(*place)))

    def _bearers(self, package: str, version: str) -> tuple[Bearer, ...]:
        if (package, version) not in self._known:
            held = self._images.get((package, version), {})
            self._known[package, version] = tuple(
                bearer_of(one)
                for one in self._living
                if one.release in held
                and self._runners.runs(one.fleet, one.revision, self._releases[one.release], held[one.release])
            )
        return self._known[package, version]


def _vulnerable(finding: Finding, running: _Running) -> Vulnerable:
    living = running.of(finding)
    return Vulnerable(
        ecosystem=finding.ecosystem,
        package=finding.package,
        source=finding.source,
        version=finding.version,
        fixed_version=finding.fixed_version,
        fixed_in=finding.fixed_in,
        cves=finding.cves,
        advisory=finding.advisory,
        aliases=finding.aliases,
        summary=finding.summary,
        rating=finding.rating,
        exploited=finding.exploited,
        exploitation=finding.exploitation,
        dismissed=finding.dismissed,
        within=finding.within,
        images=finding.images,
        environments=tuple(sorted({bearer.environment for bearer in living})),
        instances=living,
    )


def _within(one: Vulnerable, environment: EnvironmentName) -> Vulnerable:
    living = tuple(bearer for bearer in one.instances if bearer.environment == environment)
    return replace(one, environments=(environment,) if living else (), instances=living)
