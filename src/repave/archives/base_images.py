"""The image of a registry that a lock holds as the base of one of ours: its documents, and what lies in its layers."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import BinaryIO

from repave.archives.compression import Compression, unpacked
from repave.archives.entries import Entry
from repave.archives.layers import COMPRESSIONS
from repave.archives.rules import ROOT_FILESYSTEM
from repave.archives.stacks import LayerStack
from repave.archives.tars import read_tar
from repave.model.lock import Ecosystem, LockedPackage
from repave.ports.errors import Invalid
from repave.ports.image_format import ImageConfiguration, ImageManifest
from repave.ports.vault import Vault

INDEX, MANIFEST, CONFIGURATION = "index.json", "manifest.json", "config.json"
"""What the lock calls the documents of an image."""


@dataclass(frozen=True, kw_only=True)
class LockedBase:
    """One image for one platform, by what is locked of it."""

    name: str
    """By its digest, for people."""

    manifest: ImageManifest
    configuration: ImageConfiguration


def locked_base(packages: Iterable[LockedPackage], vault: Vault) -> LockedBase | None:
    """The base among the packages of one image; None where there is none. Raises Corrupt, Gone, Invalid."""
    parts = [package for package in packages if package.ecosystem is Ecosystem.OCI]
    if not parts:
        return None
    name = f"{parts[0].name}@{parts[0].version}"
    manifest = ImageManifest.parse(_document(parts, MANIFEST, vault), name)
    configuration = ImageConfiguration.parse(_document(parts, CONFIGURATION, vault), name)
    locked = {f"sha256:{package.sha256}" for package in parts}
    named = [manifest.configuration.digest, *(layer.digest for layer in manifest.layers)]
    if not locked.issuperset(named) or len(configuration.differences) != len(manifest.layers):
        raise Invalid(f"the lock does not hold all that {name} consists of", hint="lock it again")
    return LockedBase(name=name, manifest=manifest, configuration=configuration)


def read_layers(base: LockedBase, vault: Vault, wanted: Callable[[str], bool]) -> LayerStack:
    """What lies in its layers; see ``LayerStack``. Raises Corrupt, Gone."""
    stack = LayerStack(wanted)
    for number, layer in enumerate(base.manifest.layers, 1):
        name = f"layer {number} of {base.name}"
        sha256 = layer.digest.removeprefix("sha256:")
        vault.verify(sha256)
        with vault.path(sha256).open("rb") as stored:
            stack.take_in(partial(_entries, stored, COMPRESSIONS[layer.media_type], name), name=name)
    return stack


def _entries(stored: BinaryIO, compression: Compression, name: str) -> Iterator[Entry]:
    """A layer from its beginning."""
    stored.seek(0)
    plain = unpacked(stored, compression, name=name, rules=ROOT_FILESYSTEM)
    return read_tar(plain, name=name, rules=ROOT_FILESYSTEM)


def _document(packages: Iterable[LockedPackage], filename: str, vault: Vault) -> bytes:
    for package in packages:
        if package.filename == filename:
            vault.verify(package.sha256)
            return vault.path(package.sha256).read_bytes()
    raise Invalid(f"the lock holds no {filename} of the base", hint="lock it again")
