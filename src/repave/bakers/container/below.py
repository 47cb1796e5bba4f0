"""An image of a registry below ours: its layers stay what they are, byte for byte, and nothing of it is run.

What the layers above must know of it is read from its tars, streamed once: folders, links, accounts, permission bits.
Source: OCI Image Layer Filesystem Changeset Specification 1.1 (whiteouts).
"""

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import file_digest, sha256
from pathlib import Path
from typing import BinaryIO, cast

from repave.archives.compression import unpacked
from repave.archives.entries import Entry, Kind, Readable
from repave.archives.layers import COMPRESSIONS
from repave.archives.rules import ROOT_FILESYSTEM
from repave.archives.tars import read_tar
from repave.archives.whiteouts import OPAQUE, WHITEOUT
from repave.bakers.container.cache import LayerRecord
from repave.bakers.container.layertar import exposed
from repave.bakers.container.skeleton import NEW_DIRECTORY, Skeleton, accounts
from repave.model.artifact import GZIPPED_LAYERS, PLAIN_LAYERS, ZSTD_LAYERS
from repave.model.guards import Exposed
from repave.model.lock import Ecosystem, Layer, LockedPackage
from repave.model.names import Digest
from repave.ports.baker import BakeRequest
from repave.ports.errors import Corrupt, Invalid
from repave.ports.image_format import Descriptor, ImageConfiguration, ImageManifest
from repave.ports.registry import Registry
from repave.ports.vault import Vault

MANIFEST, CONFIGURATION = "manifest.json", "config.json"
"""What the lock calls the documents of a base."""

STORED_AS = {
    **dict.fromkeys(PLAIN_LAYERS, "application/vnd.oci.image.layer.v1.tar"),
    **dict.fromkeys(GZIPPED_LAYERS, "application/vnd.oci.image.layer.v1.tar+gzip"),
    **dict.fromkeys(ZSTD_LAYERS, "application/vnd.oci.image.layer.v1.tar+zstd"),
}
"""The same bytes by OCI's name of their kind: a manifest of ours holds no name of Docker's."""

ACCOUNTS = ("etc/passwd", "etc/group")
LARGEST_ACCOUNTS_BYTES = 4 << 20


@dataclass(frozen=True, kw_only=True)
class Below:
    """The image that a recipe names as its base."""

    name: str
    """By its digest, for people."""

    manifest: ImageManifest
    configuration: ImageConfiguration


def below(request: BakeRequest, vault: Vault) -> Below | None:
    """What the lock says is below; None for an image that starts from a distribution. Raises Corrupt, Gone, Invalid."""
    packages = [package for package in request.packages if package.ecosystem is Ecosystem.OCI]
    if not packages:
        if request.image.base.image:
            raise Invalid(f"the base of image {request.image.name} is not locked", hint="lock it again")
        return None
    name = f"{packages[0].name}@{packages[0].version}"
    manifest = ImageManifest.parse(_document(packages, MANIFEST, vault), name)
    configuration = ImageConfiguration.parse(_document(packages, CONFIGURATION, vault), name)
    locked = {f"sha256:{package.sha256}" for package in packages}
    named = [manifest.configuration.digest, *(layer.digest for layer in manifest.layers)]
    if not locked.issuperset(named) or len(configuration.differences) != len(manifest.layers):
        raise Invalid(f"the lock does not hold all that {name} consists of", hint="lock it again")
    return Below(name=name, manifest=manifest, configuration=configuration)


def _document(packages: Iterable[LockedPackage], filename: str, vault: Vault) -> bytes:
    for package in packages:
        if package.filename == filename:
            vault.verify(package.sha256)
            return vault.path(package.sha256).read_bytes()
    raise Invalid(f"the lock holds no {filename} of the base", hint="lock it again")


