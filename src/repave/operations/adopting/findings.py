"""What was found on a server, and what becomes of each thing."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

MADE = "# By `repave adopt`."
"""What files begin with that stood on no server."""


class Fate(StrEnum):
    """What becomes of a thing."""

    TAKEN = "in the recipe"
    AGAIN = "made again"
    """By the packages themselves, or while it runs."""

    STATE = "state, belongs elsewhere"
    SECRET = "secret, not copied"  # noqa: S105 - a word for people
    OPEN = "to decide"


class Area(StrEnum):
    """What kind of thing it is."""

    PACKAGE = "package"
    HELD = "held package"
    SOURCE = "package source"
    UNIT = "unit"
    PORT = "port"
    CONFIGURATION = "configuration"
    FILES = "files"
    BINARY = "binary"
    USER = "user"
    CRON = "cron job"
    KERNEL = "kernel parameter"
    PYTHON = "python"
    NODE = "node"
    STATE = "state"
    SECRET = "secret"  # noqa: S105 - a word for people


@dataclass(frozen=True, kw_only=True)
class Found:
    """One thing that a plain installation of the distribution would not have, or that a recipe cannot hold."""

    area: Area
    name: str
    """A path, or the name of a package, user, port."""

    fate: Fate
    detail: str = ""
    """What is known of it, in a few words."""

    size_bytes: int = 0
    line: str = ""
    """The line of ``repave.yaml`` that holds it, or, where a person must decide, that would."""


@dataclass(frozen=True, kw_only=True)
class Covered:
    """How much of one kind the recipe brings back."""

    covered: int
    total: int

    @property
    def percent(self) -> float:
        """Of the total, to a tenth, never rounded up to the whole; of nothing, all."""
        return int(self.covered * 1000 / self.total) / 10 if self.total else 100.0


@dataclass(frozen=True, kw_only=True)
class Coverage:
    """How much of the server the recipe brings back."""

    packages: Covered
    units: Covered
    ports: Covered
    bytes: Covered


NAMED = 6
"""So many names are told of what there are many of."""


def grouped(found: list[Found], *, depth: int) -> list[Found]:
    """One entry for all of a kind with one fate below the first ``depth`` folders of their paths, sizes summed."""
    groups: dict[tuple[Area, Fate, str], list[Found]] = {}
    for one in found:
        parts = one.name.strip("/").split("/")
        folder = "/" + "/".join(parts[:depth]) + "/" if len(parts) > depth else one.name
        groups.setdefault((one.area, one.fate, folder), []).append(one)
    return [
        members[0]
        if len(members) == 1 and members[0].fate is not Fate.STATE
        else replace(
            members[0],
            name=folder,
            line=members[0].line.replace(f"{members[0].name.rpartition('/')[0]}/", folder),
            detail=_told(members),
            size_bytes=sum(member.size_bytes for member in members),
        )
        for (_, _, folder), members in groups.items()
    ]


def _told(members: list[Found]) -> str:
    """How many they are; of programs the names of some, and what is asked of all."""
    amount = f"{len(members)} file{'s' if len(members) > 1 else ''}"
    if members[0].area is not Area.BINARY:
        return amount
    return f"{amount} ({listed([member.name.rpartition('/')[2] for member in members])}), {members[0].detail}"


def listed(names: Sequence[str]) -> str:
    """The first of some names, by which a person knows the rest."""
    return f"{', '.join(names[:NAMED])}{', ...' if len(names) > NAMED else ''}"
