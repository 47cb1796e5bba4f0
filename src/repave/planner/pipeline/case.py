"""One release before one environment, with all that is known of the two."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import TypeVar

from repave.model.evidence import Entry, Evidence, Failed, Record, Request, Standing
from repave.model.pipeline import Held, Rule, Stage
from repave.model.release import Release

Kind = TypeVar("Kind", bound=Record)


@dataclass(frozen=True, kw_only=True)
class Case:
    """One release before one environment."""

    stage: Stage
    before: Stage | None
    """None for the first environment of the pipeline."""

    release: Release
    evidence: Evidence
    now: datetime

    def records(self, kind: type[Kind]) -> Iterator[Kind]:
        """Those of a kind, in the order they were kept."""
        return (record for record in self.evidence.records if isinstance(record, kind))

    def standing(self, stage: Stage) -> Standing:
        """Of an environment; empty where nothing was seen."""
        return self.evidence.standings.get(stage.environment, Standing())

    @cached_property
    def request(self) -> Request | None:
        """The last word by which a person named this release for this environment."""
        here = [one for one in self.records(Request) if one.environment == self.stage.environment]
        return next((one for one in reversed(here) if one.release == self.release.number), None)

    def unanswered(self, kind: type[Kind]) -> Iterator[Kind]:
        """Those of a kind that were kept since a person last named this release for this environment.

        A word answers what was kept before it, whatever the clocks said that dated the two.
        """
        records = self.evidence.records
        answered = max((place for place, one in enumerate(records, 1) if one is self.request), default=0)
        return (record for record in records[answered:] if isinstance(record, kind))

    @property
    def failures(self) -> tuple[Failed, ...]:
        """Of this release, anywhere."""
        return tuple(one for one in self.records(Failed) if one.release == self.release.number)

    @property
    def last_failure(self) -> datetime | None:
        """When it last failed anywhere."""
        return max((one.at for one in self.failures), default=None)

    @property
    def emergency(self) -> str:
        """Why it takes the emergency lane; empty when it does not."""
        return self.request.emergency if self.request else ""

    @cached_property
    def arrived(self) -> datetime:
        """When it came before this environment."""
        if self.before is None:
            return self.release.created_at
        entries = [
            one.at
            for one in self.records(Entry)
            if one.environment == self.before.environment and one.release == self.release.number
        ]
        return max(entries, default=self.release.created_at)

    def held(
        self,
        rule: Rule,
        detail: str,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        remedy: str = "",
    ) -> Held:
        """By this rule; since now at the latest, whatever clock dated the reason."""
        return Held(
            environment=self.stage.environment,
            release=self.release.number,
            rule=rule,
            detail=detail,
            since=min(since or self.arrived, self.now),
            until=until,
            remedy=remedy,
        )


def lasting(span: timedelta) -> str:
    """For people: ``15 min``, ``1.5 h``."""
    seconds = span.total_seconds()
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:g} {unit}" if seconds % size == 0 else f"{seconds / size:.1f} {unit}"
    return f"{seconds:.0f} s"
