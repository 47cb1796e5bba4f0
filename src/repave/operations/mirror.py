"""What a mirror has: every locked file of one release and what its machines install beside them, each by its sha256."""

from pathlib import Path

from repave.model.names import Digest
from repave.model.release import Release
from repave.operations.errors import Refused
from repave.ports.catalog import Catalog
from repave.ports.disk_format import DiskManifest, is_disk
from repave.ports.errors import Gone
from repave.ports.registry import Registry
from repave.ports.vault import Vault


def mirrored(release: Release, *, catalog: Catalog, vault: Vault, registry: Registry) -> dict[str, Path]:
    """Where each file is, by its sha256. Raises Refused where one is missing: a mirror has all, or is none."""
    lock = catalog.lock(release.lock)
    locked = {*(package.sha256 for package in lock.packages), *(file.sha256 for file in lock.files)}
    try:
        found = {sha256: vault.path(sha256) for sha256 in locked}
        for digest in release.artifacts.values():
            found.update(_beside(digest, registry))
    except Gone as error:
        raise Refused(
            f"{release} cannot be mirrored: {error.message}", hint="`repave bake` brings in what is missing"
        ) from error
    return found


def _beside(artifact: Digest, registry: Registry) -> dict[str, Path]:
    """What a machine that installs itself has beside its disk; nothing of any other artifact."""
    content, what = registry.read(artifact), f"the artifact {artifact}"
    files = DiskManifest.parse(content, what).files if is_disk(content, what) else ()
    return {file.digest.removeprefix("sha256:"): registry.path(file.digest) for file in files}
