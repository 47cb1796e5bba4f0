"""A virtual machine's artifact in a registry, of a few bytes: whole in form, though nothing can be started from it."""

from collections.abc import Sequence
from hashlib import sha256

from repave.archives.compression import packed
from repave.model.names import Digest
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
from repave.ports.image_format import Descriptor
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
    offsets: Sequence[int] = range(0, 1 << 20, 1 << 16),
    disk_bytes: int = 1 << 20,
) -> Digest:
    """A machine whose disk has these pieces, and whose configuration says that it has the others.

    One that installs anything has a document that is its first.
    """
    beside = tuple(Content(digest=digest_of(content), size=len(content)) for content in installed)
    configuration = DiskConfiguration(
        architecture="amd64",
        firmware=("uefi", "bios"),
        disk_bytes=disk_bytes,
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
