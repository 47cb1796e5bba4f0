"""What scans find of released artifacts is kept, so that planners know by when they are to be gone."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from repave.config.lockfile import lock_digest
from repave.model.event import Event, written_moment
from repave.model.exposure import Flaw
from repave.model.finding import Finding, FindingReport, Severity
from repave.model.lock import Lock
from repave.model.names import Digest, ImageName
from repave.model.release import Release
from repave.operations.exposure import releases_of_locks
from repave.operations.urgency import names_of
from repave.ports.clock import Clock
from repave.ports.store import Store

SCAN = "scan"
"""The kind of the event that says what was examined, and by what."""

UNRATED = Severity.HIGH
"""What nobody has rated could be anything; as critical, every plain repair of a distribution would be one."""


def keep_flaws(lock: Lock, report: FindingReport, store: Store, clock: Clock, *, judged: bool) -> None:
    """Of every artifact that was released from the lock; a source that could not be read takes nothing back.

    ``judged``: whether sources cover all that the lock holds. Only then, and when all could be read, is what was not
    found known not to be there.
    """
    now, digest = clock.now(), lock_digest(lock)
    releases = releases_of_locks(store, (digest,))
    if releases:
        store.record([_examined(digest, releases, report, now, judged=judged)])
    for release in releases:
        for image, artifact in release.artifacts.items():
            with store.together():
                before = store.flaws(artifact)
                store.expose(artifact, _flaws(report.standing, image, now), whole=not report.unknown)
                if judged and not report.unknown:
                    store.note_examined(artifact, now)
                store.record(_learned(artifact, before, store.flaws(artifact), now))


def _examined(
    lock: Digest, releases: Iterable[Release], report: FindingReport, now: datetime, *, judged: bool
) -> Event:
    """That it was looked for, also where nothing was found: in what, and of when the sources are."""
    details = {
        "lock": lock,
        "artifacts": sorted({artifact for release in releases for artifact in release.artifacts.values()}),
        "whole": judged and not report.unknown,
        "findings": len(report.standing),
        "dismissed": list(_dismissed(report.findings)),
        "sources": [
            {
                "name": source.name,
                "as_of": source.as_of and written_moment(source.as_of),
                "problem": source.problem,
            }
            for source in report.sources
        ],
    }
    return Event(at=now, kind=SCAN, details=details)


def _dismissed(findings: Iterable[Finding]) -> Iterator[Mapping[str, str]]:
    """Whose word it is that a flaw does not apply: it is not among the findings, and must not be forgotten."""
    for finding in findings:
        if (word := finding.dismissed) is not None:
            for name in names_of(finding):
                yield {
                    "flaw": name,
                    "package": f"{finding.package} {finding.version}",
                    "author": word.author,
                    "grounds": word.grounds.value,
                    "reason": word.reason,
                    "source": word.source,
                }


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
