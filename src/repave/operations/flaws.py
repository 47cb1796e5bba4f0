"""What scans find of released artifacts is kept, so that planners know by when they are to be gone."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from repave.model.event import Event, written_moment
from repave.model.exposure import Examination, Flaw
from repave.model.finding import Finding, FindingReport
from repave.model.names import Digest, ImageName
from repave.model.release import Release
from repave.operations.exposure import releases_of_locks
from repave.operations.urgency import names_of, severity_of
from repave.ports.clock import Clock
from repave.ports.store import Store

SCAN = "scan"
"""The kind of the event that says what was examined, and by what."""


def keep_flaws(lock: Digest, report: FindingReport, store: Store, clock: Clock, *, uncovered: tuple[str, ...]) -> None:
    """Of every artifact that was released from the lock; a source that could not be read takes nothing back.

    ``uncovered``: what the lock holds and no source covers. Only where there is no such thing, and when all could be
    read, is what was not found known not to be there.
    """
    now = clock.now()
    examination = Examination(at=now, sources=report.sources, unjudged=uncovered)
    releases = releases_of_locks(store, (lock,))
    if releases:
        store.record([_examined(lock, releases, report, now, judged=not uncovered)])
    for release in releases:
        for image, artifact in release.artifacts.items():
            with store.together():
                before = store.flaws(artifact)
                store.expose(artifact, _flaws(report.standing, image, now), whole=not report.unknown)
                store.record(_learned(artifact, before, store.flaws(artifact), now))
                if not (uncovered or report.unknown):
                    store.note_examined(artifact, now)
                store.keep_findings(artifact, examination, _found(report, image, store.findings(artifact)))


def add_flaws(
    found: Iterable[tuple[ImageName, Collection[Digest], FindingReport]], store: Store, now: datetime
) -> None:
    """What was newly published about what artifacts of each image hold. It takes nothing back."""
    exposed: dict[tuple[Flaw, ...], dict[Digest, None]] = {}
    learned: list[Event] = []
    with store.together():
        for image, artifacts, report in found:
            store.add_findings(artifacts, _found(report, image, ()))
            flaws = tuple(_flaws(report.standing, image, now))
            exposed.setdefault(flaws, {}).update(dict.fromkeys(artifacts))
        for flaws, bearing in exposed.items():
            learned += (_changed(artifact, new, (), now) for artifact, new in store.learn(bearing, flaws).items())
        store.record(learned)


def _found(report: FindingReport, image: ImageName, before: Iterable[Finding]) -> Iterator[Finding]:
    """What is said of one image now, and what a source said before that cannot be read now."""
    names: set[str] = set()
    for finding in report.findings:
        if image in finding.images:
            names |= finding.names
            yield finding
    if report.unknown:
        yield from (finding for finding in before if names.isdisjoint(finding.names))


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
        yield _changed(artifact, sorted(found - known), sorted(known - found), now)


def _changed(artifact: Digest, found: Sequence[str], gone: Sequence[str], now: datetime) -> Event:
    return Event(at=now, kind="flaws", details={"artifact": artifact, "found": found, "gone": gone})


def _flaws(findings: Iterable[Finding], image: ImageName, now: datetime) -> Iterator[Flaw]:
    for finding in findings:
        if image in finding.images:
            severity = severity_of(finding)
            for name in names_of(finding):
                fixable = now if finding.fixed_version else None
                published = finding.published or now
                yield Flaw(advisory=name, severity=severity, published_at=published, fixable_at=fixable)
