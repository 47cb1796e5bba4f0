"""What is carried: an artifact, and everything beside it."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from repave.model.names import Digest
from repave.ports.distribution import DIGEST, Blob, Manifest
from repave.ports.errors import Corrupt

MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
INDEX_TYPE = "application/vnd.oci.image.index.v1+json"

MOST_REFERRERS = 1000
"""Of one artifact: a registry that lists more wants something else than to tell."""


@dataclass(frozen=True, kw_only=True)
class Carried:
    """One artifact that was carried."""

    digest: Digest
    reference: str
    """Where it is now: of a registry, or by the name it has here."""

    signed: bool
    """Whether signatures came along."""

    documents: int
    """How many came along, beside the signed ones."""

    size_bytes: int


def blobs_of(manifest: bytes) -> Sequence[Blob]:
    """Configuration and layers. Raises Corrupt."""
    document = parsed(manifest)
    try:
        return tuple(_described(document))
    except (ValueError, KeyError, TypeError) as broken:
        raise Corrupt(f"what should be a manifest names no blobs: {broken!r}") from broken


def parsed(content: bytes) -> dict[str, Any]:
    """A JSON object. Raises Corrupt."""
    try:
        document = json.loads(content)
    except (ValueError, RecursionError) as broken:
        raise Corrupt(f"what should be a manifest is no JSON: {broken!r}") from broken
    if not isinstance(document, dict):
        raise Corrupt("what should be a manifest is no JSON object")
    return document


def referrers_tag(subject: Digest) -> str:
    """Where registries that cannot list referrers have them (distribution specification, "Referrers Tag Schema")."""
    return subject.replace(":", "-")


def listed(index: Manifest | None) -> list[dict[str, Any]]:
    """The descriptors of an index of referrers; what is no such descriptor is left out."""
    if index is None:
        return []
    entries = parsed(index.content).get("manifests")
    found = [entry for entry in entries if _is_descriptor(entry)] if isinstance(entries, list) else []
    return found[:MOST_REFERRERS]


def _is_descriptor(entry: object) -> bool:
    return isinstance(entry, dict) and isinstance(entry.get("digest"), str) and bool(DIGEST.fullmatch(entry["digest"]))


def _described(document: dict[str, Any]) -> Iterator[Blob]:
    for descriptor in (document["config"], *document["layers"]):
        digest, size = descriptor["digest"], descriptor["size"]
        if not DIGEST.fullmatch(digest) or not isinstance(size, int):
            raise ValueError(f"{digest!r} is no digest")
        yield Blob(digest=Digest(digest), size_bytes=size)
