"""What columns hold that no database has a type of its own for."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import DateTime, Dialect, String, Text, TypeDecorator

from repave.model.names import EnvironmentName, FleetKey, FleetName, ProjectName

MOMENTS = 16384
"""As many moments: all instances of one look were seen at the same."""

FLEETS = 4096
"""Keys that are remembered: each row of a large fleet's history names the same."""


class Moment(TypeDecorator[datetime]):
    """A moment, kept in UTC and given back aware, also by databases that know no zones."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """To UTC; SQLite writes it without a zone."""
        del dialect
        return None if value is None else value.astimezone(UTC)

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], datetime | None] | None:
        """Back in UTC, in one step: a look at a large fleet reads a hundred thousand of them.

        PostgreSQL's driver does that by itself: the zone of each session is UTC.
        """
        del coltype
        return _written if dialect.name == "sqlite" else None


@lru_cache(MOMENTS)
def _written(value: str | None) -> datetime | None:
    return None if value is None else datetime.fromisoformat(value).replace(tzinfo=UTC)


def storable(words: str) -> str:
    """The same for every database: PostgreSQL keeps no NUL characters, which a log or a foreign message may hold."""
    return words.replace("\0", "\N{REPLACEMENT CHARACTER}")


class Words(TypeDecorator[str]):
    """What people or other programs say, in their own words."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Without what not every database keeps."""
        del dialect
        return None if value is None else storable(value)


class FleetColumn(TypeDecorator[FleetKey]):
    """A fleet's key as ``project/environment/fleet``; the file admits no slash in names."""

    impl = String
    cache_ok = True

    def process_bind_param(self, value: FleetKey | None, dialect: Dialect) -> str | None:
        """As people write it."""
        del dialect
        return None if value is None else str(value)

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], FleetKey | None]:
        """Taken apart again."""
        del dialect, coltype
        return _fleet


@lru_cache(FLEETS)
def _fleet(value: str | None) -> FleetKey | None:
    if value is None:
        return None
    project, environment, fleet = value.split("/")
    return FleetKey(project=ProjectName(project), environment=EnvironmentName(environment), fleet=FleetName(fleet))
