"""What a person asks of a fleet beside what it is to run, over one database."""

from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select, update

from repave.model.names import FleetKey, SlotId, ZoneName
from repave.model.plan import Plan
from repave.model.target import Target, ZoneOut
from repave.model.wishes import Protection, Replacement
from repave.store.database import Database
from repave.store.documents import encode
from repave.store.schema import protections, replacements, zones_out
from repave.store.targets import change_target, existing_target


class SqlWishes:
    """The wishes port."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def pause(
        self, fleet: FleetKey, at: datetime, *, paused: bool, until: datetime | None = None, reason: str = ""
    ) -> Target:
        """Pause or resume. Raises Gone."""
        with self._database.writing() as connection:
            found = existing_target(connection, fleet)
            if (found.paused, found.paused_until, found.paused_reason) != (paused, until, reason):
                since = (found.paused_since or at) if paused else None
                values = {"paused": paused, "paused_since": since, "paused_until": until, "paused_reason": reason}
                change_target(connection, fleet, **values)
            return existing_target(connection, fleet)

    def pass_checkpoint(self, fleet: FleetKey) -> Target:
        """Let the canary go on. Raises Gone."""
        with self._database.writing() as connection:
            stage = existing_target(connection, fleet).canary
            if stage.approved <= stage.step:
                change_target(connection, fleet, canary=encode(replace(stage, approved=stage.step + 1)))
            return existing_target(connection, fleet)

    def allow_healing(self, fleet: FleetKey, at: datetime) -> Target:
        """What looks sick now may be replaced, whatever the limit. Raises Gone."""
        with self._database.writing() as connection:
            existing_target(connection, fleet)
            change_target(connection, fleet, healing_allowed=at, healing_stopped=None)
            return existing_target(connection, fleet)

    def take_out(self, fleet: FleetKey, out: ZoneOut) -> Target:
        """Take a zone out; once more changes until when, and why, but not since when. Raises Gone."""
        row = {"until": out.until, "reason": out.reason}
        one = (zones_out.c.fleet == fleet) & (zones_out.c.zone == out.zone)
        with self._database.writing() as connection:
            known = {each.zone: each for each in existing_target(connection, fleet).zones_out}.get(out.zone)
            if known is None:
                connection.execute(insert(zones_out), {"fleet": fleet, "zone": out.zone, "since": out.since, **row})
            elif known != replace(out, since=known.since):
                connection.execute(update(zones_out).where(one).values(**row))
            else:
                return existing_target(connection, fleet)
            change_target(connection, fleet)
            return existing_target(connection, fleet)

    def bring_back(self, fleet: FleetKey, zone: ZoneName) -> Target:
        """Let the zone be used again; one that is not out changes nothing. Raises Gone."""
        with self._database.writing() as connection:
            existing_target(connection, fleet)
            one = (zones_out.c.fleet == fleet) & (zones_out.c.zone == zone)
            if connection.execute(delete(zones_out).where(one)).rowcount:
                change_target(connection, fleet)
            return existing_target(connection, fleet)

    def protect(self, fleet: FleetKey, protection: Protection) -> Target:
        """Keep it from what can wait, and ask no more for it to be replaced. Raises Gone."""
        with self._database.writing() as connection:
            existing_target(connection, fleet)
            _unprotect(connection, fleet, protection.slot)
            asked = (replacements.c.fleet == fleet) & (replacements.c.slot == protection.slot)
            connection.execute(delete(replacements).where(asked))
            row = {
                "fleet": fleet,
                "slot": protection.slot,
                "since": protection.since,
                "until": protection.until,
                "reason": protection.reason,
            }
            connection.execute(insert(protections), row)
            change_target(connection, fleet)
            return existing_target(connection, fleet)

    def unprotect(self, fleet: FleetKey, slot: SlotId) -> Target:
        """Undo it. Raises Gone."""
        with self._database.writing() as connection:
            existing_target(connection, fleet)
            if _unprotect(connection, fleet, slot):
                change_target(connection, fleet)
            return existing_target(connection, fleet)

    def ask_replacement(self, fleet: FleetKey, replacement: Replacement) -> Target:
        """Have it replaced. Raises Gone."""
        with self._database.writing() as connection:
            found = existing_target(connection, fleet)
            if all(known.slot != replacement.slot for known in found.replacements):
                row = {
                    "fleet": fleet,
                    "slot": replacement.slot,
                    "since": replacement.since,
                    "reason": replacement.reason,
                }
                connection.execute(insert(replacements), row)
                change_target(connection, fleet)
            return existing_target(connection, fleet)


def commit_wishes(connection: Connection, plan: Plan) -> None:
    """What is over or done is forgotten."""
    over = (protections.c.fleet == plan.fleet) & (protections.c.until <= plan.at)
    connection.execute(delete(protections).where(over))
    if plan.replaced:
        done = (replacements.c.fleet == plan.fleet) & replacements.c.slot.in_(plan.replaced)
        connection.execute(delete(replacements).where(done))
        gone = (protections.c.fleet == plan.fleet) & protections.c.slot.in_(plan.replaced)
        connection.execute(delete(protections).where(gone))


def _unprotect(connection: Connection, fleet: FleetKey, slot: SlotId) -> bool:
    one = (protections.c.fleet == fleet) & (protections.c.slot == slot)
    known = connection.execute(select(protections.c.slot).where(one)).one_or_none() is not None
    connection.execute(delete(protections).where(one))
    return known
