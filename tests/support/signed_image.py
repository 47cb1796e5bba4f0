"""A small whole image in a registry on disk, and statements about it."""

import json
from pathlib import Path

from repave.model.names import Digest
from repave.model.statement import CYCLONEDX, PROVENANCE, Statement
from repave.registries.layout import LayoutRegistry

OCI = "application/vnd.oci.image"


def small_image(folder: Path, content: bytes = b"hello" * 100) -> tuple[LayoutRegistry, Digest]:
    """The registry, and the image's manifest."""
    registry = LayoutRegistry(folder)
    layer = registry.add(content)
    rootfs = {"type": "layers", "diff_ids": [layer]}
    configuration = json.dumps({"architecture": "amd64", "os": "linux", "rootfs": rootfs}).encode()
    named = {
        "mediaType": f"{OCI}.config.v1+json",
        "digest": registry.add(configuration),
        "size": len(configuration),
    }
    layers = [{"mediaType": f"{OCI}.layer.v1.tar", "digest": layer, "size": len(content)}]
    document = {"schemaVersion": 2, "mediaType": f"{OCI}.manifest.v1+json", "config": named, "layers": layers}
    manifest = registry.add(json.dumps(document).encode())
    registry.tag("shop-web:r1", manifest)
    return registry, manifest


def statements(subject: Digest, version: int = 1) -> tuple[Statement, ...]:
    """An inventory and a provenance."""
    inventory = f'{{"bomFormat":"CycloneDX","specVersion":"1.6","version":{version}}}'.encode()
    documents = ((CYCLONEDX, inventory), (PROVENANCE, b'{"buildDefinition":{},"runDetails":{}}'))
    return tuple(
        Statement(
            subject=subject, name="shop/web", predicate_type=kind, media_type="application/json", document=document
        )
        for kind, document in documents
    )


def flip(path: Path, bit: int) -> None:
    """Change one bit of a file."""
    content = bytearray(path.read_bytes())
    bit %= 8 * len(content)
    content[bit // 8] ^= 1 << bit % 8
    path.chmod(0o644)
    path.write_bytes(content)
