"""Artifacts in other people's registries, as the OCI Distribution Specification 1.1 has them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, Self

from repave.model.names import Digest
from repave.ports.errors import Invalid
from repave.ports.progress import Progress, Task

DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
NAME = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*")
HOST = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:]+\])(?::[0-9]{1,5})?")
LONGEST_NAME = 255
"""Of host and repository together: what registries take (distribution specification, "Pulling manifests")."""

HUB = "docker.io"
"""Where names without a registry live, by everyone's habit."""

EXAMPLE = "as registry.example/team/shop, registry.example:5000/shop:1.2 or debian@sha256:..."


@dataclass(frozen=True, kw_only=True, order=True)
class Repository:
    """One repository of one registry."""

    registry: str
    """Host, and port where it is not the usual one."""

    name: str

    def __str__(self) -> str:
        """``registry.example:5000/team/shop``."""
        return f"{self.registry}/{self.name}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``registry.example/team/shop``, with or without ``oci://``. Raises Invalid."""
        registry, slash, name = text.removeprefix("oci://").partition("/")
        if not slash or not ("." in registry or ":" in registry or registry == "localhost"):
            registry, name = HUB, text.removeprefix("oci://")
        if registry == HUB and "/" not in name:
            name = f"library/{name}"
        if not HOST.fullmatch(registry) or not NAME.fullmatch(name) or len(registry) + len(name) > LONGEST_NAME:
            raise Invalid(f"{text!r} names no repository", hint=EXAMPLE)
        return cls(registry=registry, name=name)

    def blob(self, digest: Digest) -> str:
        """The address of one blob, which a vault can fetch: ``oci://registry.example/shop@sha256:...``."""
        return f"oci://{self}@{digest}"


@dataclass(frozen=True, kw_only=True, order=True)
class Reference:
    """One manifest of a repository, by tag, by digest, or by both: then the digest counts."""

    repository: Repository
    tag: str = ""
    digest: Digest | None = None

    def __str__(self) -> str:
        """As people write it."""
        tag = f":{self.tag}" if self.tag else ""
        return f"{self.repository}{tag}" + (f"@{self.digest}" if self.digest else "")

    @property
    def name(self) -> str:
        """What a registry is asked for: the digest, else the tag."""
        return self.digest or self.tag or "latest"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``registry.example/shop:1.2@sha256:...``. Raises Invalid."""
        rest, at, digest = text.removeprefix("oci://").partition("@")
        if at and not DIGEST.fullmatch(digest):
            raise Invalid(f"{text!r} names no manifest: {digest!r} is no digest", hint=EXAMPLE)
        path, colon, tag = rest.rpartition(":")
        if not colon or "/" in tag:
            path, tag = rest, ""
        if tag and not TAG.fullmatch(tag):
            raise Invalid(f"{text!r} names no manifest: {tag!r} is no tag", hint=EXAMPLE)
        return cls(repository=Repository.parse(path), tag=tag, digest=Digest(digest) if at else None)


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """A manifest or index, byte for byte as the registry gave it."""

    content: bytes
    media_type: str
    digest: Digest
    """Of the content, computed here."""


@dataclass(frozen=True, kw_only=True)
class Blob:
    """One blob of a repository, as a manifest's descriptor names it."""

    digest: Digest
    size_bytes: int


class Distribution(Protocol):
    """Any registry. Everything read is verified by its digest; every method may be called again after a failure.

    All raise Unreachable (after some tries), Throttled, Denied, Invalid (what the registry refuses as malformed).
    """

    def manifest(self, reference: Reference) -> Manifest:
        """One manifest or index. Raises Gone, Corrupt (it does not have the digest asked for)."""
        ...

    def read(self, repository: Repository, blob: Blob) -> bytes:
        """A small blob (configuration, document). Raises Gone, Corrupt, Invalid (too large to be one)."""
        ...

    def fetch(self, repository: Repository, blobs: Sequence[tuple[Blob, Path]], *, progress: Progress) -> None:
        """Write blobs to files of this machine, in parallel and resumed where a line breaks; each whole or not at all.

        Raises Gone, Corrupt, NoCapacity.
        """
        ...

    def referrers(self, repository: Repository, subject: Digest) -> Manifest | None:
        """The index of the manifests about a subject; None from a registry that keeps no such list."""
        ...

    def tags(self, repository: Repository) -> tuple[str, ...]:
        """Every tag, sorted; none for a repository that is not there."""
        ...

    def has(self, repository: Repository, digest: Digest) -> bool:
        """Whether the blob is there."""
        ...

    def upload(
        self, repository: Repository, blob: Blob, source: Path, *, task: Task, mount: Repository | None = None
    ) -> None:
        """Have the content of ``source`` there; what is there already is not sent again.

        With ``mount`` the registry is asked first to take it from that repository of its own.
        """
        ...

    def put(self, repository: Repository, manifest: Manifest, *, tag: str = "") -> bool:
        """Have the manifest there, by its digest or under a tag. What it names must be there before.

        True when the registry says that it lists the manifest among those about its subject.
        """
        ...
