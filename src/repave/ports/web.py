"""Questions to servers that are neither registries nor clouds: sources of advisories."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from repave.ports.progress import Progress

JSON = "application/json"


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a server said, whole."""

    content: bytes
    at: datetime | None
    """When it was made, by the server's own clock, also when a cache handed it out; None where that is not said."""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """A document to be brought."""

    address: str
    name: str
    """For people: what it is."""

    most_bytes: int
    since: datetime | None = None
    """When the copy at hand was last changed: only a newer one is wanted."""


@dataclass(frozen=True, kw_only=True)
class Brought:
    """A document that was brought."""

    modified: datetime | None
    """When it was last changed, by the server's word; None where it does not say."""


class Web(Protocol):
    """Asks over HTTP, through the proxies of the environment; what the file says of an address holds here, too."""

    def ask(
        self, address: str, *, what: str, most_bytes: int, posted: bytes | None = None, accept: str = JSON
    ) -> Answer:
        """Get what is at an address, or what it answers to a posted JSON text; ``accept`` says in which form.

        Only for questions that change nothing, since it is asked again when the network fails. ``what`` is for people:
        what was attempted, on what. Raises Gone, Denied, Invalid (it understands and says no), Throttled (it asks for a
        longer rest than is borne), Unreachable (also when it fails each time), Corrupt (more than ``most_bytes``).
        """
        ...

    def bring(self, wanted: Wanted, target: Path, *, progress: Progress) -> Brought | None:
        """Write a document to ``target``, whole or not at all; None, and nothing written, when there is no newer one.

        May be called again after any failure. Raises what ``ask`` raises, and NoCapacity (no room for it).
        """
        ...
