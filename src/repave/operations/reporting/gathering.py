"""From the store to the facts of a report."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from sys import intern
from typing import Any

from repave.config.errors import UnknownName
from repave.config.freshness import limits_for
from repave.config.problems import nearest, one_of
from repave.model.chain import Recorded
from repave.model.event import Event
from repave.model.evidence import Entry, Waiver
from repave.model.finding import SourceStatus
from repave.model.names import Digest, EnvironmentName, FleetKey, RevisionId, SlotId
from repave.model.project import Project
from repave.operations.flaws import SCAN
from repave.operations.recording.sayings import HEAD, HEAD_TYPE, content_of
from repave.operations.reporting.facts import Deviation, Dismissed, Facts, Made, Manual, RecordHead, Scanned, Waived
from repave.ports.history import Lifetime, Note
from repave.ports.progress import Progress
from repave.ports.store import Store

LEAVING = frozenset({"drain", "gone"})
"""Kinds of events that say why an instance left."""

ENDING = "terminate"
"""The kind that says why one was ended that had never been let in; of others it says only that they are drained."""

DEVIATING = frozenset({"pause", "protect", "zone-out", "healing", "unrevoke"})
ORDERING = frozenset(
    {
        *("approval", "deploy", "destroy", "healing", "pause", "protect", "replace", "request", "resume", "revoke"),
        *("rolled-back", "unrevoke", "waiver", "zone-in", "zone-out"),
    }
)
"""Kinds of events that a person, or a job of one, ordered."""

PAGE = 5000


@dataclass(frozen=True, kw_only=True)
class Span:
    """The time that is asked for, and where."""

    since: datetime
    until: datetime
    environments: tuple[EnvironmentName, ...]


def environments_named(project: Project, store: Store, names: Sequence[str]) -> tuple[EnvironmentName, ...]:
    """Those, or all: of the file, and such as only the store remembers. Raises UnknownName for all others."""
    remembered = sorted({fleet.environment for fleet in store.observed()} - project.environments.keys())
    known = (*project.environments, *remembered)
    for name in names:
        if name not in known:
            meant = nearest(name, known)
            raise UnknownName(
                f"there is no environment {name}, and there never was; expected {one_of(known)}",
                hint=f"did you mean `{meant}`?" if meant else "",
            )
    return tuple(EnvironmentName(name) for name in dict.fromkeys(names)) or known


@dataclass(kw_only=True)
class _Told:
    """What the events of the time say."""

    reasons: dict[FleetKey, dict[SlotId, str]] = field(default_factory=lambda: defaultdict(dict))
    scans: list[Scanned] = field(default_factory=list)
    deviations: list[Deviation] = field(default_factory=list)
    unseen: list[Deviation] = field(default_factory=list)
    orders: Counter[str] = field(default_factory=Counter)
    head: Mapping[str, Any] = field(default_factory=dict)


class Gathering:
    """Reads the store of one project; changes nothing, and asks nobody else."""

    def __init__(self, *, project: Project, store: Store, signed: Callable[[Waiver], bool]) -> None:
        """``signed``: whether the person's key, as the file has it, signed the waiver."""
        self._project = project
        self._store = store
        self._signed = signed

    def facts(self, span: Span, now: datetime, manual: Manual | None, progress: Progress) -> Facts:
        """All that is known of that time and those environments."""
        with self._store.of_one_moment():
            return self._facts(span, now, manual, progress)

    def _facts(self, span: Span, now: datetime, manual: Manual | None, progress: Progress) -> Facts:
        lives = tuple(_lived(self._store.lifetimes(since=span.since, until=span.until), span))
        fleets = {life.fleet for life in lives}
        made = dict(self._made(fleets))
        artifacts = {one.artifact for one in made.values()}
        flaws = {artifact: self._store.flaws(artifact) for artifact in artifacts}
        record, told = self._recorded(span, lives, progress)
        return Facts(
            project=self._project.name,
            environments=span.environments,
            since=span.since,
            until=span.until,
            made_at=now,
            lifetimes=lives,
            made=made,
            reasons=told.reasons,
            flaws={
                artifact: tuple(flaw for flaw in found if flaw.published_at < span.until)
                for artifact, found in flaws.items()
            },
            examined=dict(self._examined(artifacts, told.scans, span.until)),
            scans=tuple(told.scans),
            limits={fleet: limits_for(self._project, fleet) for fleet in fleets},
            waivers=tuple(self._waivers(span)),
            deviations=(*told.deviations, *self._emergencies(span)),
            unseen=tuple(told.unseen),
            orders=told.orders,
            record=record,
            manual=manual,
        )

    def _made(self, fleets: Iterable[FleetKey]) -> Iterator[tuple[tuple[FleetKey, RevisionId], Made]]:
        for fleet in fleets:
            for revision in self._store.revisions(fleet):
                yield (fleet, revision.id), Made(image=revision.image, artifact=revision.artifact)

    def _examined(
        self, artifacts: Iterable[Digest], scans: Iterable[Scanned], until: datetime
    ) -> Iterator[tuple[Digest, datetime]]:
        """By the record; by the store, for what was examined before examinations were put on record."""
        told = {artifact: scan.at for scan in scans if scan.whole for artifact in scan.artifacts}
        for artifact in artifacts:
            kept = self._store.examined(artifact)
            at = kept if kept is not None and kept < until else told.get(artifact)
            if at is not None:
                yield artifact, at

    def _waivers(self, span: Span) -> Iterator[Waived]:
        """Those that held at a moment of the time."""
        for one in self._store.evidence():
            if isinstance(one, Waiver) and one.at < span.until and one.until > span.since:
                yield Waived(waiver=one, signed=self._signed(one))

    def _emergencies(self, span: Span) -> Iterator[Deviation]:
        for one in self._store.evidence():
            if isinstance(one, Entry) and one.emergency and span.since <= one.at < span.until:
                words = f"r{one.release} entered in an emergency: {one.emergency}"
                if one.environment in span.environments:
                    yield Deviation(at=one.at, kind="emergency", by="", place=one.environment, words=words)

    def _recorded(self, span: Span, lives: Iterable[Lifetime], progress: Progress) -> tuple[RecordHead, _Told]:
        newest = self._store.newest_event()
        told, kinds = _Told(), DEVIATING | ORDERING | {SCAN, HEAD, "unseen"}
        with progress.task("Reading the record", total=newest) as task:
            # By the time of each: numbers do not tell, for some things are learned late, and clocks are set.
            for recorded in self._events(kinds, newest):
                _take(recorded.event, told, span)
            _reason(self._store.notes(LEAVING, since=span.since, until=span.until), told, span)
            if any(life.gone_at is not None and life.slot not in told.reasons[life.fleet] for life in lives):
                _reason(self._store.notes({ENDING}, since=span.since, until=span.until), told, span)
            task.advance(newest)
        return self._head(newest, span, told), told

    def _events(self, kinds: Iterable[str], last: int) -> Iterator[Recorded]:
        wanted, after = frozenset(kinds), 0
        while page := self._store.recorded(after=after, limit=PAGE, kinds=wanted):
            for recorded in page:
                if recorded.event.sequence > last:
                    return
                yield recorded
            after = page[-1].event.sequence

    def _head(self, newest: int, span: Span, told: _Told) -> RecordHead:
        if not newest:
            return RecordHead(first=0, last=0, number=0, hash="", began_at=None)
        (oldest,), (head,) = (self._store.recorded(after=number - 1, limit=1) for number in (1, newest))
        first, last = self._store.spanned(span.since, span.until)
        kept = RecordHead(first=first, last=last, number=newest, hash=head.hash, began_at=oldest.event.at)
        said: Mapping[str, Any] = content_of(told.head, HEAD_TYPE)
        if not said:
            return kept
        return replace(
            kept,
            signed_number=said["number"],
            signed_hash=said["hash"],
            key=told.head["key"],
            signed_at=datetime.fromisoformat(said["at"]),
        )


