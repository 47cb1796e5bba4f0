"""An image of a registry below ours: its layers stay what they are, byte for byte, and nothing of it is run.

What the layers above must know of it is read from its tars, streamed: folders, links, accounts, permission bits.
"""

import shutil
from collections.abc import Iterator
from hashlib import file_digest, sha256
from pathlib import Path
from typing import BinaryIO

from repave.archives.base_images import LockedBase
from repave.archives.compression import Compression, unpacked
from repave.archives.entries import Entry, Kind, Readable
from repave.archives.layers import COMPRESSIONS
from repave.archives.rules import ROOT_FILESYSTEM
from repave.archives.stacks import LayerStack
from repave.archives.tars import read_tar
from repave.bakers.rootfs.cache import LayerRecord
from repave.bakers.rootfs.layertar import exposed
from repave.bakers.rootfs.skeleton import Skeleton, accounts
from repave.model.artifact import GZIPPED_LAYERS, PLAIN_LAYERS, ZSTD_LAYERS
from repave.model.guards import Exposed
from repave.model.lock import Layer
from repave.model.names import Digest
from repave.ports.errors import Corrupt
from repave.ports.image_format import Descriptor
from repave.ports.image_python import image_python
from repave.ports.registry import Registry
from repave.ports.vault import Vault

STORED_AS = {
    **dict.fromkeys(PLAIN_LAYERS, "application/vnd.oci.image.layer.v1.tar"),
    **dict.fromkeys(GZIPPED_LAYERS, "application/vnd.oci.image.layer.v1.tar+gzip"),
    **dict.fromkeys(ZSTD_LAYERS, "application/vnd.oci.image.layer.v1.tar+zstd"),
}
"""The same bytes by OCI's name of their kind: a manifest of ours holds no name of Docker's."""

ACCOUNTS = ("etc/passwd", "etc/group")
DEBIAN = "etc/debian_version"
"""Debian's systems and those made of them have it."""


class Unchanged:
    """The layers of a base, brought into the registry and read."""

    def __init__(self, base: LockedBase, *, vault: Vault, registry: Registry) -> None:
        self._base = base
        self._vault = vault
        self._registry = registry
        self._stack = LayerStack(_wanted)

    def layer(self, number: int, inputs: Digest, work: Path) -> LayerRecord:
        """Bring one layer, lowest first; ``work`` is an empty folder. Raises Corrupt, Gone, Invalid."""
        layer = self._base.manifest.layers[number]
        what = f"layer {number + 1} of {self._base.name}"
        copy = work / "layer"
        shutil.copyfile(self._vault.path(layer.digest.removeprefix("sha256:")), copy)
        with copy.open("rb") as stored:
            found, size = f"sha256:{file_digest(stored, 'sha256').hexdigest()}", copy.stat().st_size
        if found != layer.digest or size != layer.size_bytes:
            raise Corrupt(
                f"{what} is {layer.digest} with {layer.size_bytes} bytes, the vault has {found} with {size}",
                hint="remove that file from the vault and lock again",
            )
        self._registry.adopt(copy)
        with self._registry.path(layer.digest).open("rb") as stored:
            difference, rights = self._read(stored, layer, what)
        said = self._base.configuration.differences[number]
        if difference != said:
            raise Corrupt(
                f"{what} unpacks to {difference}, its configuration says {said}",
                hint="who built that image must build it again",
            )
        last = number + 1 == len(self._base.manifest.layers)
        return LayerRecord(
            layer=Layer.BASE,
            inputs=inputs,
            digest=layer.digest,
            size_bytes=layer.size_bytes,
            skeleton=self._skeleton() if last else None,
            exposed=tuple(rights),
            media_type=STORED_AS[layer.media_type],
            difference=difference,
        )

    def _read(self, stored: BinaryIO, layer: Descriptor, what: str) -> tuple[Digest, list[Exposed]]:
        """Take in one layer; answers the digest of its uncompressed tar, and what in it has more rights than most."""
        reading = _Reading(stored, COMPRESSIONS[layer.media_type], what)
        self._stack.take_in(reading.entries, name=what)
        return reading.digest, reading.rights

    def _skeleton(self) -> Skeleton:
        """What the layers above must know."""
        users, groups = (accounts((self._stack.file(path) or b"").decode(errors="replace")) for path in ACCOUNTS)
        python = image_python(
            self._stack.links,
            search_path=self._base.configuration.environment.get("PATH", ""),
            debian=self._stack.file(DEBIAN) is not None,
        )
        return Skeleton(
            directories=self._stack.directories,
            links=self._stack.links,
            users={name: (int(fields[0]), int(fields[1])) for name, fields in users if fields[1].isdigit()},
            groups={name: int(fields[0]) for name, fields in groups},
            **(
                {} if python is None else {"python": python.version, "interpreter": python.program, "site": python.site}
            ),
        ).pruned()


class _Reading:
    """One layer as it is read, each time from its beginning, and what was seen the last time."""

    def __init__(self, stored: BinaryIO, compression: Compression, what: str) -> None:
        self._stored = stored
        self._compression = compression
        self._what = what
        self.digest = Digest("")
        """Of the uncompressed tar."""

        self.rights: list[Exposed] = []

    def entries(self) -> Iterator[Entry]:
        """All of them."""
        self._stored.seek(0)
        self.rights.clear()
        plain = _Hashed(unpacked(self._stored, self._compression, name=self._what, rules=ROOT_FILESYSTEM))
        for entry in read_tar(plain, name=self._what, rules=ROOT_FILESYSTEM):
            if entry.kind in {Kind.FILE, Kind.FOLDER}:
                self.rights += exposed(entry.name, entry.mode, owner=entry.user, folder=entry.kind is Kind.FOLDER)
            yield entry
        self.digest = plain.digest


class _Hashed:
    """A stream that is hashed as it is read; ``read_tar`` reads to its end."""

    def __init__(self, stream: Readable) -> None:
        self._stream = stream
        self._hash = sha256()

    def read(self, size: int = -1, /) -> bytes:
        content = self._stream.read(size)
        self._hash.update(content)
        return content

    @property
    def digest(self) -> Digest:
        return Digest(f"sha256:{self._hash.hexdigest()}")


def _wanted(path: str) -> bool:
    return path in ACCOUNTS or path == DEBIAN
