"""Revocations: what must not be started anywhere any more, and why."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from repave.model.names import Digest, RevisionId


class RevokedKind(StrEnum):
    """What is revoked."""

    ARTIFACT = "artifact"
    RELEASE = "release"
    PACKAGE = "package"
    """One version of it: every artifact whose lock holds it."""

    KEY = "key"
    """That signs: every artifact that no other trusted key has signed."""


@dataclass(frozen=True, kw_only=True)
class Revocation:
    """One thing that a person revoked. It stands until it is undone; it is closed once nothing of it runs."""

    kind: RevokedKind
    subject: str
    """As people name it: a digest, ``r17``, ``openssl=3.0.20``, the path of a public key."""

    reason: str
    at: datetime
    artifacts: tuple[Digest, ...]
    """What it covers of all that was made, sorted."""

    key: str = ""
    """PEM of a revoked key; empty else."""

    number: int = 0
    """Counts up in the store; 0 before it is stored."""

    undone_at: datetime | None = None
    undone_reason: str = ""

    @property
    def stands(self) -> bool:
        """Whether it holds still."""
        return self.undone_at is None

    @property
    def because(self) -> str:
        """Why what it covers is revoked, in words."""
        return f"{self.reason} ({self})"

    def __str__(self) -> str:
        """``package openssl=3.0.20``."""
        return f"{self.kind} {self.subject}"


@dataclass(frozen=True, kw_only=True)
class Revoked:
    """One revision of a fleet whose artifact is revoked."""

    revision: RevisionId
    reason: str
    """Why, and what was revoked."""

    since: datetime