def _lived(lifetimes: Iterable[Lifetime], span: Span) -> Iterator[Lifetime]:
    """Those of the environments, as was known at the end of the time."""
    wanted = frozenset(span.environments)
    for life in lifetimes:
        if life.fleet.environment in wanted:
            later = life.gone_at is not None and life.gone_at > span.until
            if later or life.last_seen > span.until:
                gone = None if later else life.gone_at
                yield life._replace(gone_at=gone, last_seen=min(life.last_seen, span.until))
            else:
                yield life


def _reason(notes: Iterable[Note], told: _Told, span: Span) -> None:
    """The first that says why an instance left counts."""
    for fleet, slot, message in notes:
        if fleet.environment in span.environments:
            # Thousands left for the same reason.
            told.reasons[fleet].setdefault(slot, intern(message.partition(": ")[2] or message))


def _take(event: Event, told: _Told, span: Span) -> None:
    """What was examined before the time counts in it, and what was signed after it, too."""
    if event.kind == HEAD:
        told.head = event.details
        return
    if event.kind == SCAN and event.at < span.until:
        told.scans.append(_scanned(event))
    if event.kind == SCAN or not span.since <= event.at < span.until:
        return
    if event.fleet is not None and event.fleet.environment not in span.environments:
        return
    if event.kind in ORDERING:
        told.orders[event.kind] += 1
    if event.kind in DEVIATING or event.kind == "unseen":
        place = f"{event.fleet.environment}/{event.fleet.fleet}" if event.fleet else ""
        deviation = Deviation(at=event.at, kind=event.kind, by=event.by, place=place, words=event.message)
        (told.unseen if event.kind == "unseen" else told.deviations).append(deviation)


def _scanned(event: Event) -> Scanned:
    details: Mapping[str, Any] = event.details
    return Scanned(
        at=event.at,
        artifacts=frozenset(details["artifacts"]),
        whole=details["whole"],
        sources=tuple(
            SourceStatus(
                name=source["name"],
                as_of=datetime.fromisoformat(source["as_of"]) if source["as_of"] else None,
                problem=source["problem"],
            )
            for source in details["sources"]
        ),
        dismissed=tuple(Dismissed(**one) for one in details["dismissed"]),
    )
