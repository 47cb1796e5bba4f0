"""What a dated document says, and whether that can be relied on now."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Generic, Protocol, TypeVar

from repave.advisories.documents import Document
from repave.advisories.problems import aged, since
from repave.model.finding import SourceStatus
from repave.ports.clock import Clock
from repave.ports.errors import WorldError

AHEAD = timedelta(days=1)
"""A clock may be off, and a date be of another time zone; what is dated later than that is a slip."""


class Known(Protocol):
    """What a document says."""

    @property
    def as_of(self) -> datetime:
        """Of when it is, by its own word."""
        ...


Said = TypeVar("Said", bound=Known)


class Knowledge(Generic[Said]):
    """One document, parsed once per content."""

    def __init__(
        self, document: Document, *, parse: Callable[[bytes], Said], clock: Clock, max_age_seconds: float
    ) -> None:
        """``parse`` raises Corrupt."""
        self._document = document
        self._parse = parse
        self._clock = clock
        self._max_age = timedelta(seconds=max_age_seconds)
        self._last: tuple[bytes, Said] | None = None

    def read(self) -> tuple[Said | None, SourceStatus]:
        """What it says, None when nothing can be read of it, and of when that is."""
        name = self._document.name
        try:
            copy = self._document.read()
            said = self._parsed(copy.content)
        except WorldError as failure:
            return None, SourceStatus(name=name, as_of=None, problem=since(failure.message, None))
        problems = [since(copy.trouble, said.as_of)] if copy.trouble else []
        now = self._clock.now()
        if said.as_of > now + AHEAD:
            problems.append(f"unknown: it is dated {said.as_of:%Y-%m-%d}, which is still to come")
        elif old := aged(said.as_of, now=now, max_age=self._max_age):
            problems.append(old)
        return said, SourceStatus(name=name, as_of=said.as_of, problem="; ".join(problems))

    def _parsed(self, content: bytes) -> Said:
        if self._last is None or self._last[0] != content:
            self._last = (content, self._parse(content))
        return self._last[1]
