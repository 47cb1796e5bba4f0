"""What baking yields, named by its digest."""

from dataclasses import dataclass

from repave.model.guards import Exposed
from repave.model.lock import Layer
from repave.model.names import Digest, ImageName
from repave.model.recipe import ImageKind

PLAIN_LAYERS = frozenset({"application/vnd.oci.image.layer.v1.tar", "application/vnd.docker.image.rootfs.diff.tar"})
GZIPPED_LAYERS = frozenset(
    {"application/vnd.oci.image.layer.v1.tar+gzip", "application/vnd.docker.image.rootfs.diff.tar.gzip"}
)
ZSTD_LAYERS = frozenset({"application/vnd.oci.image.layer.v1.tar+zstd"})
"""Media types of layers that can be read."""


ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "ppc64le": "ppc64el", "riscv64": "riscv64", "s390x": "s390x"}
"""Debian's names of the architectures that Linux's ``uname`` names; Go's, which images bear, are these too."""


@dataclass(frozen=True, kw_only=True)
class ArtifactLayer:
    """One layer: its bytes by digest, and what went into it by another."""

    layer: Layer
    digest: Digest
    """Of the blob as it is stored: what is baked here is uncompressed, what an image below brings stays as it was."""

    size_bytes: int
    inputs: Digest
    """Digest of everything that determined the bytes; the cache key."""

    cached: bool
    """True if this bake found it made already."""

    exposed: tuple[Exposed, ...] = ()
    """What in it has permission bits to be looked at."""


@dataclass(frozen=True, kw_only=True)
class Artifact:
    """An image, baked: immutable, the same in every environment."""

    image: ImageName
    kind: ImageKind
    digest: Digest
    """Digest of the OCI manifest."""

    size_bytes: int
    layers: tuple[ArtifactLayer, ...]
