"""The mission in one command: find what is vulnerable, re-lock just that, bake, roll out everywhere, prove it."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from repave.config.difference import LockDifference
from repave.model.finding import Finding, FindingReport, SourceStatus
from repave.model.lock import Ecosystem, Lock
from repave.model.names import Digest, EnvironmentName, ImageName, ReleaseNumber
from repave.model.project import Environment, Project
from repave.model.release import Release
from repave.operations.errors import Refused
from repave.operations.flaws import keep_flaws
from repave.operations.keys import fleets_of
from repave.operations.locking import Asked, Locking, Proposal
from repave.operations.releases import title
from repave.operations.repairs import repairs_of
from repave.operations.scan import cves_of, examine, flaws_of, gaps, uncovered
from repave.operations.urgency import names_of
from repave.ports.advisories import Advisories
from repave.ports.clock import Clock
from repave.ports.pinner import Held, Refresh
from repave.ports.progress import Progress
from repave.ports.store import Store


@dataclass(frozen=True, kw_only=True)
class Diagnosis:
    """What is vulnerable: in the lock, and in what runs."""

    lock: Lock
    report: FindingReport
    """Of the present lock."""

    running: tuple[tuple[EnvironmentName, tuple[Finding, ...]], ...]
    """In pipeline order, the environments that are to run, or still run, releases with findings, and those."""

    sources: tuple[SourceStatus, ...]
    """All that were asked, those that failed first."""

    gaps: frozenset[str] = frozenset()
    """By name, sources and ecosystems of which nothing is known in any lock that has findings, nor in the present."""

    @property
    def affected(self) -> tuple[EnvironmentName, ...]:
        """Where something vulnerable is to run, or still runs."""
        return tuple(name for name, _ in self.running)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Of the lock and of all that runs."""
        return (*self.report.standing, *(finding for _, found in self.running for finding in found))

    @property
    def unknown(self) -> tuple[SourceStatus, ...]:
        """Sources that could not be read."""
        return tuple(source for source in self.sources if source.problem)

    @property
    def clean(self) -> bool:
        """Whether nothing was found; says nothing about what could not be read."""
        return not self.report.standing and not self.affected


@dataclass(frozen=True, kw_only=True)
class Cure:
    """A new lock, and what it closes."""

    proposal: Proposal
    difference: LockDifference
    cves_before: tuple[str, ...]
    cves_closed: tuple[str, ...]
    closed: tuple[str, ...]
    """All that is closed, by CVE, or by advisory where there is none; what hurries first."""

    remaining: tuple[Finding, ...]
    """What the new lock still holds: no repair could be taken."""

    rolls: tuple[EnvironmentName, ...]
    """In pipeline order, the environments that get rid of something by it, as far as is known."""

    held: Mapping[ImageName, tuple[Held, ...]]
    """By image, repairs that ranges do not admit, each with its place."""

    hidden: tuple[str, ...] = ()
    """What could not be read or judged of the new lock, in words, where it could be of an old one: while there is
    anything, nothing counts as closed."""

    @property
    def rewritten(self) -> tuple[str, ...]:
        """The locks of other tools that change with it, by their paths."""
        return tuple(one.path for one in self.proposal.rewritten)

    @property
    def idle(self) -> bool:
        """Whether it changes nothing anywhere."""
        return not self.proposal.changed and not self.rolls


@dataclass(frozen=True, kw_only=True)
class Proof:
    """What is known of every living instance, after it."""

    instances: int
    """Living ones, in all environments."""

    clean: int
    """Of those, how many run a release whose lock has no finding."""

    holding: tuple[str, ...]
    """Those that do not, in words."""

    closed_still_running: tuple[str, ...]
    """What this patch closed in the lock and a living instance still holds: empty when it worked."""

    unknown: tuple[SourceStatus, ...]
    hidden: tuple[str, ...] = ()
    """Why it is not known what was to be closed, or what runs."""

    @property
    def known(self) -> bool:
        """Whether it is known of all that runs, and what was to be closed."""
        return not self.unknown and not self.hidden

    @property
    def holds(self) -> bool:
        """Whether no living instance holds anything that was to be closed, and that is known."""
        return not self.closed_still_running and self.known


