"""The history port: what was seen and what happened."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from itertools import chain
from typing import Any, cast

from sqlalchemy import ColumnElement, Connection, Select, Table, and_, insert, or_, select, update

from repave.model.chain import Recorded
from repave.model.event import Event
from repave.model.names import Digest, FleetKey, InstanceId, ReleaseNumber, RevisionId, SlotId
from repave.model.observation import Instance, Observation, TrafficState
from repave.model.plan import Plan
from repave.model.record import seen
from repave.model.target import Order
from repave.ports.history import MARKS, MOMENTS, OVERTAKEN, Departed, Lifetime, Note, Presence, listed_at
from repave.store.chain import COUNTER, append, event_of, recorded_of, recording
from repave.store.counters import drawn
from repave.store.database import Database
from repave.store.departures import count_departures, departed
from repave.store.documents import decode, encode
from repave.store.schema import events, lifetimes, observations, plans, revisions
from repave.store.schema import releases as numbers

OLDEST_FIRST = (lifetimes.c.first_seen, lifetimes.c.fleet, lifetimes.c.instance)
PRESENT = [lifetimes.c[name] for name in Presence._fields]
LIVED = [lifetimes.c[name] for name in Lifetime._fields]
NOTED = [events.c[name] for name in Note._fields]

PART = 1000
"""Rows that are read at a time where all of them are too many."""

_presence = partial(tuple.__new__, Presence)
_lifetime = partial(tuple.__new__, Lifetime)
_note = partial(tuple.__new__, Note)
"""Of a row that has just their columns: as ``_make``, without a step of Python for each of many thousands."""


class SqlHistory:
    """The history over one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @contextmanager
    def together(self) -> Iterator[None]:
        """What is written within is written all or not at all."""
        with recording(self._database):
            yield

    @contextmanager
    def of_one_moment(self) -> Iterator[None]:
        """What is read within is of one moment."""
        with self._database.viewing():
            yield

    def see(self, observation: Observation, orders: Iterable[Order] = ()) -> None:
        """Keep the newest observation, and the lifetimes that follow from it; one that was overtaken is passed over."""
        ordered = {order.slot: order.ordered_at for order in orders}
        with recording(self._database) as connection:
            before = _kept_at(connection, observations, observation.fleet)
            if _keep_newest(connection, observations, observation):
                if before is not None and before > observation.at:
                    _date_back(connection, observation)
                append(connection, _live(connection, observation, ordered), by=self._database.by)

    def last_seen(self, fleet: FleetKey) -> Observation | None:
        """The newest observation."""
        document = self._newest(observations, fleet)
        return None if document is None else decode(Observation, document)

    def keep_plan(self, plan: Plan) -> None:
        """Keep the newest plan."""
        with self._database.writing() as connection:
            _keep_newest(connection, plans, plan)

    def last_plan(self, fleet: FleetKey) -> Plan | None:
        """The newest plan."""
        document = self._newest(plans, fleet)
        return None if document is None else decode(Plan, document)

    def observed(self) -> tuple[FleetKey, ...]:
        """Every fleet of which an instance was ever seen, sorted."""
        with self._database.reading() as connection:
            return tuple(sorted(connection.scalars(select(lifetimes.c.fleet).distinct())))

    def lifetimes(
        self,
        fleet: FleetKey | None = None,
        *,
        living: bool = False,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> tuple[Lifetime, ...]:
        """Of one fleet or all, oldest first."""
        query = select(*LIVED).order_by(*OLDEST_FIRST)
        if fleet is not None:
            query = query.where(lifetimes.c.fleet == fleet)
        if living:
            query = query.where(lifetimes.c.gone_at.is_(None))
        if since is not None:
            query = query.where(or_(lifetimes.c.gone_at.is_(None), lifetimes.c.gone_at > since))
        if until is not None:
            query = query.where(lifetimes.c.first_seen < until)
        return self._lived(query)

    def alive(self, releases: Collection[ReleaseNumber], at: datetime | None = None) -> tuple[Presence, ...]:
        """Those that run one of the releases, or ran it at that time, oldest first."""
        there = lifetimes.c.gone_at.is_(None) if at is None else _there(at)
        query = select(*PRESENT).where(_of(releases, at), there).order_by(*OLDEST_FIRST)
        with self._database.reading() as connection:
            return tuple(map(_presence, connection.execute(query).all()))

    def departed(self, releases: Collection[ReleaseNumber], at: datetime | None = None) -> tuple[Departed, ...]:
        """Those that ran one of the releases and are gone, or were by then, counted; by release and fleet."""
        with self._database.reading() as connection:
            return departed(connection, releases, at)

    def named(self, name: str) -> tuple[Lifetime, ...]:
        """Those whose instance or slot has that name, oldest first."""
        either = or_(lifetimes.c.instance == name, lifetimes.c.slot == name)
        return self._lived(select(*LIVED).where(either).order_by(*OLDEST_FIRST))

    def record(self, events_: Iterable[Event]) -> None:
        """Add to the story."""
        story = tuple(events_)
        if story:
            with self._database.writing() as connection:
                append(connection, story, by=self._database.by)

    def events(self, fleet: FleetKey | None = None, *, after: int = 0, limit: int = 1000) -> tuple[Event, ...]:
        """The story after a sequence number, oldest first."""
        told = (events.c.sequence > after) & (events.c.message != "")
        query = select(events).where(told).order_by(events.c.sequence).limit(limit)
        if fleet is not None:
            query = query.where(events.c.fleet == fleet)
        with self._database.reading() as connection:
            return tuple(event_of(row) for row in connection.execute(query))

    def recorded(
        self, *, after: int = 0, limit: int = 1000, kinds: Collection[str] = (), fleet: FleetKey | None = None
    ) -> tuple[Recorded, ...]:
        """All that is recorded after a sequence number, or what is of these kinds and this fleet or none."""
        query = select(events).where(events.c.sequence > after).order_by(events.c.sequence).limit(limit)
        if kinds:
            query = query.where(events.c.kind.in_(kinds))
        if fleet is not None:
            query = query.where(or_(events.c.fleet.is_(None), events.c.fleet == fleet))
        with self._database.reading() as connection:
            return tuple(recorded_of(row) for row in connection.execute(query))

    def notes(self, kinds: Collection[str], *, since: datetime, until: datetime) -> Iterator[Note]:
        """What events of these kinds and of that time say of slots, in the order of the record."""
        which = _within(since, until) & events.c.kind.in_(kinds) & events.c.fleet.is_not(None)
        query = select(*NOTED).where(which).order_by(events.c.sequence).execution_options(yield_per=PART)
        with self._database.reading() as connection:
            yield from map(_note, connection.execute(query))

    def spanned(self, since: datetime, until: datetime) -> tuple[int, int]:
        """Looked for from both ends of the record: most of what is not of that time is read, and nothing of what is."""
        found = select(events.c.sequence).where(_within(since, until)).limit(1)
        with self._database.reading() as connection:
            first = connection.scalar(found.order_by(events.c.sequence))
            last = connection.scalar(found.order_by(events.c.sequence.desc()))
        return first or 0, last or 0

    def newest_of(self, fleet: FleetKey, kinds: Collection[str]) -> Event | None:
        """The last event of one of these kinds."""
        which = (events.c.fleet == fleet) & events.c.kind.in_(kinds)
        with self._database.reading() as connection:
            row = connection.execute(select(events).where(which).order_by(events.c.sequence.desc()).limit(1)).first()
            return None if row is None else event_of(row)

    def newest_event(self) -> int:
        """The sequence number of the newest event of all."""
        with self._database.reading() as connection:
            return drawn(connection, COUNTER)

    def _lived(self, query: Select[Any]) -> tuple[Lifetime, ...]:
        """Its columns are those of a lifetime, in the same order; a name apart costs as much as its whole row."""
        with self._database.reading() as connection:
            parts = connection.execute(query.execution_options(yield_per=PART)).partitions()
            return tuple(map(_lifetime, chain.from_iterable(parts)))

    def _newest(self, table: Table, fleet: FleetKey) -> str | None:
        with self._database.reading() as connection:
            found = connection.scalar(select(table.c.document).where(table.c.fleet == fleet))
        return cast("str | None", found)


def _within(since: datetime, until: datetime) -> ColumnElement[bool]:
    return and_(events.c.at >= since, events.c.at < until)


def _of(releases: Collection[ReleaseNumber], at: datetime | None) -> ColumnElement[bool]:
    """Of these. Where it is about a time, most are over by then or not begun: two looks into an index tell."""
    if at is None:
        return lifetimes.c.release.in_(releases)
    other = lifetimes.alias()
    theirs = select(other.c.release).where(other.c.release == numbers.c.number)
    begun = theirs.where(other.c.first_seen <= at).exists()
    ended = ~theirs.where(other.c.gone_at.is_(None)).exists() & ~theirs.where(other.c.gone_at > at).exists()
    there = select(numbers.c.number).where(numbers.c.number.in_(releases), begun, ~ended)
    return lifetimes.c.release.in_(there)


def _there(at: datetime) -> ColumnElement[bool]:
    """From the first sight to the list that lacked it."""
    return and_(lifetimes.c.first_seen <= at, or_(lifetimes.c.gone_at.is_(None), lifetimes.c.gone_at > at))


def _kept_at(connection: Connection, table: Table, fleet: FleetKey) -> datetime | None:
    return cast("datetime | None", connection.scalar(select(table.c.at).where(table.c.fleet == fleet)))


def _keep_newest(connection: Connection, table: Table, kept: Observation | Plan) -> bool:
    """Whether it was the newest, or what was kept was dated by a clock that was ahead."""
    values = {"at": kept.at, "document": encode(kept)}
    overtaken = and_(table.c.at > kept.at, table.c.at <= kept.at + OVERTAKEN)
    written = connection.execute(update(table).where(table.c.fleet == kept.fleet, ~overtaken).values(**values))
    if written.rowcount:
        return True
    if _kept_at(connection, table, kept.fleet) is not None:
        return False
    connection.execute(insert(table).values(fleet=kept.fleet, **values))
    return True


def _date_back(connection: Connection, observation: Observation) -> None:
    """What a clock that was ahead dated later than now was seen by now at the latest."""
    fleet, at = observation.fleet, listed_at(observation)
    ours = lifetimes.c.fleet == fleet
    counted = ours & or_(lifetimes.c.first_seen > at, lifetimes.c.gone_at > at)
    releases = connection.scalars(select(lifetimes.c.release).where(counted).distinct()).all()
    for name in MOMENTS:
        connection.execute(update(lifetimes).where(ours, lifetimes.c[name] > at).values({name: at}))
    count_departures(connection, fleet, releases)


def _live(connection: Connection, observation: Observation, ordered: Mapping[SlotId, datetime]) -> tuple[Event, ...]:
    """Begin, carry on and end lifetimes; only a complete list ends one. Answers what is to be recorded of it."""
    fleet, at, shown_at = observation.fleet, listed_at(observation), min(observation.traffic.at, observation.at)
    shown = {backend.instance: backend.state for backend in observation.traffic.backends}
    listed = {instance.id: instance for instance in observation.machines.instances}
    which = or_(lifetimes.c.gone_at.is_(None), lifetimes.c.instance.in_(listed))
    rows = connection.execute(select(lifetimes).where(lifetimes.c.fleet == fleet, which))
    known = {InstanceId(row.instance): row for row in rows}
    began = [
        _birth(instance, shown.get(name), observation, ordered.get(instance.slot, instance.started_at))
        for name, instance in listed.items()
        if name not in known
    ]
    if began:
        connection.execute(insert(lifetimes), began)

    def change(instances: set[InstanceId], **values: object) -> None:
        if instances:
            which = and_(lifetimes.c.fleet == fleet, lifetimes.c.instance.in_(instances))
            connection.execute(update(lifetimes).where(which).values(**values))

    change(listed.keys() & known.keys(), last_seen=at, gone_at=None)
    for mark, states in MARKS.items():
        so = {name for name in listed.keys() & known.keys() if shown.get(name) in states}
        change({name for name in so if getattr(known[name], mark) is None}, **{mark: shown_at})
    ended = set() if observation.machines.incomplete else known.keys() - listed.keys()
    change(ended, gone_at=at)
    count_departures(connection, fleet, {known[name].release for name in ended})
    back = {name for name in listed.keys() & known.keys() if known[name].gone_at is not None}
    count_departures(connection, fleet, {known[name].release for name in back})
    running = {name: listed[name].revision for name in listed.keys() - known.keys() | back}
    artifacts = _artifacts(connection, fleet, set(running.values()))
    return seen(observation, {name: artifacts.get(revision) for name, revision in running.items()}, ended)


def _artifacts(connection: Connection, fleet: FleetKey, wanted: Collection[RevisionId]) -> Mapping[RevisionId, Digest]:
    """What the fleet's revisions are made of; those that it was never asked to run are left out."""
    if not wanted:
        return {}
    which = (revisions.c.fleet == fleet) & revisions.c.id.in_(wanted)
    rows = connection.execute(select(revisions.c.id, revisions.c.artifact).where(which))
    return {RevisionId(row.id): Digest(row.artifact) for row in rows}


def _birth(
    instance: Instance, shown: TrafficState | None, observation: Observation, launched_at: datetime
) -> dict[str, object]:
    return {
        "fleet": observation.fleet,
        "instance": instance.id,
        "slot": instance.slot,
        "revision": instance.revision,
        "release": instance.release,
        "zone": instance.zone,
        "first_seen": listed_at(observation),
        "last_seen": listed_at(observation),
        "gone_at": None,
        "launched_at": min(launched_at, listed_at(observation)),
        **{mark: observation.traffic.at if shown in states else None for mark, states in MARKS.items()},
    }
