"""Amounts and times as people say them."""

from collections.abc import Sequence
from datetime import datetime

MINUTE, HOUR, DAY = 60, 3600, 86400


def ago(then: datetime | None, now: datetime) -> str:
    """``12 s ago``."""
    return "never" if then is None else f"{lasting((now - then).total_seconds())} ago"


def lasting(seconds: float) -> str:
    """``12 s``, ``3 min``, ``5 h``, ``2 d``."""
    if seconds < 2 * MINUTE:
        return f"{max(0.0, seconds):.0f} s"
    if seconds < 2 * HOUR:
        return f"{seconds / MINUTE:.0f} min"
    return f"{seconds / HOUR:.0f} h" if seconds < 2 * DAY else f"{seconds / DAY:.0f} d"


def counted(amount: int, noun: str, plural: str = "") -> str:
    """``1 instance``, ``2 instances``."""
    return f"{amount} {noun if amount == 1 else plural or noun + 's'}"


def listed(names: Sequence[str], *, most: int = 6) -> str:
    """``a, b, c and 4 more``."""
    shown = ", ".join(names[:most])
    return f"{shown} and {len(names) - most} more" if len(names) > most else shown


def elsewhere_words(slots: Sequence[str]) -> str:
    """Of those that nothing replaces at once."""
    return f"in zones that the file has no more: {listed(slots)}; they leave by and by, as zones are evened out"


def stranger_words(slots: Sequence[str]) -> str:
    """``no record here knows what runs as web-4, web-5: a roll-out replaces it like what is old``."""
    return f"no record here knows what runs as {listed(slots)}: a roll-out replaces it like what is old"