class Unchanged:
    """The layers of a base, brought into the registry and read."""

    def __init__(self, base: Below, *, vault: Vault, registry: Registry) -> None:
        self._base = base
        self._vault = vault
        self._registry = registry
        self._tree = _Tree()

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
            difference = self._read(stored, layer, what)
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
            skeleton=self._tree.skeleton() if last else None,
            exposed=tuple(self._tree.exposed),
            media_type=STORED_AS[layer.media_type],
            difference=difference,
        )

    def _read(self, stored: BinaryIO, layer: Descriptor, what: str) -> Digest:
        """Take in one layer; answers the digest of its uncompressed tar."""
        plain = _Hashed(unpacked(stored, COMPRESSIONS[layer.media_type], name=what, rules=ROOT_FILESYSTEM))
        self._tree.take_in(read_tar(plain, name=what, rules=ROOT_FILESYSTEM), what)
        return plain.digest


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


class _Tree:
    """What is known of the root filesystem so far; layers are taken in from the lowest up."""

    def __init__(self) -> None:
        self.exposed: list[Exposed] = []
        """Of the layer taken in last."""

        self._directories: dict[str, tuple[int, int, int]] = {}
        self._links: dict[str, str] = {}
        self._accounts: dict[str, str] = {}

    def take_in(self, entries: Iterable[Entry], what: str) -> None:
        """One layer. What its whiteouts remove are the layers' below, wherever they stand among its own entries."""
        self.exposed = []
        own: set[str] = set()
        for entry in entries:
            folder, _, name = entry.name.rpartition("/")
            if name == OPAQUE:
                self._clear(folder, kept=own)
            elif name.startswith(WHITEOUT):
                hidden = name.removeprefix(WHITEOUT)
                if hidden in {"", ".", ".."}:
                    raise Corrupt(f"{what} removes {name!r}, which names nothing")
                gone = f"{folder}/{hidden}".lstrip("/")
                if gone not in own:
                    self._remove(gone, kept=own)
            elif entry.name:
                own.update(self._place(entry))

    def skeleton(self) -> Skeleton:
        """What the layers above must know."""
        users, groups = (accounts(self._accounts.get(path, "")) for path in ACCOUNTS)
        return Skeleton(
            directories=dict(self._directories),
            links=dict(self._links),
            users={name: (int(fields[0]), int(fields[1])) for name, fields in users if fields[1].isdigit()},
            groups={name: int(fields[0]) for name, fields in groups},
        ).pruned()

    def _place(self, entry: Entry) -> Iterable[str]:
        """Take in one entry; answers its path and those above it."""
        path, folder = entry.name, entry.kind is Kind.FOLDER
        parents = ["/".join(entry.parts[:count]) for count in range(1, len(entry.parts))]
        for parent in parents:
            if parent not in self._links:
                self._directories.setdefault(parent, NEW_DIRECTORY)
        if path in self._directories and not folder:
            self._remove(path, kept=())
        self._links.pop(path, None)
        self._accounts.pop(path, None)
        if folder:
            self._directories[path] = (entry.mode, entry.user, entry.group)
        elif entry.kind is Kind.SYMLINK:
            self._links[path] = entry.link
        elif path in ACCOUNTS and entry.kind is Kind.FILE and entry.size_bytes <= LARGEST_ACCOUNTS_BYTES:
            self._accounts[path] = entry.content.read().decode(errors="replace")
        if folder or entry.kind is Kind.FILE:
            self.exposed += exposed(path, entry.mode, owner=entry.user, folder=folder)
        return (*parents, path)

    def _remove(self, path: str, *, kept: Iterable[str]) -> None:
        """A path and all below it, but what the layer at hand brings."""
        for known in (self._directories, self._links, self._accounts):
            known.pop(path, None)
        self._clear(path, kept=kept)

    def _clear(self, folder: str, *, kept: Iterable[str]) -> None:
        """All below a folder."""
        start = f"{folder}/" if folder else ""
        stay = set(kept)
        for known in cast("tuple[dict[str, object], ...]", (self._directories, self._links, self._accounts)):
            for path in [path for path in known if path.startswith(start) and path not in stay]:
                del known[path]
