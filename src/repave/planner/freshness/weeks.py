"""Weeks as people of one time zone have them: from Monday at midnight to the next."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo


def week_begins(moment: datetime, zone: ZoneInfo) -> datetime:
    """The beginning of the week that ``moment`` is in, in UTC."""
    day = moment.astimezone(zone).date()
    monday = day - timedelta(days=day.weekday())
    return datetime.combine(monday, time.min, zone).astimezone(UTC)


def week_ends(moment: datetime, zone: ZoneInfo) -> datetime:
    """The beginning of the next week, in UTC."""
    day = moment.astimezone(zone).date()
    monday = day + timedelta(days=7 - day.weekday())
    return datetime.combine(monday, time.min, zone).astimezone(UTC)
