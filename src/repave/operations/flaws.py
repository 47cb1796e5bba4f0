"""What scans find of released artifacts is kept, so that planners know by when they are to be gone."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from repave.config.lockfile import lock_digest
from repave.model.event import Event
from repave.model.exposure import Flaw
from repave.model.finding import Finding, FindingReport, Severity
from repave.model.lock import Lock
from repave.model.names import Digest, ImageName
from repave.operations.exposure import releases_of_locks
from repave.operations.urgency import names_of
from repave.ports.clock import Clock
from repave.ports.store import Store

UNRATED = Severity.HIGH
"""What nobody has rated could be anything; as critical, every plain repair of a distribution would be one."""


def keep_flaws(lock: Lock, report: FindingReport, store: Store, clock: Clock, *, judged: bool) -> None:
    """Of every artifact that was released from the lock; a source that could not be read takes nothing back.

    ``judged``: whether sources cover all that the lock holds. Only then, and when all could be read, is what was not
    found known not to be there.
    """
    now = clock.now()
    for release in releases_of_locks(store, (lock_digest(lock),)):
        for image, artifact in release.artifacts.items():
            with store.together():
                before = store.flaws(artifact)
                store.expose(artifact, _flaws(report.standing, image, now), whole=not report.unknown)
                if judged and not report.unknown:
                    store.note_examined(artifact, now)
                store.record(_learned(artifact, before, store.flaws(artifact), now))


def _learned(artifact: Digest, before: Iterable[Flaw], after: Iterable[Flaw], now: datetime) -> Iterator[Event]:
    """What is known of it now and was not, and what is no longer; nothing when nothing is."""
    known, found = ({flaw.advisory for flaw in flaws} for flaws in (before, after))
    if known != found:
        details = {"artifact": artifact, "found": sorted(found - known), "gone": sorted(known - found)}
        yield Event(at=now, kind="flaws", details=details)


def _flaws(findings: Iterable[Finding], image: ImageName, now: datetime) -> Iterator[Flaw]:
    for finding in findings:
        if image in finding.images:
            severity = finding.rating.severity if finding.rating else UNRATED
            for name in names_of(finding):
                fixable = now if finding.fixed_version else None
                published = finding.published or now
                yield Flaw(advisory=name, severity=severity, published_at=published, fixable_at=fixable)
