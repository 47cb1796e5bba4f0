"""A distribution's package archive, as far as others than its pinner need it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from repave.model.recipe import Base


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """One version of one binary package in one suite."""

    name: str
    version: str
    source: str
    source_version: str
    suite: str
    url: str
    sha256: str
    size_bytes: int
    architecture: str


@dataclass(frozen=True, kw_only=True)
class SuiteView:
    """What verified indexes of some suites list."""

    as_of: datetime
    """The date the oldest of the indexes was published."""

    candidates: Mapping[str, Candidate]
    """By package name: the newest version among the suites."""

    remarks: tuple[str, ...] = ()
    """What a person should know of how they were read, a sentence each."""


class Archive(Protocol):
    """Reads signed indexes; nothing is believed unverified."""

    def security_suites(self, base: Base) -> tuple[str, ...]:
        """The suites in which this distribution publishes security repairs for this release; may be empty."""
        ...

    def view(self, base: Base, suites: Iterable[str], names: Iterable[str]) -> SuiteView:
        """The newest of each name in ``suites``; a name that is in none of them is left out.

        Raises Corrupt (unsigned, expired, hash differs), Unreachable.
        """
        ...

    def newer(self, version: str, than: str) -> bool:
        """Whether ``version`` is newer, in the distribution's own order."""
        ...
