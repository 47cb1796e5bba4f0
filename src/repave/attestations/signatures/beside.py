"""What is kept beside an artifact: one more manifest, found by a name made of the artifact's digest, as cosign has it.

Source: cosign's SIGNATURE_SPEC and ATTESTATION_SPEC; OCI Image Manifest Specification 1.1.
"""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from repave.model.names import Digest
from repave.model.signing import DOCUMENTS, SIGNATURES, name_beside
from repave.model.statement import canonical
from repave.ports.errors import Corrupt, Gone
from repave.ports.registry import Registry

MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
CONFIGURATION_TYPE = "application/vnd.oci.image.config.v1+json"
SIGNATURE_TYPE = "application/vnd.dev.cosign.simplesigning.v1+json"
ENVELOPE_TYPE = "application/vnd.dsse.envelope.v1+json"

SIGNATURE = "dev.cosignproject.cosign/signature"
PREDICATE = "predicateType"

LARGEST_ENTRY_BYTES = 64 * 1024 * 1024
"""An inventory of a large image is some MiB."""

MOST_ENTRIES = 256
CREATED = "1970-01-01T00:00:00Z"
HINT = "sign the artifact again with `repave bake`, or remove what is beside it"


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One signature or envelope."""

    content: bytes
    media_type: str
    signature: bytes = b""
    """Of a claim; envelopes hold their own."""

    predicate: str = ""


class Beside:
    """Reads and writes what is kept beside artifacts of one registry."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def entries(self, subject: Digest, kind: str) -> tuple[Entry, ...]:
        """All of one kind, each verified by digest and size; none is no error. Raises Corrupt."""
        name = name_beside(subject, kind)
        what = f"{name} in the registry"
        try:
            manifest = self._registry.resolve(name)
        except Gone as missing:
            if any(known == name for known, _ in self._registry.tags()):
                raise Corrupt(f"{what} is gone: only its name is left", hint=HINT) from missing
            return ()
        document = self._document(manifest, what)
        layers = document.get("layers")
        if not isinstance(layers, list) or len(layers) > MOST_ENTRIES:
            raise Corrupt(f"{what} is no list of signatures", hint=HINT)
        self._document(_digest(document.get("config"), what), what)
        return tuple(self._entry(layer, f"entry {number} of {what}") for number, layer in enumerate(layers, 1))

    def write(self, subject: Digest, kind: str, entries: Sequence[Entry]) -> Digest:
        """Keep these and no others; answers the digest of the manifest."""
        layers = [self._layer(entry) for entry in entries]
        configuration = canonical(
            {
                "architecture": "",
                "config": {},
                "created": CREATED,
                "history": [{"created": CREATED} for _ in layers],
                "os": "",
                "rootfs": {"diff_ids": [layer["digest"] for layer in layers], "type": "layers"},
            }
        )
        digest = self._registry.add(configuration)
        config = {"digest": digest, "mediaType": CONFIGURATION_TYPE, "size": len(configuration)}
        document = {"config": config, "layers": layers, "mediaType": MANIFEST_TYPE, "schemaVersion": 2}
        manifest = self._registry.add(canonical(document))
        self._registry.tag(name_beside(subject, kind), manifest)
        return manifest

    def _layer(self, entry: Entry) -> dict[str, Any]:
        annotations = {SIGNATURE: base64.b64encode(entry.signature).decode()}
        if entry.predicate:
            annotations[PREDICATE] = entry.predicate
        digest = self._registry.add(entry.content)
        return {
            "annotations": annotations,
            "digest": digest,
            "mediaType": entry.media_type,
            "size": len(entry.content),
        }

    def _entry(self, layer: object, what: str) -> Entry:
        content = self._read(_digest(layer, what), what)
        said = layer if isinstance(layer, dict) else {}
        annotations = said.get("annotations")
        texts = annotations if isinstance(annotations, dict) else {}
        if said.get("size") != len(content):
            raise Corrupt(f"{what} has {len(content)} bytes, not {said.get('size')}", hint=HINT)
        try:
            signature = base64.b64decode(str(texts.get(SIGNATURE, "")), validate=True)
        except ValueError as broken:
            raise Corrupt(f"the signature of {what} is no base64", hint=HINT) from broken
        return Entry(
            content=content,
            media_type=str(said.get("mediaType")),
            signature=signature,
            predicate=str(texts.get(PREDICATE, "")),
        )

    def _document(self, digest: Digest, what: str) -> dict[str, Any]:
        try:
            document = json.loads(self._read(digest, what))
        except (ValueError, RecursionError) as broken:
            raise Corrupt(f"{what} is no JSON", hint=HINT) from broken
        if not isinstance(document, dict):
            raise Corrupt(f"{what} is no JSON object", hint=HINT)
        return document

    def _read(self, digest: Digest, what: str) -> bytes:
        try:
            path = self._registry.path(digest)
            if path.stat().st_size > LARGEST_ENTRY_BYTES:
                raise Corrupt(f"{what} has {path.stat().st_size} bytes: too many to be one", hint=HINT)
            content = path.read_bytes()
        except (Gone, FileNotFoundError) as missing:
            raise Corrupt(f"{what} is incomplete: {digest} is not in the registry", hint=HINT) from missing
        found = sha256(content).hexdigest()
        if f"sha256:{found}" != digest:
            raise Corrupt(f"{what}: {digest} holds other bytes (sha256:{found})", hint=HINT)
        return content


def marks_beside(registry: Registry, subject: Digest) -> Mapping[str, str]:
    """The digests of the manifests that name an artifact's signatures and signed documents, by their kind."""
    known = dict(registry.tags())
    return {kind: known[name] for kind in (SIGNATURES, DOCUMENTS) if (name := name_beside(subject, kind)) in known}


def _digest(descriptor: object, what: str) -> Digest:
    if not isinstance(descriptor, dict) or not isinstance(descriptor.get("digest"), str):
        raise Corrupt(f"{what} does not say what it consists of", hint=HINT)
    return Digest(descriptor["digest"])
