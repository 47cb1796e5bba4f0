"""Since when a source's answer is not known, for sources that keep nothing of their last answer themselves."""

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from repave.advisories.problems import since
from repave.model.finding import Finding, SourceStatus
from repave.model.lock import Lock
from repave.ports.advisories import Advisories
from repave.ports.progress import Progress


class RememberedAdvisories:
    """The advisories port over one source whose dates are kept: they stand for those it cannot tell when it fails."""

    def __init__(self, source: Advisories, *, file: Path) -> None:
        """``file`` is for the dates; its loss costs those alone."""
        self._source = source
        self._file = file

    def examine(self, lock: Lock, *, progress: Progress) -> tuple[tuple[Finding, ...], tuple[SourceStatus, ...]]:
        """What the source says; what it says nothing of is unknown since its data was last read."""
        findings, statuses = self._source.examine(lock, progress=progress)
        dates = self._read()
        told = tuple(_dated(status, dates.get(status.name)) for status in statuses)
        self._keep({**dates, **{status.name: status.as_of for status in statuses if status.as_of}})
        return findings, told

    def _read(self) -> dict[str, datetime]:
        try:
            kept = json.loads(self._file.read_text(encoding="utf-8"))
            return {name: datetime.fromisoformat(date) for name, date in kept.items()}
        except (OSError, ValueError, TypeError, AttributeError):
            return {}

    def _keep(self, dates: Mapping[str, datetime]) -> None:
        """Where it cannot be written, the answer stands all the same."""
        with suppress(OSError):
            self._file.parent.mkdir(parents=True, exist_ok=True)
            beside = self._file.with_suffix(".making")
            beside.write_text(json.dumps({name: date.isoformat() for name, date in dates.items()}), encoding="utf-8")
            beside.replace(self._file)


def _dated(status: SourceStatus, last: datetime | None) -> SourceStatus:
    if not status.problem or status.as_of is not None:
        return status
    return replace(status, as_of=last, problem=since(status.problem, last))
