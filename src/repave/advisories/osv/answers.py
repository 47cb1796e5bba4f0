"""What a server of OSV's API last said: it spares asking for unchanged records, and speaks when the server cannot.

One file of a cache: see ``kept_file``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from repave.advisories.kept_file import read_kept, write_kept
from repave.advisories.osv.api import Named
from repave.advisories.osv.matching import Subject
from repave.advisories.osv.records import Record

FORMAT = 1
"""Counts up when an older file can no longer be read as meant."""

KEPT_FOR = timedelta(days=90)
"""Of subjects that nobody asks about any more."""

LARGEST_FILE_BYTES = 512 * 1024 * 1024
"""The records about some hundred packages have some MiB."""


@dataclass(frozen=True, kw_only=True)
class Said:
    """What the server named for one subject."""

    at: datetime
    named: tuple[Named, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Answers:
    """All of it; every record that is named is among the records."""

    said: Mapping[str, Said] = field(default_factory=dict)
    """By the subject's key."""

    records: Mapping[str, Record] = field(default_factory=dict)
    format: int = FORMAT

    def of(self, subject: Subject) -> Said | None:
        """What was said of a subject, if anything."""
        return self.said.get(key_of(subject))

    def trimmed(self, now: datetime) -> "Answers":
        """Without what nobody asks about any more."""
        said = {key: one for key, one in self.said.items() if now - one.at <= KEPT_FOR}
        wanted = {named.id for one in said.values() for named in one.named}
        return Answers(said=said, records={name: self.records[name] for name in sorted(wanted)})


def key_of(subject: Subject) -> str:
    """What no two subjects share."""
    return f"{subject.ecosystem}\n{subject.name}\n{subject.version}"


@cache
def _adapter() -> TypeAdapter[Answers]:
    return TypeAdapter(Answers)


def read_answers(path: Path) -> Answers:
    """What is kept; nothing where there is none that can be believed."""
    content = read_kept(path, largest_bytes=LARGEST_FILE_BYTES)
    if content is None:
        return Answers()
    try:
        answers = _adapter().validate_json(content)
    except ValidationError:
        return Answers()
    whole = all(named.id in answers.records for said in answers.said.values() for named in said.named)
    return answers if answers.format == FORMAT and whole else Answers()


def write_answers(path: Path, answers: Answers) -> None:
    """Put ``answers`` in the place of what was kept."""
    write_kept(path, _adapter().dump_json(answers, exclude_defaults=True))
