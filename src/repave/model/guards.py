"""What must not go into an image by mistake: what is looked for, what was declared about it, what was seen."""

from dataclasses import dataclass
from enum import StrEnum


class Guard(StrEnum):
    """What is looked for."""

    SECRETS = "secrets"
    """Keys, tokens and passwords among the application's files."""

    SETUID = "setuid"
    """Programs that run as their owner or group, whoever starts them."""

    WRITABLE = "writable"
    """Files and folders that anyone may write; folders with the sticky bit are meant for that."""

    UNPINNED = "unpinned"
    """Commands of ``build`` that would bring in what no lock pins."""


class Action(StrEnum):
    """What is done about something seen."""

    STOP = "stop"
    REPORT = "report"
    ALLOW = "allow"
    """It is listed by the file, with the reason."""


@dataclass(frozen=True, kw_only=True)
class Allowed:
    """One place that the author has looked at, and why it may stay."""

    path: str
    """Of a file of the project or of the image; with a trailing slash, of everything below.

    ``build/1`` is the first command of ``build``.
    """

    reason: str


@dataclass(frozen=True, kw_only=True)
class Guards:
    """What is done about each kind of thing."""

    secrets: Action = Action.STOP
    setuid: Action = Action.REPORT
    """Every Debian base brings some, `su` and `passwd` among them."""

    writable: Action = Action.REPORT
    unpinned: Action = Action.STOP
    allow: tuple[Allowed, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Exposed:
    """A file or folder of a layer whose permission bits give more than they should."""

    path: str
    """Absolute, in the image."""

    mode: int
    """All twelve permission bits."""

    owner: int
    """The number of the user whose it is."""


@dataclass(frozen=True, kw_only=True)
class Sight:
    """One thing that a guard saw."""

    guard: Guard
    path: str
    """As ``Allowed.path`` names it."""

    line: int
    """0 where a line means nothing."""

    what: str
    """In a few words; of a secret only its kind and a masked form."""


@dataclass(frozen=True, kw_only=True)
class Judged:
    """A sight, and what is done about it."""

    sight: Sight
    action: Action
    reason: str
    """Why it is not stopped; empty when it is."""
