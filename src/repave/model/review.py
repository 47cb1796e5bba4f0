"""Reviews: lock changes that people look at before they are taken."""

from dataclasses import dataclass
from enum import StrEnum

from repave.model.names import Digest
from repave.model.release import SecretReference


class Forge(StrEnum):
    """Whose API opens the merge request."""

    GITHUB = "github"
    GITLAB = "gitlab"


@dataclass(frozen=True, kw_only=True)
class ReviewSettings:
    """Where lock changes are reviewed."""

    forge: Forge
    api: str
    """Its address, without a slash at the end."""

    repository: str
    """``owner/name``; on GitLab also ``group/subgroup/name``."""

    token: SecretReference
    author: str
    """``Name <address>``: who makes the commits."""

    into: str = "main"
    """The branch that the lock is taken from, and is to go into."""

    remote: str = "origin"
    """As git knows the repository in the project's folder."""


class Standing(StrEnum):
    """What became of a review."""

    OPEN = "open"
    MERGED = "merged"
    CLOSED = "closed"
    """Without being merged: people do not want it."""


@dataclass(frozen=True, kw_only=True)
class Review:
    """The newest merge request of one branch."""

    number: int
    address: str
    """For people."""

    standing: Standing
    lock: Digest | None
    """What it proposes; None where its text no longer says it."""
