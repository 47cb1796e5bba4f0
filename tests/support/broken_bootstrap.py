"""A machine that installs itself, and cannot: its document wants a file that is nowhere."""

from dataclasses import replace

from repave.model.artifact import Artifact
from repave.model.names import Digest, ImageName
from repave.model.recipe import ImageKind
from repave.ports.disk_format import DiskConfiguration, DiskManifest
from repave.ports.image_format import Descriptor
from repave.ports.registry import Registry


def without(sha256: str, manifest: Digest, registry: Registry) -> Artifact:
    """The same machine, but that its document names in place of this file one that nobody has."""
    blobs = DiskManifest.parse(registry.read(manifest), "it")
    said = DiskConfiguration.parse(registry.read(blobs.configuration.digest), "it")
    assert blobs.document is not None
    assert said.bootstrap is not None
    document = registry.read(blobs.document.digest).replace(sha256.encode(), b"0" * 64)
    other = Descriptor(digest=registry.add(document), size_bytes=len(document), media_type=blobs.document.media_type)
    beside = replace(said.bootstrap, document=replace(said.bootstrap.document, digest=other.digest, size=len(document)))
    configuration = replace(said, bootstrap=beside).content()
    described = Descriptor(
        digest=registry.add(configuration),
        size_bytes=len(configuration),
        media_type=blobs.configuration.media_type,
    )
    content = replace(blobs, configuration=described, document=other).content(annotations={})
    return Artifact(
        image=ImageName("web"), kind=ImageKind.VM, digest=registry.add(content), size_bytes=len(content), layers=()
    )
