"""Where vulnerabilities are learned."""

from typing import Protocol

from repave.model.finding import Finding, SourceStatus
from repave.model.lock import Lock
from repave.ports.progress import Progress


class Advisories(Protocol):
    """One source of advisories."""

    def examine(self, lock: Lock, *, progress: Progress) -> tuple[tuple[Finding, ...], tuple[SourceStatus, ...]]:
        """Every finding this source has about the lock, and of when its data is.

        A source that cannot be read whole does not raise: it says so in its status, with what it still found. A status
        names the ecosystems whose packages it judged (``covers``); one that it covers but could not judge is a problem
        of the status, never silence. So are data older than the project's ``max_age``.
        """
        ...


class Searchable(Advisories, Protocol):
    """A source that can tell beforehand what a flaw is about."""

    def packages_of(self, flaw: str, *, progress: Progress) -> frozenset[str] | None:
        """The packages that a CVE, or what else a flaw is called, is about, by their own names or their sources'.

        None where that cannot be told, or not all of it: then only examining whole locks tells. Empty where no record
        has that name, letter for letter.
        """
        ...
