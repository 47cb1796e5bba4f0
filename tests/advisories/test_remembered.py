"""Since when the answer of a source that keeps nothing itself is not known."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from osv_records import lock_of

from repave.advisories.remembered import RememberedAdvisories
from repave.model.finding import Finding, SourceStatus
from repave.model.lock import Lock
from repave.ports.progress import Progress, Silent

DAY = datetime(2026, 11, 24, 6, 0, tzinfo=UTC)


class Told:
    """A source that says what a test says."""

    def __init__(self) -> None:
        self.statuses: tuple[SourceStatus, ...] = ()

    def examine(self, lock: Lock, *, progress: Progress) -> tuple[tuple[Finding, ...], tuple[SourceStatus, ...]]:
        """As the test says."""
        del lock, progress
        return (), self.statuses


def said(source: RememberedAdvisories, told: Told, *statuses: SourceStatus) -> list[SourceStatus]:
    """What becomes of these."""
    told.statuses = statuses
    return list(source.examine(lock_of(), progress=Silent())[1])


def test_a_source_that_fails_is_unknown_since_its_last_data(tmp_path: Path) -> None:
    """By its name; what never succeeded has no date, and what has a date keeps it."""
    told = Told()
    source = RememberedAdvisories(told, file=tmp_path / "dates" / "suites.json")
    good = SourceStatus(name="debian bookworm-security", as_of=DAY)
    failed = SourceStatus(name="debian bookworm-security", as_of=None, problem="no route")
    assert said(source, told, failed) == [
        SourceStatus(name="debian bookworm-security", as_of=None, problem="unknown: no route")
    ]
    assert said(source, told, good) == [good]
    other = SourceStatus(name="debian trixie-security", as_of=None, problem="no route")
    part = SourceStatus(name="debian sid-security", as_of=DAY, problem="a changelog is not known")
    anew = RememberedAdvisories(told, file=tmp_path / "dates" / "suites.json")
    assert said(anew, told, failed, other, part) == [
        SourceStatus(
            name="debian bookworm-security", as_of=DAY, problem="unknown since 2026-11-24 06:00 UTC: no route"
        ),
        SourceStatus(name="debian trixie-security", as_of=None, problem="unknown: no route"),
        part,
    ]


@pytest.mark.parametrize("content", ["", "[]", '{"debian bookworm-security": 3}', '{"debian bookworm-security": "x"}'])
def test_damaged_dates_are_none(tmp_path: Path, content: str) -> None:
    """Nothing else is lost."""
    (tmp_path / "suites.json").write_text(content, encoding="utf-8")
    told = Told()
    failed = SourceStatus(name="debian bookworm-security", as_of=None, problem="no route")
    (status,) = said(RememberedAdvisories(told, file=tmp_path / "suites.json"), told, failed)
    assert status.problem == "unknown: no route"


def test_an_answer_stands_where_no_date_can_be_kept(tmp_path: Path) -> None:
    """The folder is a file."""
    (tmp_path / "file").touch()
    told = Told()
    good = SourceStatus(name="debian bookworm-security", as_of=DAY)
    assert said(RememberedAdvisories(told, file=tmp_path / "file" / "suites.json"), told, good) == [good]
