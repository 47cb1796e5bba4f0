"""Proposed locks stand in the record, and are found again there: what was proposed once is not proposed again."""

from collections.abc import Iterator

from repave.model.event import Event
from repave.model.names import Digest, FleetName
from repave.model.watch import Kind, Proposed
from repave.ports.store import Store

PROPOSAL = "proposal"
"""The kind of the event."""


def keep(store: Store, proposed: Proposed, closes: tuple[str, ...] = ()) -> None:
    """Before it is acted upon: who finds it acted upon knows whose doing it is."""
    closing = f", which closes {', '.join(closes)}" if closes else ""
    what = "nothing is to be moved" if proposed.lock == proposed.base else f"a new lock is proposed{closing}"
    details = {
        "what": proposed.kind.value,
        "base": proposed.base,
        "lock": proposed.lock,
        "fleets": list(proposed.fleets),
        "closes": list(closes),
    }
    store.record([Event(at=proposed.at, kind=PROPOSAL, message=f"{proposed.kind}: {what}", details=details)])


def proposals(store: Store) -> Iterator[Proposed]:
    """All of them, oldest first."""
    after = 0
    while page := store.recorded(after=after, kinds=(PROPOSAL,)):
        for one in page:
            details = one.event.details
            fleets = details["fleets"]
            yield Proposed(
                kind=Kind(str(details["what"])),
                base=Digest(str(details["base"])),
                lock=Digest(str(details["lock"])),
                fleets=tuple(FleetName(str(name)) for name in fleets) if isinstance(fleets, list | tuple) else (),
                at=one.event.at,
            )
        after = page[-1].event.sequence
