"""``repave vault export``: a lock and every file it names, to be carried anywhere."""

import errno
import os
import shutil
from dataclasses import dataclass
from hashlib import file_digest
from pathlib import Path

from repave.model.names import Digest, ImageName
from repave.operations.errors import Refused
from repave.operations.vaults.archive import SUFFIX, Content, write_archive, write_folder
from repave.operations.vaults.needs import NamedLock, needs
from repave.ports.errors import Denied, Gone, NoCapacity
from repave.ports.progress import Progress
from repave.ports.vault import Vault

FULL_DISK = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


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
    if path.exists():
        raise Refused(f"{path} exists already", hint="name another, or remove it first")
    content = Content(locks=(named,), files=needs((named,), image))
    with progress.task("Reading the vault", total=content.size_bytes, unit="B") as task:
        for file in content.files:
            _verify(vault, file.sha256, file.what)
            task.advance(file.size_bytes)
    beside = path.with_name(f".{path.name}.part")
    _forget(beside)  # what a killed export left
    try:
        with progress.task(f"Writing {path.name}", total=content.size_bytes, unit="B") as task:
            if path.suffix == SUFFIX:
                with beside.open("wb") as target:
                    write_archive(content, vault, target, task)
                    target.flush()
                    os.fsync(target.fileno())
            else:
                beside.mkdir()
                write_folder(content, vault, beside, task)
        sha256 = _sha256(beside) if beside.is_file() else ""
        beside.rename(path)
    except OSError as failure:
        kind = NoCapacity if failure.errno in FULL_DISK else Denied
        raise kind(f"could not write {path}: {failure.strerror}; nothing is left of it") from failure
    finally:
        _forget(beside)
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


def _forget(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
