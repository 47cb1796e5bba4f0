"""Documents that are kept beside the artifacts they are about."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from repave.model.names import Digest


@dataclass(frozen=True, kw_only=True)
class Attachment:
    """A document to be kept."""

    subject: Digest
    """The artifact's manifest."""

    content: bytes
    media_type: str
    title: str
    """A file's name, for who takes it out."""

    annotations: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Attached:
    """A document that is kept, as it is listed: nothing of it is verified yet."""

    subject: Digest
    manifest: Digest
    media_type: str
    annotations: Mapping[str, str]


class Attachments(Protocol):
    """Keeps documents in the registry of the artifacts."""

    def attach(self, attachment: Attachment) -> Attached:
        """Keep a document beside its artifact. The same again changes nothing. Raises Gone (no such artifact)."""
        ...

    def attached(self, subject: Digest | None = None) -> tuple[Attached, ...]:
        """What is kept about one artifact, or about all, sorted by subject and manifest."""
        ...

    def document(self, attached: Attached) -> bytes:
        """The document, verified, and really about that artifact. Raises Gone, Corrupt."""
        ...

    def detach(self, manifest: Digest) -> None:
        """List a document no longer; what is not listed is no error. Its blobs stay."""
        ...
