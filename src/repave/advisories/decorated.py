"""What is said about flaws beside who has them, added to what the sources of advisories found."""

from collections.abc import Iterable
from typing import Protocol

from repave.advisories.merging import merged
from repave.model.finding import Finding, SourceStatus
from repave.model.lock import Lock
from repave.ports.advisories import Advisories, Searchable
from repave.ports.progress import Progress


class Decoration(Protocol):
    """One such saying."""

    def decorate(
        self, findings: tuple[Finding, ...], lock: Lock, *, whole: bool
    ) -> tuple[tuple[Finding, ...], tuple[SourceStatus, ...]]:
        """The findings with what it says of them, and of when that is.

        ``whole`` says that every source could be read, so that what was not found is not there. What it cannot be read
        of is in its status; it does not raise.
        """
        ...


class DecoratedAdvisories:
    """The advisories port over several sources: their findings, each flaw once, decorated in turn."""

    def __init__(self, sources: Iterable[Advisories], decorations: Iterable[Decoration]) -> None:
        self._sources = tuple(sources)
        self._decorations = tuple(decorations)

    def examine(self, lock: Lock, *, progress: Progress) -> tuple[tuple[Finding, ...], tuple[SourceStatus, ...]]:
        """What all sources found, and all statuses; see the port."""
        findings: tuple[Finding, ...] = ()
        statuses: tuple[SourceStatus, ...] = ()
        for source in self._sources:
            found, told = source.examine(lock, progress=progress)
            findings, statuses = (*findings, *found), (*statuses, *told)
        findings = merged(findings)
        if not self._decorations:
            return findings, statuses
        whole = not any(status.problem for status in statuses)
        with progress.task("Looking up what is known of the flaws"):
            for decoration in self._decorations:
                findings, told = decoration.decorate(findings, lock, whole=whole)
                statuses = (*statuses, *told)
        return findings, statuses


class SearchableAdvisories(DecoratedAdvisories):
    """The same over sources that can be searched."""

    def __init__(self, sources: Iterable[Searchable], decorations: Iterable[Decoration]) -> None:
        self._searched = tuple(sources)
        super().__init__(self._searched, decorations)

    def packages_of(self, flaw: str, *, progress: Progress) -> frozenset[str] | None:
        """What any of them names; None where one cannot tell."""
        named = [source.packages_of(flaw, progress=progress) for source in self._searched]
        known = [names for names in named if names is not None]
        return frozenset().union(*known) if len(known) == len(named) else None
