"""``repave export``: a virtual machine's disk as one file, whole or not at all."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import file_digest
from pathlib import Path
from typing import BinaryIO

from repave.config.problems import nearest
from repave.model.names import Digest
from repave.operations.errors import Refused
from repave.operations.exporting.contents import Disk, disk_of
from repave.operations.exporting.plain import write_archive, write_raw, write_vhd
from repave.operations.exporting.qcow2 import write_qcow2
from repave.operations.exporting.vmdk import write_vmdk
from repave.operations.integrity.records import Subject
from repave.operations.placing import placed
from repave.ports.disk_format import DiskConfiguration, DiskManifest, is_disk
from repave.ports.progress import Progress
from repave.ports.registry import Registry

FORMATS: Mapping[str, Callable[[Disk, BinaryIO], None]] = {
    "raw": write_raw,
    "qcow2": write_qcow2,
    "vhd": write_vhd,
    "vmdk": write_vmdk,
    "tar.gz": write_archive,
}
"""By the end of a file's name, which is also how people call them."""


@dataclass(frozen=True, kw_only=True)
class Exported:
    """What was written."""

    path: Path
    artifact: Digest
    format: str
    disk_bytes: int
    """Of the disk, as the machine sees it."""

    size_bytes: int
    """Of the file, holes included."""

    sha256: str
    """Of the file."""


def chosen_format(path: Path, named: str | None) -> str:
    """What to write: as named, or as the file's name ends. Raises Refused with what is known."""
    known = ", ".join(FORMATS)
    if named is not None:
        if named in FORMATS:
            return named
        meant = nearest(named, FORMATS)
        raise Refused(f"`{named}` is no format of disks", hint=f"did you mean {meant}?" if meant else f"known: {known}")
    for known_format in FORMATS:
        if path.name.endswith(f".{known_format}"):
            return known_format
    raise Refused(f"the name {path.name} does not say in which format", hint=f"end it with one of {known}; or --format")


def export(subject: Subject, path: Path, kind: str, registry: Registry, progress: Progress) -> Exported:
    """Write the disk to ``path``, each piece verified before it is written. The same artifact gives the same bytes.

    ``path`` is there whole or not at all, whenever this is killed. Raises Refused (the path is taken, no disk, or one
    that is only a base), Invalid, Gone, Corrupt, Denied, NoCapacity.
    """
    said = _configuration(subject, registry)
    size = sum(piece.size for piece in said.pieces)
    with placed(path) as made, progress.task(f"Writing {path.name}", total=size, unit="B") as task:
        with made.open("xb+") as target:
            FORMATS[kind](disk_of(subject.digest, registry, task.advance), target)
            target.flush()
            os.fsync(target.fileno())
            target.seek(0)
            sha256 = file_digest(target, "sha256").hexdigest()
        written = made.stat().st_size
    return Exported(
        path=path,
        artifact=subject.digest,
        format=kind,
        disk_bytes=said.disk_bytes,
        size_bytes=written,
        sha256=sha256,
    )


def _configuration(subject: Subject, registry: Registry) -> DiskConfiguration:
    content, what = registry.read(subject.digest), str(subject)
    if not is_disk(content, what):
        raise Refused(f"{what} is no virtual machine", hint="`repave push` carries containers to a registry")
    manifest = DiskManifest.parse(content, what)
    said = DiskConfiguration.parse(registry.read(manifest.configuration.digest), what)
    if said.bootstrap is not None:
        raise Refused(
            f"{what} installs itself at its first start: its disk alone is only a base",
            hint="bake it with `boot: golden` for a disk that has everything",
        )
    return said