class Patching:
    """Cures one project."""

    def __init__(
        self,
        *,
        project: Project,
        locking: Locking,
        advisories: Iterable[Advisories],
        store: Store,
        clock: Clock,
        place: Callable[[tuple[str | int, ...]], str] = lambda _: "",
    ) -> None:
        """``place`` says where something stands in the file, as ``FILE:LINE:COLUMN``."""
        self._project = project
        self._locking = locking
        self._advisories = tuple(advisories)
        self._store = store
        self._clock = clock
        self._place = place
        self._examined: dict[Digest, FindingReport] = {}

    def diagnose(self, progress: Progress) -> Diagnosis:
        """Examine the present lock and every lock behind what runs. Raises Refused without a lock."""
        lock = self._locking.locked.present()
        if lock is None:
            raise Refused("there is nothing to patch: no repave.lock", hint="`repave lock` makes it")
        changed = self._locking.locked.file_drift(lock)
        if changed:
            raise Refused(
                f"the application has changed since it was locked: {'; '.join(changed[:3])}",
                hint="a patch changes packages only: `repave lock`, `repave bake` and deploy that first",
            )
        report = examine(lock, self._advisories, progress)
        sources = {source.name: source for source in report.sources}
        always = gaps(lock, report.sources)
        running = []
        for environment in self._pipeline():
            found: list[Finding] = []
            for release in self._running(environment):
                examined = self._examine(release, progress)
                found += examined.standing
                sources |= {source.name: source for source in examined.sources if source.problem}
                if examined.standing:
                    always &= gaps(self._store.lock(release.lock), examined.sources)
            if found:
                running.append((environment.name, tuple(found)))
        ordered = sorted(sources.values(), key=lambda source: (not source.problem, source.name))
        return Diagnosis(lock=lock, report=report, running=tuple(running), sources=tuple(ordered), gaps=always)

    def cure(self, diagnosis: Diagnosis, progress: Progress) -> Cure:
        """Re-lock only what the security suites repair, and wheels, npm packages and base images that have flaws.

        Writes nothing. Raises Refused when repairs exist and the file's suites lack the one that holds them. What
        ranges do not admit is told in the cure.
        """
        standing = diagnosis.report.standing
        self._refuse_missing_suites(standing)
        proposal = self._locking.propose(
            Asked(refresh=Refresh.REPAIRS, repairs=repairs_of(standing, diagnosis.lock)), progress
        )
        after = examine(proposal.lock, self._advisories, progress) if proposal.changed else diagnosis.report
        hidden = _hidden(diagnosis, proposal.lock, after)
        found = () if hidden else diagnosis.findings
        cves, flaws = cves_of(after.standing), flaws_of(after.standing)
        return Cure(
            proposal=proposal,
            difference=proposal.difference,
            cves_before=cves_of(diagnosis.findings),
            cves_closed=tuple(cve for cve in cves_of(found) if cve not in cves),
            closed=tuple(flaw for flaw in flaws_of(found) if flaw not in flaws),
            remaining=after.standing,
            rolls=tuple(name for name, found in diagnosis.running if _held_by(found) - _held_by(after.standing)),
            held={name: tuple(map(self._placed, held)) for name, held in proposal.held.items()},
            hidden=hidden,
        )

    def prove(self, cure: Cure, progress: Progress) -> Proof:
        """By observation: every living instance, the release it runs, and what that release's lock holds."""
        self._examined.clear()
        releases = {release.number: release for release in self._store.releases()}
        holding: list[str] = []
        unrecorded: list[str] = []
        still: set[str] = set()
        unknown: dict[str, SourceStatus] = {}
        clean = total = 0
        for lifetime in self._store.lifetimes(living=True):
            total += 1
            if lifetime.release not in releases:
                number = f"r{lifetime.release}, of which no record is here"
                unrecorded.append(f"{lifetime.fleet.environment}/{lifetime.slot} runs {number}")
                continue
            report = self._examine(releases[lifetime.release], progress)
            unknown |= {source.name: source for source in report.unknown}
            if not report.standing:
                clean += 1
                continue
            where = f"{lifetime.fleet.environment}/{lifetime.slot} runs {title(lifetime.release)}"
            packages = sorted({f"{finding.package} {finding.version}" for finding in report.standing})
            holding.append(f"{where} with {', '.join(packages)}")
            still |= set(flaws_of(report.standing)) & set(cure.closed)
        return Proof(
            instances=total,
            clean=clean,
            holding=(*holding, *unrecorded),
            closed_still_running=tuple(sorted(still)),
            unknown=tuple(unknown.values()),
            hidden=(*cure.hidden, *unrecorded),
        )

    def _pipeline(self) -> list[Environment]:
        return [self._project.environments[name] for name in self._project.pipeline]

    def _running(self, environment: Environment) -> list[Release]:
        """What an environment's fleets want, and what their living instances run."""
        numbers: set[ReleaseNumber] = set()
        for key in fleets_of(self._project, environment):
            target = self._store.target(key)
            if target is None:
                continue
            numbers.add(target.release)
            numbers |= {lifetime.release for lifetime in self._store.lifetimes(key, living=True)}
        return [release for release in self._store.releases() if release.number in numbers]

    def _examine(self, release: Release, progress: Progress) -> FindingReport:
        if release.lock not in self._examined:
            lock = self._store.lock(release.lock)
            report = examine(lock, self._advisories, progress)
            self._examined[release.lock] = report
            keep_flaws(release.lock, report, self._store, self._clock, uncovered=uncovered(lock, report.sources))
        return self._examined[release.lock]

    def _placed(self, held: Held) -> Held:
        return replace(held, place=self._place(held.recipe)) if held.recipe else held

    def _refuse_missing_suites(self, findings: Iterable[Finding]) -> None:
        for finding in findings:
            for name in finding.images:
                image = self._project.images.get(name)
                suite = finding.fixed_in if finding.ecosystem is Ecosystem.DEB else ""
                if image and suite and not image.base.image and suite not in image.base.suites:
                    suites = ", ".join((*image.base.suites, suite))
                    raise Refused(
                        f"{finding.package} {finding.version} of image `{name}` is repaired by {finding.fixed_version} "
                        f"in {suite}, from which the image may take nothing",
                        hint=f"write `suites: [{suites}]` in the base of image `{name}`, then `repave patch` again",
                    )


def _hidden(diagnosis: Diagnosis, lock: Lock, report: FindingReport) -> tuple[str, ...]:
    """In words, what is not known of the new lock and is known of one before it."""
    if gaps(lock, report.sources) <= diagnosis.gaps:
        return ()
    return (*(f"{source.name}: {source.problem}" for source in report.unknown), *uncovered(lock, report.sources))


def _held_by(findings: Iterable[Finding]) -> set[tuple[str, str, str]]:
    """Which package has which flaw."""
    return {(finding.ecosystem, finding.package, name) for finding in findings for name in names_of(finding)}
