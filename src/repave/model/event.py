"""Events: the record of what happened, in the order it was recorded."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from repave.model.names import FleetKey


@dataclass(frozen=True, kw_only=True)
class Event:
    """One thing that happened, to one fleet or to the project as a whole."""

    at: datetime
    kind: str
    """A word: ``deploy``, ``launch``, ``serving``, ``drain``, ``terminate``, ``failure``, ``stop``, ``rollback`` ..."""

    message: str = ""
    """For people. What has none is for the record alone: the story passes it over."""

    fleet: FleetKey | None = None
    """None for what concerns the project as a whole."""

    slot: str = ""
    by: str = ""
    """Who or what caused it: a person, a key; empty before it is stored, and of events from before this was kept."""

    details: Mapping[str, object] = field(default_factory=dict)
    """For machines: texts, integers, moments, and lists and mappings of them; never a secret."""

    sequence: int = 0
    """Counts up in the store; 0 before it is stored."""

    def __post_init__(self) -> None:
        """Raise ValueError for details that the record cannot hold."""
        exact(self.details)


def written_moment(at: datetime) -> str:
    """``2026-03-01T12:00:00.000000Z``."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}Z"


def exact(value: object) -> object:
    """The value, of JSON's kinds only. Raises ValueError for what is written in more than one way, as fractions are."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, datetime):
        return written_moment(value)
    if isinstance(value, Mapping):
        return {str(name): exact(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [exact(each) for each in value]
    raise ValueError(f"the record cannot hold {value!r}: integers, texts, moments, and lists and mappings of them")
