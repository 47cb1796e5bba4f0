"""Documents beside the artifacts they are about, as OCI referrers: a manifest whose ``subject`` is the artifact.

Source: OCI Image Format Specification 1.1 ("Image Manifest", "Guidelines for Artifact Usage", empty descriptor).
"""

import json
from typing import Any

from repave.model.names import Digest
from repave.ports.attachments import Attached, Attachment
from repave.ports.errors import Corrupt

MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
EMPTY = b"{}"
EMPTY_TYPE = "application/vnd.oci.empty.v1+json"
TITLE = "org.opencontainers.image.title"
SUBJECT = "repave.subject"
"""In the index only: the manifest says it itself, but not all of them are read to find those of one artifact."""


def manifest(attachment: Attachment, *, subject_size: int, empty: Digest, content: Digest) -> bytes:
    """The manifest of one document: the same document about the same artifact has the same."""
    document = {
        "schemaVersion": 2,
        "mediaType": MANIFEST_TYPE,
        "artifactType": attachment.media_type,
        "config": {"mediaType": EMPTY_TYPE, "digest": empty, "size": len(EMPTY)},
        "layers": [
            {
                "mediaType": attachment.media_type,
                "digest": content,
                "size": len(attachment.content),
                "annotations": {TITLE: attachment.title},
            }
        ],
        "subject": {"mediaType": MANIFEST_TYPE, "digest": attachment.subject, "size": subject_size},
        "annotations": dict(attachment.annotations),
    }
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()


def entry(attachment: Attachment, *, digest: Digest, size: int) -> dict[str, Any]:
    """How the index lists it: by no name."""
    return {
        "mediaType": MANIFEST_TYPE,
        "artifactType": attachment.media_type,
        "digest": digest,
        "size": size,
        "annotations": {**attachment.annotations, SUBJECT: attachment.subject},
    }


def attached(entry: dict[str, Any]) -> Attached | None:
    """What an entry of the index lists; None for one that is no document about an artifact."""
    annotations = entry.get("annotations")
    if not isinstance(annotations, dict) or not isinstance(annotations.get(SUBJECT), str):
        return None
    return Attached(
        subject=Digest(annotations[SUBJECT]),
        manifest=Digest(entry["digest"]),
        media_type=str(entry.get("artifactType", "")),
        annotations={str(key): str(value) for key, value in annotations.items() if key != SUBJECT},
    )


def content_of(manifest: bytes, listed: Attached) -> tuple[Digest, int]:
    """Digest and size of the document that a manifest brings. Raises Corrupt when it is about something else."""
    try:
        document = json.loads(manifest)
        subject, (layer,) = document["subject"]["digest"], document["layers"]
        found = Digest(layer["digest"]), int(layer["size"])
    except (ValueError, KeyError, TypeError) as broken:
        raise _wrong(listed, "does not say what it brings") from broken
    if subject != listed.subject:
        raise _wrong(listed, f"is about {subject}")
    if document.get("artifactType") != listed.media_type:
        raise _wrong(listed, f"is of the kind {document.get('artifactType')}, not {listed.media_type}")
    return found


def _wrong(listed: Attached, what: str) -> Corrupt:
    return Corrupt(
        f"the document {listed.manifest}, listed as about {listed.subject}, {what}",
        hint="remove index.json of the registry and bake again",
    )
