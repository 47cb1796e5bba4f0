"""Images as others push them: several layers, packed in several ways, with whiteouts; for several processors."""

import gzip
import hashlib
import io
import json
import sys
import tarfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from repave.model.lock import Ecosystem, Layer, LockedPackage
from repave.model.names import Digest, ImageName
from repave.ports.distribution import Blob, Manifest, Repository
from repave.ports.progress import Silent
from repave.registries.oci.pushing import RegistryWriter
from repave.registries.oci.session import Session
from repave.registries.vault import FileVault

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

OCI, DOCKER = "application/vnd.oci.image", "application/vnd.docker"
TAR = f"{OCI}.layer.v1.tar"
PACKED: Mapping[str, Callable[[bytes], bytes]] = {
    TAR: bytes,
    f"{TAR}+gzip": lambda plain: gzip.compress(plain, mtime=0),
    f"{TAR}+zstd": zstd.compress,
    f"{DOCKER}.image.rootfs.diff.tar.gzip": lambda plain: gzip.compress(plain, mtime=0),
}
"""By media type, how a tar becomes a layer."""

ACCOUNTS = "root:x:0:0:root:/root:/bin/sh\nwww-data:x:33:33::/var/www:/bin/sh\n"


def digest(content: bytes) -> Digest:
    """As OCI writes it."""
    return Digest(f"sha256:{hashlib.sha256(content).hexdigest()}")


def entry(name: str, content: bytes = b"", *, mode: int | None = None) -> tuple[tarfile.TarInfo, bytes]:
    """A file of a layer; with a trailing slash a folder."""
    member = tarfile.TarInfo(name.rstrip("/"))
    folder = name.endswith("/")
    member.type = tarfile.DIRTYPE if folder else tarfile.REGTYPE
    member.mode, member.size = mode or (0o755 if folder else 0o644), len(content)
    return member, content


def link(name: str, target: str) -> tuple[tarfile.TarInfo, bytes]:
    """A symbolic link of a layer."""
    member = tarfile.TarInfo(name)
    member.type, member.linkname = tarfile.SYMTYPE, target
    return member, b""


def layer_tar(*entries: tuple[tarfile.TarInfo, bytes]) -> bytes:
    """A layer's tar, uncompressed."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for member, content in entries:
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


@dataclass
class MadeImage:
    """One image: its blobs by digest, and its manifest."""

    layers: Sequence[tuple[str, bytes]]
    """Media type and uncompressed tar, lowest first."""

    architecture: str = "amd64"
    runs: Mapping[str, object] = field(default_factory=dict)
    differences: Sequence[Digest] | None = None
    """What the configuration says the layers unpack to; None for the truth."""

    blobs: dict[Digest, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        packed = [(kind, PACKED[kind](plain)) for kind, plain in self.layers]
        self.configuration = json.dumps(
            {
                "architecture": self.architecture,
                "os": "linux",
                "config": dict(self.runs),
                "rootfs": {
                    "type": "layers",
                    "diff_ids": self.differences or [digest(plain) for _, plain in self.layers],
                },
            }
        ).encode()
        document = {
            "schemaVersion": 2,
            "mediaType": f"{OCI}.manifest.v1+json",
            "config": self.described(f"{OCI}.config.v1+json", self.configuration),
            "layers": [self.described(kind, content) for kind, content in packed],
        }
        self.manifest = json.dumps(document).encode()

    def described(self, kind: str, content: bytes) -> dict[str, object]:
        """A descriptor; the blob is kept."""
        self.blobs[digest(content)] = content
        return {"mediaType": kind, "digest": digest(content), "size": len(content)}

    @property
    def packed(self) -> list[Digest]:
        """Digests of the layers as they are stored."""
        return [descriptor["digest"] for descriptor in json.loads(self.manifest)["layers"]]


def locked(image: MadeImage, vault: FileVault, folder: Path) -> tuple[LockedPackage, ...]:
    """In the vault, and as the pinner locks it."""
    named = [("manifest.json", image.manifest), ("config.json", image.configuration)]
    named += [(f"layer-{number:02}", image.blobs[layer]) for number, layer in enumerate(image.packed, 1)]
    packages = []
    for name, content in named:
        (folder / "source").write_bytes(content)
        packages.append(
            LockedPackage(
                ecosystem=Ecosystem.OCI,
                name="registry.example/base",
                version=digest(image.manifest),
                sha256=vault.add(folder / "source"),
                size_bytes=len(content),
                origin=f"oci://registry.example/base@{digest(content)}",
                filename=name,
                layer=Layer.BASE,
                images=(ImageName("web"),),
                reference="1",
            )
        )
    return tuple(packages)


def index_of(images: Sequence[MadeImage]) -> bytes:
    """An index of images for several processors, with what builders add: a statement that is no image."""
    named = [("linux", image.architecture, image.manifest) for image in images]
    manifests = [
        {
            "mediaType": f"{OCI}.manifest.v1+json",
            "digest": digest(content),
            "size": len(content),
            "platform": {"os": system, "architecture": architecture},
        }
        for system, architecture, content in [("unknown", "unknown", named[0][2]), *named]
    ]
    return json.dumps({"schemaVersion": 2, "mediaType": f"{OCI}.index.v1+json", "manifests": manifests}).encode()


def push(host: str, name: str, tag: str, *images: MadeImage, folder: Path) -> Repository:
    """Push one image, or an index of several, under a tag."""
    repository = Repository(registry=host, name=name)
    session = Session()
    registry = RegistryWriter(session)
    try:
        for image in images:
            for known, content in image.blobs.items():
                source = folder / "blob"
                source.write_bytes(content)
                with Silent().task("") as task:
                    registry.upload(repository, Blob(digest=known, size_bytes=len(content)), source, task=task)
            registry.put(repository, _manifest(image.manifest, "manifest"), tag=tag if len(images) == 1 else "")
        if len(images) > 1:
            registry.put(repository, _manifest(index_of(images), "index"), tag=tag)
    finally:
        session.close()
    return repository


def _manifest(content: bytes, kind: str) -> Manifest:
    return Manifest(content=content, media_type=f"{OCI}.{kind}.v1+json", digest=digest(content))
