"""The record's table: events are added at its end, each chained to the one before it."""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

from sqlalchemy import Connection, Row, bindparam, insert, select

from repave.model.chain import ORIGIN, Recorded, chained
from repave.model.event import Event, exact
from repave.model.statement import canonical
from repave.ports.errors import Corrupt
from repave.store.columns import storable
from repave.store.counters import draw, hold
from repave.store.database import Database
from repave.store.schema import events as table

COUNTER = "event"
"""Whoever draws from it waits for our commit: so the event before ours is committed, or there is none."""

_HASH_OF = select(table.c.hash).where(table.c.sequence == bindparam("number"))


@contextmanager
def recording(database: Database) -> Iterator[Connection]:
    """A transaction that adds to the record: from its beginning, others who do wait for our commit.

    Who took rows first and waited for the record then could wait for one who holds the record and wants those rows.
    """
    with database.writing() as connection:
        hold(connection, COUNTER)
        yield connection


def append(connection: Connection, events: Iterable[Event], *, by: str) -> None:
    """Add them in the caller's transaction; those that do not say who caused them were caused by ``by``."""
    story = tuple(events)
    if not story:
        return
    first = draw(connection, COUNTER, len(story))
    before = connection.scalar(_HASH_OF, {"number": first - 1})
    numbered = (
        # The hash covers the words as they are kept.
        replace(event, sequence=number, by=event.by or by, message=storable(event.message))
        for number, event in enumerate(story, first)
    )
    connection.execute(insert(table), [_row(one) for one in chained(numbered, before or ORIGIN)])


def event_of(row: Row[tuple[object, ...]]) -> Event:
    """The event of a row. Raises Corrupt where its details are not what repave writes."""
    return Event(
        at=row.at,
        fleet=row.fleet,
        kind=row.kind,
        message=row.message,
        slot=row.slot,
        by=row.by,
        details=_details(row.sequence, row.details),
        sequence=row.sequence,
    )


def _no_fraction(written: str) -> object:
    raise ValueError(f"the record holds no fractions, and no {written}")


EXACT = json.JSONDecoder(parse_float=_no_fraction, parse_constant=_no_fraction)


def _details(number: int, written: str) -> Mapping[str, object]:
    try:
        details = EXACT.decode(written)
    except (ValueError, RecursionError):
        details = None
    if isinstance(details, dict):
        return details
    raise Corrupt(
        f"the record in the store was tampered with: event {number}: its details are not as they were written",
        hint="restore the store from a backup; what is signed stays as it is",
    )


def recorded_of(row: Row[tuple[object, ...]]) -> Recorded:
    """The event of a row, with the hash that was kept."""
    return Recorded(event=event_of(row), hash=row.hash)


def _row(recorded: Recorded) -> dict[str, object]:
    event = recorded.event
    return {
        "sequence": event.sequence,
        "at": event.at,
        "fleet": event.fleet,
        "kind": event.kind,
        "slot": event.slot,
        "message": event.message,
        "by": event.by,
        "details": canonical(exact(event.details)).decode(),
        "hash": recorded.hash,
    }
