"""The record as a chain: each event's hash covers its content and the hash before it.

An event's content is canonical JSON (RFC 8785 as far as it is used: keys sorted, no spaces, UTF-8, numbers are integers
only); its moment is UTC with six digits of a second. docs/explanation/record.md has the rule for those who check it.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256

from repave.model.event import Event, exact, written_moment
from repave.model.statement import canonical

ORIGIN = "0" * 64
"""What stands for the hash before the first event."""

DOMAIN = b"repave record 1\n"
"""So that no hash of a record passes for a hash of something else."""


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """An event as it stands in the record."""

    event: Event
    hash: str
    """64 hex digits: over the hash of the event before it and this one's content."""


def chained(events: Iterable[Event], previous: str) -> Iterator[Recorded]:
    """The events, numbered already, as they continue the record after the hash ``previous``."""
    for event in events:
        previous = link(previous, canonical(content(event)))
        yield Recorded(event=event, hash=previous)


def link(previous: str, written: bytes) -> str:
    """The hash of an event whose content was ``written``."""
    return sha256(DOMAIN + previous.encode() + b"\n" + written).hexdigest()


def content(event: Event) -> Mapping[str, object]:
    """What the record says of an event."""
    return {
        "at": written_moment(event.at),
        "by": event.by,
        "details": exact(event.details),
        "fleet": "" if event.fleet is None else str(event.fleet),
        "kind": event.kind,
        "message": event.message,
        "number": event.sequence,
        "slot": event.slot,
    }
