"""Lifetimes that have ended, counted when they end: by release and fleet."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Connection, delete, func, insert, literal, select

from repave.model.names import FleetKey, ReleaseNumber
from repave.ports.history import Departed, summed
from repave.store.schema import departures, lifetimes

KIND = (lifetimes.c.release, lifetimes.c.fleet)
COUNTED = (func.count(), func.min(lifetimes.c.first_seen), func.max(lifetimes.c.gone_at))
TOLD = [departures.c[name] for name in Departed._fields]


def count_departures(connection: Connection, fleet: FleetKey, releases: Collection[int]) -> None:
    """Anew, of one fleet and these releases: instances of them have gone, or are back."""
    if not releases:
        return
    ours = (departures.c.fleet == fleet) & departures.c.release.in_(releases)
    connection.execute(delete(departures).where(ours))
    gone = (lifetimes.c.fleet == fleet) & lifetimes.c.release.in_(releases) & lifetimes.c.gone_at.is_not(None)
    counted = select(*KIND, literal(fleet.environment), *COUNTED).where(gone).group_by(*KIND)
    connection.execute(insert(departures).from_select([column.name for column in departures.c], counted))


def departed(connection: Connection, releases: Collection[ReleaseNumber], at: datetime | None) -> tuple[Departed, ...]:
    """Those of the releases that are gone, or were by then; sorted by release and fleet."""
    asked = departures.c.release.in_(releases)
    told = select(*TOLD).where(asked)
    if at is None:
        return summed(Departed(*row) for row in connection.execute(told).all())
    over = [Departed(*row) for row in connection.execute(told.where(departures.c.gone_at <= at)).all()]
    # Of the others, some were gone by then: only these are looked through.
    begun = connection.execute(
        select(departures.c.release, departures.c.fleet).where(
            asked, departures.c.first_seen <= at, departures.c.gone_at > at
        )
    ).all()
    if begun:
        some = lifetimes.c.release.in_({row.release for row in begun}) & lifetimes.c.fleet.in_(
            {row.fleet for row in begun}
        )
        then = select(lifetimes.c.fleet, lifetimes.c.release, *COUNTED).where(some, lifetimes.c.gone_at <= at)
        kinds = {(row.release, row.fleet) for row in begun}
        for fleet, release, *counted in connection.execute(then.group_by(*KIND)).all():
            if (release, fleet) in kinds:
                over.append(Departed(fleet, release, *counted))
    return summed(over)
