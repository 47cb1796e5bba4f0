"""Questions to servers that are neither registries nor clouds: sources of advisories."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a server said, whole."""

    content: bytes
    at: datetime | None
    """When it was made, by the server's own clock, also when a cache handed it out; None where that is not said."""


class Web(Protocol):
    """Asks over HTTP, through the proxies of the environment."""

    def ask(self, address: str, *, what: str, most_bytes: int, posted: bytes | None = None) -> Answer:
        """Get what is at an address, or what it answers to a posted JSON text.

        Only for questions that change nothing, since it is asked again when the network fails. ``what`` is for people:
        what was attempted, on what. Raises Gone, Denied, Invalid (it understands and says no), Throttled (it asks for a
        longer rest than is borne), Unreachable (also when it fails each time), Corrupt (more than ``most_bytes``).
        """
        ...
