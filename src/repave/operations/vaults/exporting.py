"""``repave vault export``: a lock and every file it names, to be carried anywhere."""

import os
from dataclasses import dataclass
from hashlib import file_digest
from pathlib import Path

from repave.model.names import Digest, ImageName
from repave.operations.errors import Refused
from repave.operations.placing import placed, refuse_taken
from repave.operations.vaults.archive import SUFFIX, Content, write_archive, write_folder
from repave.operations.vaults.needs import NamedLock, needs
from repave.ports.errors import Gone
from repave.ports.progress import Progress
from repave.ports.vault import Vault


@dataclass(frozen=True, kw_only=True)
class Exported:
    """What was written."""

    path: Path
    lock: Digest
    files: int
    size_bytes: int
    """Of the locked files."""

    sha256: str
    """Of the archive; empty for a folder."""


def export(named: NamedLock, image: ImageName | None, path: Path, vault: Vault, progress: Progress) -> Exported:
    """Write the lock and all its files (or those that one image wants) to ``path``: an archive if it ends in ``.tar``.

    The same lock gives the same bytes. ``path`` is there whole or not at all, whenever this is killed.
    Raises Refused (the path is taken, no such image), Gone and Corrupt (the vault lacks a file), NoCapacity.
    """
    known = sorted(locked.name for locked in named.lock.images)
    if image is not None and image not in known:
        raise Refused(f"{named} has no image {image}", hint=f"its images: {', '.join(known)}")
    refuse_taken(path)
    content = Content(locks=(named,), files=needs((named,), image))
    with progress.task("Reading the vault", total=content.size_bytes, unit="B") as task:
        for file in content.files:
            _verify(vault, file.sha256, file.what)
            task.advance(file.size_bytes)
    with placed(path) as made, progress.task(f"Writing {path.name}", total=content.size_bytes, unit="B") as task:
        if path.suffix == SUFFIX:
            with made.open("xb") as target:
                write_archive(content, vault, target, task)
                target.flush()
                os.fsync(target.fileno())
        else:
            made.mkdir()
            write_folder(content, vault, made, task)
        sha256 = _sha256(made) if made.is_file() else ""
    return Exported(
        path=path, lock=named.digest, files=len(content.files), size_bytes=content.size_bytes, sha256=sha256
    )


def _verify(vault: Vault, sha256: str, what: tuple[str, ...]) -> None:
    try:
        vault.verify(sha256)
    except Gone as missing:
        raise Gone(
            f"the vault lacks {', '.join(what)} (sha256 {sha256})",
            hint="`repave vault verify --repair` fetches it again",
        ) from missing


def _sha256(path: Path) -> str:
    with path.open("rb") as content:
        return file_digest(content, "sha256").hexdigest()
