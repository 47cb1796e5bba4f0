"""A virtual machine is verified as any other artifact: every part by digest and size, packed and unpacked."""

from pathlib import Path

import pytest
from stored_machine import PIECES, digest_of, kept, machine
from tar_bytes import entry, tar

from repave.archives.compression import packed
from repave.model.artifact import Artifact, ArtifactLayer
from repave.model.lock import Layer
from repave.model.names import Digest, ImageName
from repave.model.recipe import ImageKind
from repave.operations.integrity.content import read_content
from repave.operations.integrity.image import ImageReader
from repave.operations.reproduction import Difference, difference
from repave.ports.disk_format import (
    CONFIGURATION_TYPE,
    DOCUMENT_TYPE,
    FILE_TYPE,
    KERNEL_TYPE,
    PIECE_TYPE,
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
            read_content(part, reader.place(part), task)
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


LAYERS = {PIECE_TYPE: Layer.MACHINE, DOCUMENT_TYPE: Layer.MACHINE, FILE_TYPE: Layer.APPLICATION}


def artifact(registry: LayoutRegistry, manifest: Digest) -> Artifact:
    """As the baker tells of it."""
    blobs = DiskManifest.parse(registry.read(manifest), "it").blobs
    layers = tuple(
        ArtifactLayer(
            layer=LAYERS.get(blob.media_type, Layer.BOOT),
            digest=blob.digest,
            size_bytes=blob.size_bytes,
            inputs=blob.digest,
            cached=False,
        )
        for blob in blobs
    )
    return Artifact(image=ImageName("web"), kind=ImageKind.VM, digest=manifest, size_bytes=1, layers=layers)


def parted(registry: LayoutRegistry, first: Digest, second: Digest) -> Difference:
    """Where two machines part."""
    return difference(artifact(registry, first), registry, artifact(registry, second), registry)


def test_disks_that_differ_are_told_by_their_first_piece(registry: LayoutRegistry) -> None:
    """No names of files are in pieces, so their digests are told."""
    other = (b"other" * 1000, PIECES[1])
    found = parted(registry, machine(registry), machine(registry, other, said=other))
    assert (found.layer, found.field, found.first) == (Layer.MACHINE, "content", digest_of(packed(PIECES[0])))


def test_machines_that_install_themselves_are_told_by_the_file_that_differs(registry: LayoutRegistry) -> None:
    """The document differs with each file beside it; it is told where none of them does."""
    same = tar((entry("srv/app"), b"one"))
    first = machine(registry, installed=(b"lay one and two", same))
    found = parted(registry, first, machine(registry, installed=(b"lay two", tar((entry("srv/app"), b"two")))))
    assert (found.layer, found.path, found.field) == (Layer.APPLICATION, "srv/app", "content")
    found = parted(registry, first, machine(registry, installed=(b"lay one or two", same)))
    assert (found.layer, found.path, found.field) == (None, "bootstrap document", "content")
    assert (found.first, found.second) == ("from byte 8: b'and two'", "from byte 8: b'or two'")
