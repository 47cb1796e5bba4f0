"""Of each flaw in each fleet one judgement, for the whole report."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from functools import cached_property, reduce

from repave.model.exposure import Flaw
from repave.model.finding import Severity
from repave.model.names import Digest, FleetKey
from repave.operations.reporting.facts import Facts


class Flaws(tuple[Flaw, ...]):  # noqa: SLOT001 - what is counted of them is kept with them
    """Of one artifact, oldest first. Fleets that ran the same share them, so they are counted once for all of these."""

    @cached_property
    def published(self) -> Mapping[Severity, list[datetime]]:
        """When those of each severity were, as severities are counted."""
        found: dict[Severity, list[datetime]] = {severity: [] for severity in Severity}
        for flaw in self:
            found[flaw.severity.counted].append(flaw.published_at)
        return found

    @cached_property
    def _public(self) -> dict[datetime, tuple[int, int, int]]:
        return {}

    def public(self, at: datetime) -> tuple[int, int, int]:
        """How many were published by then: critical ones, high ones, others. Thousands of servers ended at once."""
        counts = self._public.get(at)
        if counts is None:
            critical, high = (bisect_right(self.published[each], at) for each in (Severity.CRITICAL, Severity.HIGH))
            every = bisect_right(self, at, key=lambda flaw: flaw.published_at)
            counts = self._public[at] = (critical, high, every - critical - high)
        return counts


Known = Mapping[tuple[FleetKey, Digest], Flaws]


def known_flaws(facts: Facts) -> Known:
    """Of what ran: each flaw as the whole fleet knows it."""
    ran: dict[FleetKey, set[Digest]] = defaultdict(set)
    for group in facts.groups:
        if group.made is not None:
            ran[group.fleet].add(group.made.artifact)
    # Fleets of one image ran the same: that is judged once for all of them.
    alike = {
        artifacts: dict(_of_artifacts(facts, artifacts)) for artifacts in {frozenset(each) for each in ran.values()}
    }
    return {
        (fleet, artifact): flaws
        for fleet, artifacts in ran.items()
        for artifact, flaws in alike[frozenset(artifacts)].items()
    }


def _of_artifacts(facts: Facts, artifacts: Iterable[Digest]) -> Iterator[tuple[Digest, Flaws]]:
    said: dict[str, list[Flaw]] = defaultdict(list)
    for artifact in artifacts:
        for flaw in facts.flaws.get(artifact, ()):
            said[flaw.advisory].append(flaw)
    known = {advisory: _together(flaws) for advisory, flaws in said.items()}
    for artifact in artifacts:
        found = (known[flaw.advisory] for flaw in facts.flaws.get(artifact, ()))
        yield artifact, Flaws(sorted(found, key=lambda flaw: (flaw.published_at, flaw.advisory)))


def _together(said: list[Flaw]) -> Flaw:
    """With the earliest moments and the worst severity: some may have been examined last before it was rated."""
    worst = max(said, key=lambda flaw: list(Severity).index(flaw.severity))
    return reduce(Flaw.known_since, said, worst)
