"""A virtual machine is verified as any other artifact: every part by digest and size, packed and unpacked."""

from pathlib import Path

import pytest
from stored_machine import PIECES, digest_of, kept, machine

from repave.model.artifact import Artifact, ArtifactLayer
from repave.model.lock import Layer
from repave.model.names import Digest, ImageName
from repave.model.recipe import ImageKind
from repave.operations.integrity.image import ImageReader
from repave.operations.reproduction import difference
from repave.ports.disk_format import (
    CONFIGURATION_TYPE,
    KERNEL_TYPE,
    DiskManifest,
)
from repave.ports.errors import Corrupt
from repave.ports.progress import Silent
from repave.registries.layout import LayoutRegistry


def read_all(registry: LayoutRegistry, manifest: Digest) -> list[str]:
    """Read every part; their names."""
    reader = ImageReader(registry)
    parts = reader.parts(manifest)
    with Silent().task("reading") as task:
        for part in parts.layers:
            reader.read(part, task)
    return [part.what for part in parts.layers]


@pytest.fixture
def registry(tmp_path: Path) -> LayoutRegistry:
    """With nothing in it."""
    return LayoutRegistry(root=tmp_path / "registry")


def test_whole_machine_is_read(registry: LayoutRegistry) -> None:
    """Each part has a name for people."""
    assert read_all(registry, machine(registry)) == [
        "piece 1 of the disk",
        "piece 2 of the disk",
        "the kernel",
        "the initrd",
    ]


def test_what_a_machine_installs_is_read_too(registry: LayoutRegistry) -> None:
    """Its document, and each file."""
    assert read_all(registry, machine(registry, installed=(b"document", b"package", b"layer")))[4:] == [
        "the bootstrap document",
        "file 6",
        "file 7",
    ]


def test_piece_that_unpacks_to_other_bytes_is_refused(registry: LayoutRegistry) -> None:
    """What lies on the disk counts, not how it is packed."""
    manifest = machine(registry, (PIECES[0], b"other" * 1000))
    with pytest.raises(Corrupt, match=r"piece 2 of the disk, uncompressed, .* holds other bytes"):
        read_all(registry, manifest)


def test_configuration_with_another_number_of_pieces_is_refused(registry: LayoutRegistry) -> None:
    """Manifest and configuration tell of the same parts."""
    with pytest.raises(Corrupt, match=r"has 3 layers, the manifest .* 4"):
        read_all(registry, machine(registry, said=PIECES[:1]))


def test_configuration_that_makes_no_disk_is_refused(registry: LayoutRegistry) -> None:
    """The reason is the format's own."""
    manifest = DiskManifest(
        configuration=kept(registry, b"{}", CONFIGURATION_TYPE),
        pieces=(),
        kernel=kept(registry, b"kernel", KERNEL_TYPE),
        initrd=None,
    )
    with pytest.raises(Corrupt, match="says nothing of its disk"):
        ImageReader(registry).parts(registry.add(manifest.content(annotations={})))


def test_disks_that_differ_are_told_by_their_first_piece(registry: LayoutRegistry) -> None:
    """No names of files are in pieces, so their digests are told."""

    def artifact(content: bytes) -> Artifact:
        layer = ArtifactLayer(
            layer=Layer.MACHINE, digest=registry.add(content), size_bytes=1, inputs=digest_of(b""), cached=False
        )
        return Artifact(
            image=ImageName("web"), kind=ImageKind.VM, digest=digest_of(content), size_bytes=1, layers=(layer,)
        )

    found = difference(artifact(b"one"), registry, artifact(b"two"), registry)
    assert (found.layer, found.field, found.first) == (Layer.MACHINE, "content", digest_of(b"one"))
