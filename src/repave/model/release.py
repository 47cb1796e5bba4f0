"""Releases, and the revisions by which fleets run them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from hashlib import sha256

from repave.model.names import Digest, ImageName, ReleaseNumber, RevisionId


@dataclass(frozen=True, kw_only=True)
class Release:
    """An immutable set of artifacts: what is deployed and promoted."""

    number: ReleaseNumber
    artifacts: Mapping[ImageName, Digest]
    lock: Digest
    """Digest of the lock's text."""

    source: str
    """Revision of the application's source: a git commit, or the digest of its files."""

    created_at: datetime

    def __str__(self) -> str:
        """``r17``, as people say it."""
        return f"r{self.number}"


@dataclass(frozen=True, kw_only=True)
class Bake:
    """One bake of a release: when, and how much of it was there already. Nothing of it is in an artifact."""

    release: ReleaseNumber
    began_at: datetime
    ended_at: datetime
    built: int
    """Layers that were made by it."""

    cached: int
    """Layers that were found made."""

    @property
    def seconds(self) -> float:
        """How long it took."""
        return (self.ended_at - self.began_at).total_seconds()


@dataclass(frozen=True, kw_only=True, order=True)
class SecretReference:
    """Where a secret is found when an instance starts; never the secret itself."""

    scheme: str
    locator: str

    def __str__(self) -> str:
        """``scheme:locator``, as the file writes it."""
        return f"{self.scheme}:{self.locator}"


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What one instance may use; None means the machine's own limit."""

    memory_bytes: int | None = None
    cpus: float | None = None


@dataclass(frozen=True, kw_only=True)
class Revision:
    """One release with one configuration, as one fleet runs it.

    Two instances of one revision are interchangeable. A change of the configuration makes a new revision of the
    same release, which is rolled out like any other: nothing is changed in place.
    """

    release: ReleaseNumber
    image: ImageName
    artifact: Digest
    port: int | None
    """None for workers, which listen nowhere."""

    configuration: tuple[tuple[str, str], ...] = ()
    """Plain environment variables, sorted by name."""

    secrets: tuple[tuple[str, SecretReference], ...] = ()
    """Environment variables whose values are resolved at launch, sorted by name."""

    limits: Limits = Limits()

    @cached_property
    def id(self) -> RevisionId:
        """The same for the same content."""
        content = json.dumps(
            [
                self.release,
                self.image,
                self.artifact,
                self.port,
                self.configuration,
                [[name, str(reference)] for name, reference in self.secrets],
                self.limits.memory_bytes,
                self.limits.cpus,
            ],
            separators=(",", ":"),
        )
        return RevisionId(sha256(content.encode()).hexdigest()[:12])
