"""Events: the story of what happened, in the order it was recorded."""

from dataclasses import dataclass
from datetime import datetime

from repave.model.names import FleetKey


@dataclass(frozen=True, kw_only=True)
class Event:
    """One thing that happened to one fleet."""

    at: datetime
    fleet: FleetKey
    kind: str
    """A word: ``deploy``, ``launch``, ``serving``, ``drain``, ``terminate``, ``failure``, ``stop``, ``rollback`` ..."""

    message: str
    slot: str = ""
    sequence: int = 0
    """Counts up in the store; 0 before it is stored."""
