"""Wishes: what a person asked of single instances, kept until it is over or done."""

from dataclasses import dataclass
from datetime import datetime

from repave.model.names import SlotId


@dataclass(frozen=True, kw_only=True)
class Protection:
    """One instance is not to be taken out for anything that can wait."""

    slot: SlotId
    since: datetime
    until: datetime
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class Replacement:
    """One instance is to be replaced, whatever it runs."""

    slot: SlotId
    since: datetime
    reason: str = ""
