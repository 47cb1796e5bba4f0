"""What advisories say of releases, by the deadlines of the environment they would enter."""

from collections.abc import Callable, Iterable
from datetime import datetime

from repave.config.freshness import limits_of
from repave.model.evidence import Exposed, Overdue
from repave.model.names import Digest
from repave.model.project import Environment, Project
from repave.model.release import Release
from repave.ports.advisories import Advisories
from repave.ports.clock import Clock
from repave.ports.progress import Progress
from repave.ports.store import Store


class Exposing:
    """Examines each lock once, and keeps what is found."""

    def __init__(
        self, *, project: Project, advisories: Callable[[], Iterable[Advisories]], store: Store, clock: Clock
    ) -> None:
        """``advisories`` opens the sources, when a gate wants them."""
        self._project = project
        self._advisories = advisories
        self._store = store
        self._clock = clock
        self._unknown: dict[Digest, tuple[str, ...]] = {}

    def of(self, environment: Environment, release: Release, now: datetime, progress: Progress) -> Exposed:
        """What of it was to be gone from the environment by now."""
        overdue: dict[str, datetime] = {}
        unknown = self._examine(release, progress)
        for name in environment.fleets:
            fleet = self._project.fleets[name]
            artifact, limits = release.artifacts.get(fleet.image), limits_of(self._project, environment, fleet)
            for flaw in self._store.flaws(artifact) if artifact else ():
                due = limits.fix_within.due(flaw)
                if due is not None and due <= now:
                    overdue[flaw.advisory] = min(due, overdue.get(flaw.advisory, due))
        return Exposed(overdue=tuple(Overdue(flaw=flaw, due=due) for flaw, due in overdue.items()), unknown=unknown)

    def _examine(self, release: Release, progress: Progress) -> tuple[str, ...]:
        """What could not be judged, in words."""
        # Few environments have the gate that wants it, and it brings the whole of the lock's grammar.
        from repave.operations.flaws import keep_flaws  # noqa: PLC0415 - the reason stands above
        from repave.operations.scan import examine, uncovered  # noqa: PLC0415 - the same

        if release.lock not in self._unknown:
            lock = self._store.lock(release.lock)
            report = examine(lock, self._advisories(), progress)
            gaps = uncovered(lock, report.sources)
            keep_flaws(release.lock, report, self._store, self._clock, uncovered=gaps)
            sources = tuple(f"{source.name}: {source.problem}" for source in report.unknown)
            self._unknown[release.lock] = (*sources, *gaps)
        return self._unknown[release.lock]
