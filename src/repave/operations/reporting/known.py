"""Of each flaw in each fleet one judgement, for the whole report."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import reduce

from repave.model.exposure import Flaw
from repave.model.finding import Severity
from repave.model.names import Digest, FleetKey
from repave.operations.reporting.facts import Facts

Known = Mapping[tuple[FleetKey, Digest], tuple[Flaw, ...]]
"""Oldest first."""


def known_flaws(facts: Facts) -> Known:
    """Of what ran: each flaw as the whole fleet knows it."""
    ran: dict[FleetKey, set[Digest]] = defaultdict(set)
    for life in facts.lifetimes:
        made = facts.made.get((life.fleet, life.revision))
        if made is not None:
            ran[life.fleet].add(made.artifact)
    # Fleets of one image ran the same: that is judged once for all of them.
    alike = {
        artifacts: dict(_of_artifacts(facts, artifacts)) for artifacts in {frozenset(each) for each in ran.values()}
    }
    return {
        (fleet, artifact): flaws
        for fleet, artifacts in ran.items()
        for artifact, flaws in alike[frozenset(artifacts)].items()
    }


def _of_artifacts(facts: Facts, artifacts: Iterable[Digest]) -> Iterator[tuple[Digest, tuple[Flaw, ...]]]:
    said: dict[str, list[Flaw]] = defaultdict(list)
    for artifact in artifacts:
        for flaw in facts.flaws.get(artifact, ()):
            said[flaw.advisory].append(flaw)
    known = {advisory: _together(flaws) for advisory, flaws in said.items()}
    for artifact in artifacts:
        found = (known[flaw.advisory] for flaw in facts.flaws.get(artifact, ()))
        yield artifact, tuple(sorted(found, key=lambda flaw: (flaw.published_at, flaw.advisory)))


def _together(said: list[Flaw]) -> Flaw:
    """With the earliest moments and the worst severity: some may have been examined last before it was rated."""
    worst = max(said, key=lambda flaw: list(Severity).index(flaw.severity))
    return reduce(Flaw.known_since, said, worst)
