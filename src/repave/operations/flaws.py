"""What scans find of released artifacts is kept, so that planners know by when they are to be gone."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from repave.config.lockfile import lock_digest
from repave.model.exposure import Flaw
from repave.model.finding import Finding, FindingReport, Severity
from repave.model.lock import Lock
from repave.model.names import ImageName
from repave.operations.exposure import releases_of_locks
from repave.operations.urgency import names_of
from repave.ports.clock import Clock
from repave.ports.store import Store

UNRATED = Severity.HIGH
"""What nobody has rated could be anything; as critical, every plain repair of a distribution would be one."""


def keep_flaws(lock: Lock, report: FindingReport, store: Store, clock: Clock) -> None:
    """Of every artifact that was released from the lock; a source that could not be read takes nothing back."""
    for release in releases_of_locks(store, (lock_digest(lock),)):
        for image, artifact in release.artifacts.items():
            found = _flaws(report.standing, image, clock.now())
            store.expose(artifact, found, whole=not report.unknown)


def _flaws(findings: Iterable[Finding], image: ImageName, now: datetime) -> Iterator[Flaw]:
    for finding in findings:
        if image in finding.images:
            severity = finding.rating.severity if finding.rating else UNRATED
            for name in names_of(finding):
                yield Flaw(advisory=name, severity=severity, published_at=finding.published or now)
