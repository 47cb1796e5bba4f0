"""The advisories port over a source whose records are all here: indexed once per content, then asked."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import lru_cache, partial
from itertools import groupby
from pathlib import Path

from repave.advisories.osv.files import RecordSource
from repave.advisories.osv.findings import findings_of
from repave.advisories.osv.index import Index, Seen, build_index, key_of, name_in, open_index
from repave.advisories.osv.records import Record
from repave.advisories.osv.subjects import Question, questions
from repave.advisories.osv.uncollected import uncollected
from repave.advisories.problems import aged, joined, since
from repave.model.finding import Finding, SourceStatus
from repave.model.lock import Ecosystem, Lock
from repave.ports.clock import Clock
from repave.ports.errors import Corrupt, WorldError
from repave.ports.progress import Progress

REMEMBERED = 20_000
"""Packages: with some hundred findings each, some 100 MB; a project's locks together have some thousands."""


class IndexedAdvisories:
    """One source of records."""

    def __init__(self, source: RecordSource, *, folder: Path, clock: Clock, max_age_seconds: float) -> None:
        """``folder`` is the index's own."""
        self._source = source
        self._folder = folder
        self._clock = clock
        self._max_age = timedelta(seconds=max_age_seconds)
        self._answers = _Answers()
        self._seen: Seen | None = None

    def examine(self, lock: Lock, *, progress: Progress) -> tuple[tuple[Finding, ...], tuple[SourceStatus, ...]]:
        """What the records say of every locked package; see the port.

        When the source cannot be read now, the last index of it still speaks, and the answer is unknown since its date.
        """
        asked = list(questions(lock))
        index, trouble = self._index(progress)
        if index is None:
            return (), (SourceStatus(name=self._source.name, as_of=None, problem=since(trouble, None)),)
        try:
            with uncollected():
                return self._judge(asked, index, trouble)
        finally:
            index.close()

    def packages_of(self, flaw: str, *, progress: Progress) -> frozenset[str] | None:
        """See the port."""
        index, trouble = self._index(progress)
        if index is None or trouble:
            return None
        try:
            names = [name_in(key) for key in index.keys(flaw)]
        finally:
            index.close()
        known = frozenset(name for name in names if name is not None)
        return known if len(known) == len(set(names)) else None

    def _index(self, progress: Progress) -> tuple[Index | None, str]:
        present = open_index(self._folder, self._seen)
        try:
            state = self._source.state(progress)
            if present is None or present.contents.made_from != state:
                records = self._source.records(progress)
                with uncollected():
                    build_index(self._folder, records, made_from=state, now=self._clock.now())
                if present is not None:
                    present.close()
                present = open_index(self._folder)
        except WorldError as failure:
            return present, failure.message
        self._seen = None if present is None else present.seen
        if present is None:
            return None, f"its index in {self._folder} cannot be read back"
        return present, ""

    def _judge(
        self, asked: Sequence[Question], index: Index, trouble: str
    ) -> tuple[tuple[Finding, ...], tuple[SourceStatus, ...]]:
        found: dict[int, list[Finding]] = {}
        undecided: list[str] = []
        try:
            # Many packages of a distribution come of one source, whose records are read once.
            places = sorted(range(len(asked)), key=lambda place: key_of(asked[place].subject))
            for _, group in groupby(places, key=lambda place: key_of(asked[place].subject)):
                same = list(group)
                records = _once(partial(index.about, asked[same[0]].subject))
                for place in same:
                    found[place], open_ones = self._answers.of(asked[place], records, index.contents.made_from)
                    undecided += open_ones
        except Corrupt as damaged:
            trouble = trouble or damaged.message
        dates = {question.subject.ecosystem: index.as_of(question.subject.ecosystem) for question in asked}
        known = [date for date in dates.values() if date is not None]
        as_of = min(known, default=None)
        status = SourceStatus(
            name=self._source.name,
            as_of=as_of,
            problem=self._problem(index, trouble, undecided, as_of),
            covers=_covered(asked, dates),
        )
        return tuple(finding for _, some in sorted(found.items()) for finding in some), (status,)

    def _problem(self, index: Index, trouble: str, undecided: Sequence[str], as_of: datetime | None) -> str:
        contents = index.contents
        problems = [since(trouble, as_of)] if trouble else []
        if old := aged(as_of, now=self._clock.now(), max_age=self._max_age):
            problems.append(old)
        if contents.unreadable:
            problems.append(f"{contents.unreadable} of its files cannot be read: {joined(contents.examples)}")
        if undecided:
            problems.append(f"{len(undecided)} of its answers cannot be told: {joined(undecided)}")
        return "; ".join(problems)


class _Answers:
    """What was found of packages: a lock is followed by another that holds mostly the same."""

    def __init__(self) -> None:
        self._made_from = ""
        self._known: dict[tuple[str, ...], tuple[list[Finding], list[str]]] = {}

    def of(
        self, question: Question, records: Callable[[], Sequence[Record]], made_from: str
    ) -> tuple[list[Finding], list[str]]:
        """The findings, and what could not be judged; by the same records as before, or by these."""
        if made_from != self._made_from or len(self._known) > REMEMBERED:
            self._made_from = made_from
            self._known.clear()
        package, subject = question.package, question.subject
        key = (package.name, package.version, package.source, subject.ecosystem, subject.name, subject.version)
        if key not in self._known:
            self._known[key] = findings_of(question, records())
        findings, undecided = self._known[key]
        if findings and findings[0].images != question.images:
            return [replace(finding, images=question.images) for finding in findings], undecided
        return findings, undecided


def _once(read: Callable[[], Sequence[Record]]) -> Callable[[], Sequence[Record]]:
    return lru_cache(1)(read)


def _covered(asked: Iterable[Question], dates: Mapping[str, datetime | None]) -> tuple[Ecosystem, ...]:
    """The ecosystems of which every package could be judged: that there are records of its release says so."""
    seen: dict[Ecosystem, bool] = {}
    for question in asked:
        has = dates[question.subject.ecosystem] is not None
        seen[question.package.ecosystem] = seen.get(question.package.ecosystem, True) and has
    return tuple(sorted(ecosystem for ecosystem, all_known in seen.items() if all_known))
