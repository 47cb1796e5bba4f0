"""What is said of one artifact: a document by itself, and as the in-toto statement that is signed.

Source: in-toto Attestation Framework 1.0, "Statement"; the predicate types are those of `cosign attest --type`.
"""

import json
from dataclasses import dataclass

from repave.model.names import Digest

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
STATEMENT_MEDIA_TYPE = "application/vnd.in-toto+json"
"""Of the statement as a whole, whatever its predicate."""

CYCLONEDX = "https://cyclonedx.org/bom"
SPDX = "https://spdx.dev/Document"
PROVENANCE = "https://slsa.dev/provenance/v1"


@dataclass(frozen=True, kw_only=True)
class Statement:
    """One document about one artifact: the same for the same lock, byte for byte, so that two bakes can be compared."""

    subject: Digest
    """The artifact's manifest."""

    name: str
    """What people call the artifact: project and image."""

    predicate_type: str
    """What kind of document it is, as in-toto names it."""

    media_type: str
    """Of the document when it stands by itself; in-toto's, where such documents are known as statements only."""

    document: bytes
    """The predicate: canonical JSON, an object."""

    @property
    def alone(self) -> bytes:
        """What is kept beside the artifact, in its media type."""
        return self.in_toto if self.media_type == STATEMENT_MEDIA_TYPE else self.document

    @property
    def in_toto(self) -> bytes:
        """The statement, canonical JSON: what a signature covers."""
        algorithm, _, value = self.subject.partition(":")
        subject = [{"digest": {algorithm: value}, "name": self.name}]
        # The document goes in as it is: read and written again, an inventory of some MiB would cost as much as a bake.
        return b'{"_type":%b,"predicate":%b,"predicateType":%b,"subject":%b}' % (
            canonical(STATEMENT_TYPE),
            self.document,
            canonical(self.predicate_type),
            canonical(subject),
        )


def canonical(content: object) -> bytes:
    """JSON with sorted keys and no spaces: the same content gives the same bytes."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()
