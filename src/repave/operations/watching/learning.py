"""All that is known of how fresh locks and fleets are: kept package lists against what is known of flaws now.

Nothing is booted, and no image is opened: each lock is the list of all that is in its images.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from repave.config.freshness import limits_of
from repave.config.lockfile import lock_digest
from repave.model.finding import Finding, FindingReport
from repave.model.lock import Ecosystem, Lock
from repave.model.names import Digest, EnvironmentName, FleetKey, ReleaseNumber
from repave.model.project import Project
from repave.model.release import Release
from repave.model.watch import Known, KnownFlaw, KnownLock, RunningFleet
from repave.operations.errors import Refused
from repave.operations.flaws import keep_flaws
from repave.operations.keys import fleets_of
from repave.operations.locking import Locking
from repave.operations.patch import Diagnosis
from repave.operations.repairs import apart
from repave.operations.scan import examine, gaps, uncovered
from repave.operations.urgency import names_of
from repave.operations.watching.proposals import proposals
from repave.planner.wishes import without_old_pause
from repave.ports.advisories import Advisories
from repave.ports.clock import Clock
from repave.ports.progress import Progress
from repave.ports.store import Store


@dataclass(frozen=True, kw_only=True)
class Learned:
    """What the decision is made of, and what a cure is."""

    known: Known
    lock: Lock
    """The present one."""

    diagnosis: Diagnosis


class Learning:
    """Asks the sources about each lock once."""

    def __init__(
        self, *, project: Project, locking: Locking, advisories: Iterable[Advisories], store: Store, clock: Clock
    ) -> None:
        self._project = project
        self._locking = locking
        self._advisories = tuple(advisories)
        self._store = store
        self._clock = clock
        self._reports: dict[Digest, FindingReport] = {}

    def learn(self, progress: Progress) -> Learned:
        """Raises Refused where there is no lock."""
        present = self._locking.locked.present()
        if present is None:
            raise Refused("there is nothing to keep fresh: no repave.lock", hint="`repave lock` makes it")
        digest, releases = lock_digest(present), self._store.releases()
        numbered = {release.number: release for release in releases}
        # Of what outlived its record nothing is known; it is replaced as whatever else is not wanted.
        running = {key: numbers for key in self._keys() if (numbers := self._numbers(key) & numbered.keys())}
        locks = {digest: present}
        for release in _reachable(releases, running.values()):
            if release.lock not in locks:
                locks[release.lock] = self._store.lock(release.lock)
        reports = {name: self._examine(name, lock, progress) for name, lock in locks.items()}
        known = Known(
            present=digest,
            locks={name: _judged(locks[name], report) for name, report in reports.items()},
            drift=self._locking.locked.drift(present),
            releases=tuple(_reachable(releases, running.values())),
            running=tuple(self._running(key, numbers, releases) for key, numbers in running.items()),
            fleets={name: fleet.image for name, fleet in self._project.fleets.items()},
            proposals=tuple(proposals(self._store)),
        )
        found = {key: [reports[numbered[number].lock] for number in sorted(all_)] for key, all_ in running.items()}
        compared = {numbered[number].lock for numbers in running.values() for number in numbers}
        flawed = (known.locks[name] for name in compared if known.locks[name].flaws)
        always = known.locks[digest].gaps.intersection(*(lock.gaps for lock in flawed))
        return Learned(known=known, lock=present, diagnosis=_diagnosis(present, reports[digest], found, always))

    def _keys(self) -> Iterator[FleetKey]:
        for name in self._project.pipeline:
            yield from fleets_of(self._project, self._project.environments[name])

    def _numbers(self, key: FleetKey) -> frozenset[ReleaseNumber]:
        """What the fleet is to run, and what lives there; nothing where nothing is wanted."""
        target = self._store.target(key)
        if target is None:
            return frozenset()
        living = self._store.lifetimes(key, living=True)
        return frozenset({target.release, *(lifetime.release for lifetime in living)})

    def _examine(self, digest: Digest, lock: Lock, progress: Progress) -> FindingReport:
        if digest not in self._reports:
            report = examine(lock, self._advisories, progress)
            keep_flaws(digest, report, self._store, self._clock, uncovered=uncovered(lock, report.sources))
            self._reports[digest] = report
        return self._reports[digest]

    def _running(self, key: FleetKey, numbers: frozenset[ReleaseNumber], releases: Iterable[Release]) -> RunningFleet:
        fleet, target, now = self._project.fleets[key.fleet], self._store.target(key), self._clock.now()
        environment = self._project.environments[key.environment]
        limits = limits_of(self._project, environment, fleet).fix_within
        due: dict[str, datetime] = {}
        for release in releases:
            artifact = release.artifacts.get(fleet.image)
            if release.number in numbers and artifact is not None:
                for flaw in self._store.flaws(artifact):
                    at = limits.due(flaw)
                    if at is not None:
                        due[flaw.advisory] = min(at, due.get(flaw.advisory, at))
        return RunningFleet(
            fleet=key,
            image=fleet.image,
            wanted=target.release if target else max(numbers),
            living=frozenset(lifetime.release for lifetime in self._store.lifetimes(key, living=True)),
            paused=target is not None and without_old_pause(target, now).paused,
            due=due,
        )


def _reachable(releases: Iterable[Release], running: Iterable[frozenset[ReleaseNumber]]) -> list[Release]:
    """Those that run, and all that are newer than the oldest of them; the newest where nothing runs."""
    known = list(releases)
    numbers = [number for one in running for number in one]
    oldest = min(numbers, default=known[-1].number if known else 0)
    return [release for release in known if release.number >= oldest]


def _judged(lock: Lock, report: FindingReport) -> KnownLock:
    return KnownLock(
        flaws=frozenset(_flaws(report.standing, lock)),
        unknown=tuple(f"{source.name}: {source.problem}" for source in report.unknown),
        unjudged=uncovered(lock, report.sources),
        gaps=gaps(lock, report.sources),
    )


def _flaws(findings: Iterable[Finding], lock: Lock) -> Iterator[KnownFlaw]:
    """Repairs are known of what is locked by itself, and of what a base brings: its tag may name another by now."""
    for finding in findings:
        own, _ = apart((finding,), lock)
        below = any(carrier.ecosystem is Ecosystem.OCI for carrier in finding.within)
        for name in names_of(finding):
            yield KnownFlaw(
                package=f"{finding.ecosystem}:{finding.package}",
                name=name,
                images=finding.images,
                repairable=below or bool(own and finding.fixed_version),
            )


def _diagnosis(
    lock: Lock, report: FindingReport, found: Mapping[FleetKey, Iterable[FindingReport]], always: frozenset[str]
) -> Diagnosis:
    running: dict[EnvironmentName, tuple[Finding, ...]] = {}
    sources = {source.name: source for source in report.sources}
    for key, reports in found.items():
        for one in reports:
            sources |= {source.name: source for source in one.unknown}
            if one.standing:
                running[key.environment] = (*running.get(key.environment, ()), *one.standing)
    ordered = sorted(sources.values(), key=lambda source: (not source.problem, source.name))
    return Diagnosis(lock=lock, report=report, running=tuple(running.items()), sources=tuple(ordered), gaps=always)
