"""The advisories port over a server of OSV's API: it names records, and our own matcher judges by them."""

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from repave.advisories.osv.answers import Answers, Said, key_of, read_answers, write_answers
from repave.advisories.osv.api import Named, Naming, OsvApi
from repave.advisories.osv.findings import findings_of
from repave.advisories.osv.matching import Subject, Verdict, concerns, judge
from repave.advisories.osv.records import Record
from repave.advisories.osv.subjects import Question, questions
from repave.advisories.problems import aged, joined, since
from repave.model.finding import Finding, SourceStatus
from repave.model.lock import Ecosystem, Lock
from repave.ports.clock import Clock
from repave.ports.errors import Corrupt, Gone, Invalid, WorldError
from repave.ports.progress import Progress

AT_ONCE = 8
"""Records asked for at once: enough to hide latency, few enough that no server minds."""

KEPT_FILE = "answers"


@dataclass(frozen=True, kw_only=True)
class _Heard:
    """What is known after asking, and what went wrong on the way."""

    answers: Answers
    trouble: str = ""


class OsvServer:
    """One server."""

    def __init__(self, api: OsvApi, *, name: str, folder: Path, clock: Clock, max_age_seconds: float) -> None:
        """``folder`` is for what it said, and nobody else's."""
        self._api = api
        self._name = name
        self._file = folder / KEPT_FILE
        self._clock = clock
        self._max_age = timedelta(seconds=max_age_seconds)

    def examine(self, lock: Lock, *, progress: Progress) -> tuple[tuple[Finding, ...], tuple[SourceStatus, ...]]:
        """What the server names, as far as our own matcher finds the same in its records; see the port.

        Of what cannot be asked now, its last answer still speaks, and the whole is unknown since the oldest of those.
        """
        every = list(questions(lock))
        asked = [question for question in every if question.published]
        if not asked:
            return (), (SourceStatus(name=self._name, as_of=None),)
        subjects = list({key_of(question.subject): question.subject for question in asked}.values())
        heard = self._hear(subjects, progress)
        return self._judge(every, heard)

    def _hear(self, subjects: Sequence[Subject], progress: Progress) -> _Heard:
        kept = read_answers(self._file)
        try:
            with progress.task(f"Asking {self._name}", total=len(subjects), unit="packages") as task:
                naming = self._api.name(subjects, task)
        except WorldError as failure:
            return _Heard(answers=kept, trouble=failure.message)
        records, troubles = self._records(naming, kept, progress)
        now = self._clock.now()
        at = min(naming.at or now, now)
        said = {
            key_of(subject): Said(at=at, named=named)
            for subject, named in zip(subjects, naming.named, strict=True)
            if all(one.id in records for one in named)
        }
        answers = Answers(said={**kept.said, **said}, records={**kept.records, **records}).trimmed(now)
        try:
            write_answers(self._file, answers)
        except OSError as failure:
            troubles = [*troubles, f"its answers cannot be kept in {self._file.parent}: {failure.strerror}"]
        return _Heard(answers=answers, trouble=joined(troubles))

    def _records(self, naming: Naming, kept: Answers, progress: Progress) -> tuple[dict[str, Record], list[str]]:
        """The records named, by name, as far as they can be had, and why the others cannot."""
        named = {one.id: one for each in naming.named for one in each}
        records = {name: kept.records[name] for name, one in named.items() if _unchanged(one, kept.records.get(name))}
        missing = [one for name, one in named.items() if name not in records]
        troubles: list[str] = []
        with (
            progress.task(f"Reading records of {self._name}", total=len(missing), unit="records") as task,
            ThreadPoolExecutor(max_workers=AT_ONCE, thread_name_prefix="osv") as threads,
        ):
            running = {threads.submit(self._api.record, one): one.id for one in missing}
            for done in as_completed(running):
                task.advance()
                try:
                    records[running[done]] = done.result()
                except (Gone, Corrupt, Invalid) as failure:
                    troubles.append(failure.message)
                except WorldError as failure:
                    # The server is not to be had at all: the others would each wait for it as long.
                    troubles.append(failure.message)
                    threads.shutdown(wait=False, cancel_futures=True)
                    break
        return records, troubles

    def _judge(self, every: Sequence[Question], heard: _Heard) -> tuple[tuple[Finding, ...], tuple[SourceStatus, ...]]:
        findings: list[Finding] = []
        undecided: list[str] = []
        remarks: list[str] = []
        dates: list[datetime] = []
        covered: dict[Ecosystem, bool] = {}
        unheard = False
        for question in every:
            said = heard.answers.of(question.subject)
            ecosystem = question.package.ecosystem
            covered[ecosystem] = covered.get(ecosystem, True) and said is not None
            if said is None:
                unheard = unheard or question.published
                continue
            dates.append(said.at)
            records = _records_of(said, heard.answers.records)
            found, open_ones = findings_of(question, records)
            findings += found
            undecided += open_ones
            remarks += _disagreements(question, records)
        as_of = min(dates, default=None)
        status = SourceStatus(
            name=self._name,
            as_of=as_of,
            problem=self._problem(heard.trouble, undecided, as_of, unheard=unheard),
            remarks=tuple(remarks),
            covers=tuple(sorted(ecosystem for ecosystem, all_known in covered.items() if all_known)),
        )
        return tuple(findings), (status,)

    def _problem(self, trouble: str, undecided: Sequence[str], as_of: datetime | None, *, unheard: bool) -> str:
        # Where nothing was ever said of a package, no date says since when it is not known.
        problems = [since(trouble, None if unheard else as_of)] if trouble else []
        if old := aged(as_of, now=self._clock.now(), max_age=self._max_age):
            problems.append(old)
        if undecided:
            problems.append(f"{len(undecided)} of its answers cannot be told: {joined(undecided)}")
        return "; ".join(problems)


def _unchanged(named: Named, kept: Record | None) -> bool:
    return kept is not None and named.modified is not None and kept.modified >= named.modified


def _records_of(said: Said, records: Mapping[str, Record]) -> list[Record]:
    return [records[named.id] for named in said.named]


def _disagreements(question: Question, records: Iterable[Record]) -> list[str]:
    """Records that the server names for a version, and that do not affect it by what they say themselves."""
    locked = f"{question.package.name} {question.package.version}"
    return [
        f"it names {record.id} for {locked}, which is no finding: {_why(record, question.subject)}"
        for record in sorted(records, key=lambda record: record.id)
        if judge(record, question.subject).verdict is Verdict.UNAFFECTED
    ]


def _why(record: Record, subject: Subject) -> str:
    if record.withdrawn is not None:
        return f"it was withdrawn on {record.withdrawn:%Y-%m-%d}"
    if not any(concerns(part, subject) for part in record.affected):
        return "the record is about other packages"
    return "by the record itself this version is not affected"
