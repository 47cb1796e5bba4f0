"""Layers of an OCI image as folders, verified while read.

Source: https://github.com/opencontainers/image-spec/blob/v1.1.0/layer.md; ``archives`` keeps what is written inside.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from repave.archives.compression import Compression, unpacked
from repave.archives.errors import BadArchive
from repave.archives.layers import COMPRESSIONS, HINT
from repave.archives.rules import ROOT_FILESYSTEM
from repave.archives.tars import read_tar
from repave.archives.unpacking import Unpacking
from repave.archives.unpacking import unpack as unpack_entries
from repave.archives.whiteouts import Hiding
from repave.model.names import Digest
from repave.ports.errors import Corrupt, Invalid
from repave.providers.local.errors import REMEDY
from repave.providers.local.hashed import Hashed


@dataclass(frozen=True, kw_only=True)
class LayerFile:
    """One stored layer: where its bytes are, and what they must be."""

    path: Path
    digest: Digest
    difference: Digest
    """Digest of the uncompressed tar: the layer's diff id."""

    media_type: str


def unpack(layer: LayerFile, target: Path, *, privileged: bool, advance: Callable[[int], None]) -> None:
    """Unpack the layer into the existing folder ``target``.

    With root, owners are kept and whiteouts become overlayfs's; without, all is ours and whiteouts are carried out
    on what ``target`` holds already. Devices are left out: an instance gets its own. Raises Corrupt for other bytes
    than promised or a member that breaks a rule, Invalid for a compression that is not supported; what is in
    ``target`` then must not be used.
    """
    kind = COMPRESSIONS.get(layer.media_type)
    if kind is None:
        raise Invalid(
            f"the layer {layer.digest} cannot be unpacked: {layer.media_type} is not supported here",
            hint=HINT,
        )
    name = f"the layer {layer.digest}"
    settings = Unpacking(owners=privileged, hiding=Hiding.OVERLAYFS if privileged else Hiding.REMOVED)
    with layer.path.open("rb") as file:
        stored = Hashed(file, advance)
        plain = stored
        if kind is not Compression.NONE:
            plain = Hashed(unpacked(stored, kind, name=name, rules=ROOT_FILESYSTEM), lambda _: None)
        try:
            unpack_entries(read_tar(plain, name=name, rules=ROOT_FILESYSTEM), target, name=name, settings=settings)
        except BadArchive as bad:
            raise Corrupt(bad.message, hint=REMEDY) from bad
    for what, wanted, found in (("", layer.digest, stored.digest), ("uncompressed ", layer.difference, plain.digest)):
        if wanted != found:
            raise Corrupt(
                f"the layer {layer.digest} is refused: its {what}bytes have the digest {found}, not {wanted}",
                hint=REMEDY,
            )
