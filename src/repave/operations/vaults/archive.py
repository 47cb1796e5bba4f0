"""The form in which a vault travels: a folder, or the same as one tar archive.

    locks/HEX.lock      the locks, each named by the sha256 of its text
    SHA256SUMS          every other file, as ``sha256sum --check`` reads it
    sha256/AB/HEX       the locked files, each named by its sha256

The same locks give the same bytes: members in this order and sorted, without owner or time. What is read is believed in
nothing: no other names, no links, no other kinds of members; every file must be one that a lock before it names.
"""

import re
import shutil
import tarfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, NamedTuple

from repave.archives.entries import Kind, Readable
from repave.archives.errors import BadArchive
from repave.archives.rules import GIB, TREE
from repave.archives.tars import read_tar
from repave.config.lockfile import LARGEST_LOCK_BYTES
from repave.operations.errors import Refused
from repave.operations.vaults.needs import NamedLock, Need
from repave.ports.progress import Task
from repave.ports.vault import Vault

SUMS = "SHA256SUMS"
SUFFIX = ".tar"
LOCK_NAME = re.compile(r"locks/([0-9a-f]{64})\.lock")
FILE_NAME = re.compile(r"sha256/([0-9a-f]{2})/(\1[0-9a-f]{62})")
CHUNK_BYTES = 1024 * 1024

LARGEST_SUMS_BYTES = 64 * 1024 * 1024
"""Half a million lines."""

RULES = replace(TREE, entries=500_000, file_bytes=64 * GIB, total_bytes=4096 * GIB)
"""What is in it is held against its locks, file by file; that is where the limits are."""

STRANGE = "it was not written by `repave vault export`: ask who made it"


class Member(NamedTuple):
    """One file of an archive, to be read before the next is asked for."""

    name: str
    size_bytes: int
    content: Readable


@dataclass(frozen=True, kw_only=True)
class Content:
    """What one archive holds."""

    locks: tuple[NamedLock, ...]
    files: tuple[Need, ...]

    @property
    def size_bytes(self) -> int:
        """Of all locked files."""
        return sum(file.size_bytes for file in self.files)

    def documents(self) -> Iterator[tuple[str, bytes]]:
        """What stands before the locked files."""
        locks = sorted((named.digest.removeprefix("sha256:"), named.text.encode()) for named in self.locks)
        for digest, text in locks:
            yield f"locks/{digest}.lock", text
        lines = [f"{digest}  locks/{digest}.lock\n" for digest, _ in locks]
        lines += [f"{file.sha256}  {place(file.sha256)}\n" for file in self.files]
        yield SUMS, "".join(lines).encode()


def place(sha256: str) -> str:
    """Where a locked file is in the archive."""
    return f"sha256/{sha256[:2]}/{sha256}"


def write_archive(content: Content, vault: Vault, target: BinaryIO, task: Task) -> None:
    """The whole as tar (POSIX ustar)."""
    with tarfile.open(fileobj=target, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, text in content.documents():
            archive.addfile(_header(name, len(text)), BytesIO(text))
        for file in content.files:
            with vault.path(file.sha256).open("rb") as source:
                archive.addfile(_header(place(file.sha256), file.size_bytes), source)
            task.advance(file.size_bytes)


def write_folder(content: Content, vault: Vault, target: Path, task: Task) -> None:
    """The whole as a new folder."""
    for name, text in content.documents():
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        (target / name).write_bytes(text)
    for file in content.files:
        kept = target / place(file.sha256)
        kept.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(vault.path(file.sha256), kept)
        task.advance(file.size_bytes)


@contextmanager
def opened_archive(path: Path) -> Iterator[Iterable[Member]]:
    """The members of a folder or tar archive, locks first. Raises Refused for whatever no export writes."""
    if path.is_dir():
        yield _members_of_folder(path)
        return
    if not path.is_file():
        raise Refused(f"there is no archive {path}", hint="`repave vault export FILE` writes one")
    with path.open("rb") as source:
        yield _members_of_tar(source, path)


def largest_bytes(name: str) -> int | None:
    """What a document may have at most; None for locked files, whose size their lock says."""
    if name == SUMS:
        return LARGEST_SUMS_BYTES
    return LARGEST_LOCK_BYTES if LOCK_NAME.fullmatch(name) else None


def _members_of_folder(path: Path) -> Iterator[Member]:
    for pattern in ("locks/*.lock", SUMS, "sha256/*/*"):
        for found in sorted(path.glob(pattern)):
            name = found.relative_to(path).as_posix()
            if found.is_symlink() or found.parent.is_symlink() or not found.is_file():
                raise _strange(path, name, "is no plain file")
            _check_name(path, name)
            with found.open("rb") as content:
                yield Member(name=name, size_bytes=found.stat().st_size, content=content)


def _members_of_tar(source: BinaryIO, path: Path) -> Iterator[Member]:
    try:
        for entry in read_tar(source, name=str(path), rules=RULES):
            if entry.kind is not Kind.FILE:
                raise _strange(path, entry.name, "is no plain file")
            _check_name(path, entry.name)
            yield Member(name=entry.name, size_bytes=entry.size_bytes, content=entry.content)
    except BadArchive as bad:
        raise Refused(bad.message, hint=STRANGE) from bad


def _check_name(path: Path, name: str) -> None:
    if name != SUMS and not LOCK_NAME.fullmatch(name) and not FILE_NAME.fullmatch(name):
        raise _strange(path, name, "has no place in a vault")


def _strange(path: Path, name: str, why: str) -> Refused:
    return Refused(
        f"{path} is not taken in: its member {name!r} {why}",
        hint=STRANGE,
    )


def _header(name: str, size_bytes: int) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.size, info.mode, info.mtime = size_bytes, 0o644, 0
    return info
