"""A virtual machine is verified as any other artifact: every part by digest and size, packed and unpacked."""

from hashlib import sha256
from pathlib import Path

import pytest

from repave.archives.compression import packed
from repave.model.artifact import Artifact, ArtifactLayer
from repave.model.lock import Layer
from repave.model.names import Digest, ImageName
from repave.model.recipe import ImageKind
from repave.operations.integrity.image import ImageReader
from repave.operations.reproduction import difference
from repave.ports.disk_format import (
    CONFIGURATION_TYPE,
    DOCUMENT_TYPE,
    FILE_TYPE,
    INITRD_TYPE,
    KERNEL_TYPE,
    PIECE_TYPE,
    Bootstrap,
    Content,
    DiskConfiguration,
    DiskManifest,
    Piece,
)
from repave.ports.errors import Corrupt
from repave.ports.image_format import Descriptor
from repave.ports.progress import Silent
from repave.registries.layout import LayoutRegistry

Contents = tuple[bytes, ...]

PIECES: Contents = (b"first" * 1000, b"second" * 1000)


def digest_of(content: bytes) -> Digest:
    """Its sha256."""
    return Digest(f"sha256:{sha256(content).hexdigest()}")


def kept(registry: LayoutRegistry, content: bytes, kind: str) -> Descriptor:
    """A blob in the registry."""
    return Descriptor(digest=registry.add(content), size_bytes=len(content), media_type=kind)


def machine(
    registry: LayoutRegistry,
    pieces: Contents = PIECES,
    *,
    said: Contents = PIECES,
    installed: Contents = (),
) -> Digest:
    """A machine whose disk has these pieces, and whose configuration says that it has the others.

    One that installs anything has a document that is its first.
    """
    beside = tuple(Content(digest=digest_of(content), size=len(content)) for content in installed)
    offsets = range(0, 1 << 20, 1 << 16)
    configuration = DiskConfiguration(
        architecture="amd64",
        firmware=("uefi", "bios"),
        disk_bytes=1 << 20,
        pieces=tuple(
            Piece(offset=offset, size=len(content), digest=digest_of(content))
            for offset, content in zip(offsets, said, strict=False)
        ),
        kernel=Content(digest=digest_of(b"kernel"), size=6),
        initrd=Content(digest=digest_of(b"initrd"), size=6),
        arguments="console=ttyS0",
        data_sources=("NoCloud",),
        bootstrap=Bootstrap(document=beside[0], files=beside[1:]) if beside else None,
    )
    manifest = DiskManifest(
        configuration=kept(registry, configuration.content(), CONFIGURATION_TYPE),
        pieces=tuple(kept(registry, packed(content), PIECE_TYPE) for content in pieces),
        kernel=kept(registry, b"kernel", KERNEL_TYPE),
        initrd=kept(registry, b"initrd", INITRD_TYPE),
        document=kept(registry, installed[0], DOCUMENT_TYPE) if installed else None,
        files=tuple(kept(registry, content, FILE_TYPE) for content in installed[1:]),
    )
    return registry.add(manifest.content(annotations={}))


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
