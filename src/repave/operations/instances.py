"""From an instance, living or past, to what it is made of: packages, findings, and who decided that it runs."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from repave.model.chain import Recorded
from repave.model.finding import Finding, FindingReport, SourceStatus
from repave.model.lock import Lock
from repave.model.names import Digest, ImageName
from repave.model.release import Revision
from repave.operations.exposure import Bearer, bearer_of
from repave.operations.scan import examine, uncovered
from repave.operations.urgency import by_urgency
from repave.ports.advisories import Advisories
from repave.ports.errors import Gone
from repave.ports.history import Lifetime, lived
from repave.ports.progress import Progress
from repave.ports.store import Store

DECIDING = frozenset(
    {
        *("deploy", "approval", "waiver", "request", "entry", "soaked", "checked", "failed", "rolled-back"),
        *("revoke", "unrevoke"),
    }
)
"""Kinds of events by which a release came into an environment, or is to leave it."""


@dataclass(frozen=True, kw_only=True)
class Decided:
    """One event of the record that let the release in, or turned it away."""

    number: int
    at: datetime
    kind: str
    by: str
    message: str
    details: Mapping[str, object]


@dataclass(frozen=True, kw_only=True)
class Traced:
    """One instance."""

    instance: Bearer
    image: str
    artifact: Digest | None
    """None, and nothing else is known of it, where no record explains what it runs."""

    packages: tuple[str, ...] = ()
    """Every locked package of its image, with its version."""

    findings: tuple[Finding, ...] = ()
    """By what is known now; what hurries first."""

    decided: tuple[Decided, ...] = ()
    """Oldest first."""


@dataclass(frozen=True, kw_only=True)
class Trace:
    """All instances of one name, and what could not be judged."""

    instances: tuple[Traced, ...]
    sources: tuple[SourceStatus, ...]
    unjudged: tuple[str, ...]

    @property
    def unknown(self) -> tuple[SourceStatus, ...]:
        """Sources that could not be relied on."""
        return tuple(source for source in self.sources if source.problem)


class Tracing:
    """Reads the store, and examines the locks of what is found."""

    def __init__(self, *, store: Store, advisories: Iterable[Advisories], progress: Progress) -> None:
        self._store = store
        self._advisories = tuple(advisories)
        self._progress = progress
        self._reports: dict[Digest, FindingReport] = {}
        self._sources: dict[str, SourceStatus] = {}
        self._unjudged: dict[str, None] = {}

    def trace(self, name: str, at: datetime | None = None, *, kept: bool = False) -> Trace | None:
        """The instances with that name or slot, or those of them that ran at ``at``; None when none ever had it.

        ``kept``: their findings are those of the last examination, and no source is asked.
        """
        if kept:
            with self._store.of_one_moment():
                return self._trace(name, at, kept=kept)
        return self._trace(name, at, kept=kept)

    def _trace(self, name: str, at: datetime | None, *, kept: bool) -> Trace | None:
        named = self._store.named(name)
        if not named:
            return None
        asked = [one for one in named if at is None or lived(one, at)]
        traced = tuple(self._traced(lifetime, kept=kept) for lifetime in asked)
        return Trace(instances=traced, sources=tuple(self._sources.values()), unjudged=tuple(self._unjudged))

    def _traced(self, lifetime: Lifetime, *, kept: bool) -> Traced:
        try:
            revision = self._store.revision(lifetime.fleet, lifetime.revision)
            release = self._store.release(revision.release)
        except Gone:
            return Traced(instance=bearer_of(lifetime), image="", artifact=None)
        lock = self._store.lock(release.lock)
        return Traced(
            instance=bearer_of(lifetime),
            image=revision.image,
            artifact=revision.artifact,
            packages=tuple(sorted({f"{one.name} {one.version}" for one in lock.packages_of(revision.image)})),
            findings=by_urgency(self._kept(revision) if kept else self._found(revision.image, release.lock, lock)),
            decided=self._decided(lifetime, revision.artifact),
        )

    def _kept(self, revision: Revision) -> tuple[Finding, ...]:
        """What the last examination found of it, and what that rests on."""
        examination = self._store.examinations().get(revision.artifact)
        if examination is None:
            never = f"r{revision.release} was never examined: `repave scan --released` does"
            self._unjudged[never] = None
            return ()
        self._sources |= {source.name: source for source in examination.sources}
        self._unjudged.update(dict.fromkeys(examination.unjudged))
        return self._store.findings(revision.artifact)

    def _found(self, image: ImageName, digest: Digest, lock: Lock) -> Iterable[Finding]:
        """What is known of it now."""
        if digest not in self._reports:
            report = examine(lock, self._advisories, self._progress)
            self._reports[digest] = report
            self._sources |= {source.name: source for source in report.sources}
            self._unjudged.update(dict.fromkeys(uncovered(lock, report.sources)))
        return (finding for finding in self._reports[digest].findings if image in finding.images)

    def _decided(self, lifetime: Lifetime, artifact: Digest) -> tuple[Decided, ...]:
        after, found = 0, []
        while page := self._store.recorded(after=after, kinds=DECIDING, fleet=lifetime.fleet):
            found += [_decided(one) for one in page if _concerns(one, lifetime, artifact)]
            after = page[-1].event.sequence
        return tuple(found)


def _concerns(recorded: Recorded, lifetime: Lifetime, artifact: Digest) -> bool:
    """Whether an event is of this release in this environment, or of this artifact anywhere."""
    event, details = recorded.event, recorded.event.details
    named = details.get("artifacts")
    if isinstance(named, list | tuple) and artifact in named:
        return True
    where = details.get("environment", event.fleet.environment if event.fleet else None)
    return where == lifetime.fleet.environment and details.get("release") == lifetime.release


def _decided(recorded: Recorded) -> Decided:
    event = recorded.event
    return Decided(
        number=event.sequence,
        at=event.at,
        kind=event.kind,
        by=event.by,
        message=event.message,
        details=event.details,
    )
