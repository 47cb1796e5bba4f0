"""How sources of advisories say that their answer is unknown."""

from collections.abc import Sequence
from datetime import datetime, timedelta

SHOWN = 3


def since(trouble: str, as_of: datetime | None) -> str:
    """Something kept it from being read: unknown since what it last said, or altogether."""
    return f"unknown since {as_of:%Y-%m-%d %H:%M} UTC: {trouble}" if as_of else f"unknown: {trouble}"


def aged(as_of: datetime | None, *, now: datetime, max_age: timedelta) -> str:
    """Older than the project believes; empty when it is not."""
    if as_of is None or now - as_of <= max_age:
        return ""
    days = max_age / timedelta(days=1)
    return f"unknown since {as_of:%Y-%m-%d %H:%M} UTC: nothing in it is newer, and `max_age` is {days:g} days"


def joined(sentences: Sequence[str]) -> str:
    """The first few, and how many more there are."""
    more = f"; and {len(sentences) - SHOWN} more" if len(sentences) > SHOWN else ""
    return "; ".join(sentences[:SHOWN]) + more
