"""Disruption: serving instances taken out, who took them, and the ledger that remembers it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from repave.model.names import SlotId, ZoneName

HOUR = timedelta(hours=1)
"""How far the ledger looks back."""


class Drawer(StrEnum):
    """Who draws on the one disruption budget, the most urgent first."""

    REVOKED = "revoked"
    """Its artifact must not run any more."""

    HEAL = "heal"
    """It looks sick."""

    DEADLINE = "deadline"
    """A flaw's deadline or the hard age is due."""

    OPERATOR = "operator"
    """A person asked for this very instance to be replaced."""

    SWITCH = "switch"
    """All requests go over to a whole new group, which serves already."""

    ROLLOUT = "rollout"
    """It runs an old revision."""

    SCALE_IN = "scale-in"
    """There are more than wanted."""

    AGE = "age"
    """It has reached the age at which instances are replaced."""

    REBALANCE = "rebalance"
    """The zones are uneven."""

    @property
    def urgency(self) -> int:
        """0 is the most urgent: who draws first."""
        return _URGENCY[self]


_URGENCY = {drawer: place for place, drawer in enumerate(Drawer)}


@dataclass(frozen=True, kw_only=True, slots=True)
class Disruption:
    """One instance that was taken out by a granted draw."""

    slot: SlotId
    zone: ZoneName
    drawer: Drawer
    at: datetime
