"""Documents beside artifacts: OCI referrers, found again, verified, and never about something else."""

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from repave.model.names import Digest
from repave.ports.attachments import Attached, Attachment
from repave.ports.errors import Corrupt, Gone, WorldError
from repave.registries.layout import MANIFEST_TYPE, LayoutRegistry

SBOM = "application/vnd.cyclonedx+json"


@pytest.fixture
def registry(tmp_path: Path) -> LayoutRegistry:
    """An empty layout."""
    return LayoutRegistry(tmp_path / "registry")


def artifact(registry: LayoutRegistry, text: bytes = b"{}") -> Digest:
    """An image of one file."""
    configuration = registry.add(b'{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]}}')
    document = {
        "schemaVersion": 2,
        "mediaType": MANIFEST_TYPE,
        "config": {
            "mediaType": "application/vnd.oci.image.config.v1+json",
            "digest": configuration,
            "size": registry.path(configuration).stat().st_size,
        },
        "layers": [],
        "annotations": {"made.of": text.decode()},
    }
    return registry.add(json.dumps(document).encode())


def attachment(
    subject: Digest, content: bytes = b'{"a":1}', annotations: Mapping[str, str] | None = None
) -> Attachment:
    """A document about it."""
    return Attachment(
        subject=subject, content=content, media_type=SBOM, title="web.json", annotations=annotations or {"kind": "x"}
    )


def test_a_document_is_an_oci_referrer(registry: LayoutRegistry) -> None:
    """As the specification has them: a subject, an artifact type, an empty configuration, one layer; in the index."""
    subject = artifact(registry)
    kept = registry.attach(attachment(subject))
    manifest = json.loads(registry.read(kept.manifest))
    assert manifest["subject"] == {
        "mediaType": MANIFEST_TYPE,
        "digest": subject,
        "size": registry.path(subject).stat().st_size,
    }
    assert (manifest["artifactType"], manifest["layers"][0]["mediaType"]) == (SBOM, SBOM)
    assert registry.read(Digest(manifest["config"]["digest"])) == b"{}"
    assert manifest["annotations"] == {"kind": "x"}
    index = json.loads((registry.path(subject).parents[2] / "index.json").read_bytes())
    (entry,) = index["manifests"]
    assert (entry["digest"], entry["artifactType"]) == (kept.manifest, SBOM)
    assert registry.tags() == ()


def test_a_document_is_found_again_by_its_artifact(registry: LayoutRegistry) -> None:
    """Each with its own; the same again changes nothing."""
    one, other = artifact(registry, b"one"), artifact(registry, b"other")
    kept = registry.attach(attachment(one))
    assert registry.attach(attachment(one)) == kept
    more = registry.attach(attachment(one, b'{"b":2}', {"kind": "y"}))
    third = registry.attach(attachment(other))
    assert sorted(registry.attached(one), key=str) == sorted([kept, more], key=str)
    assert registry.attached(other) == (third,)
    assert sorted(registry.attached(), key=str) == sorted([kept, more, third], key=str)
    assert (registry.document(kept), registry.document(more)) == (b'{"a":1}', b'{"b":2}')


def test_a_detached_document_is_listed_no_more(registry: LayoutRegistry) -> None:
    """Names stay, other documents too; to detach again is no error."""
    subject = artifact(registry)
    registry.tag("shop-web:r1", subject)
    kept, more = registry.attach(attachment(subject)), registry.attach(attachment(subject, b"2"))
    registry.detach(kept.manifest)
    registry.detach(kept.manifest)
    assert registry.attached() == (more,)
    assert registry.resolve("shop-web:r1") == subject


def test_nothing_is_attached_to_what_is_not_here(registry: LayoutRegistry) -> None:
    """A document about nothing would never go away."""
    with pytest.raises(Gone):
        registry.attach(attachment(Digest(f"sha256:{'0' * 64}")))


def test_a_changed_bit_anywhere_below_is_refused(registry: LayoutRegistry) -> None:
    """Of the manifest as of the document."""
    kept = registry.attach(attachment(artifact(registry)))
    layer = json.loads(registry.read(kept.manifest))["layers"][0]["digest"]
    for digest in (Digest(layer), kept.manifest):
        place = registry.path(digest)
        place.write_bytes(bytes([place.read_bytes()[0] ^ 1]) + place.read_bytes()[1:])
        with pytest.raises(Corrupt):
            registry.document(kept)


@pytest.mark.parametrize("said", ["subject", "kind", "size", "form"])
def test_a_document_about_something_else_is_refused(registry: LayoutRegistry, said: str) -> None:
    """A whole manifest with a right digest, listed where it does not belong."""
    subject = artifact(registry)
    manifest = json.loads(registry.read(registry.attach(attachment(subject)).manifest))
    match said:
        case "subject":
            manifest["subject"]["digest"] = artifact(registry, b"other")
        case "kind":
            manifest["artifactType"] = "application/spdx+json"
        case "size":
            manifest["layers"][0]["size"] += 1
        case _:
            manifest["layers"] = []
    changed = registry.add(json.dumps(manifest).encode())
    with pytest.raises(WorldError):
        registry.document(Attached(subject=subject, manifest=changed, media_type=SBOM, annotations={}))


@pytest.mark.real
def test_skopeo_finds_the_artifact_among_its_documents(registry: LayoutRegistry) -> None:
    """What has no name does not come in between."""
    subject = artifact(registry)
    registry.attach(attachment(subject))
    registry.tag("shop-web:r1", subject)
    place = f"oci:{registry.path(subject).parents[2]}:shop-web:r1"
    shown = subprocess.run(["skopeo", "inspect", "--raw", place], capture_output=True, check=True).stdout
    assert shown == registry.read(subject)
