"""``repave vault import``: what was exported elsewhere, brought in and believed in nothing."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from repave.config.errors import FileError
from repave.config.lockfile import load_lock
from repave.model.names import Digest
from repave.operations.errors import Refused
from repave.operations.vaults.archive import FILE_NAME, LOCK_NAME, Member, largest_bytes, opened_archive
from repave.operations.vaults.needs import NamedLock, Need, needs
from repave.ports.progress import Progress, Task
from repave.ports.vault import Vault

MOST_LOCKS = 1000


@dataclass(frozen=True, kw_only=True)
class Imported:
    """What came in."""

    locks: tuple[Digest, ...]
    files: int
    """That were new here."""

    size_bytes: int
    present: int
    """That were here already."""

    missing: tuple[Need, ...]
    """What the locks name and is still not here."""


def import_archive(path: Path, vault: Vault, progress: Progress) -> Imported:
    """Bring every file of an archive into the vault, each verified by its lock before it is kept.

    May be called again after any failure: what is here is passed over. Raises Refused for an archive that no export
    wrote, Corrupt for a file that is not what its name says, NoCapacity.
    """
    with opened_archive(path) as members, progress.task(f"Importing {path.name}", unit="B") as task:
        return _Import(path, vault, task).take(iter(members))


class _Import:
    def __init__(self, path: Path, vault: Vault, task: Task) -> None:
        self._path = path
        self._vault = vault
        self._task = task
        self._locks: list[NamedLock] = []
        self._wanted: dict[str, Need] = {}
        self._new = self._present = self._size = 0

    def take(self, members: Iterator[Member]) -> Imported:
        for member in members:
            if lock := LOCK_NAME.fullmatch(member.name):
                self._take_lock(member, lock[1])
            elif file := FILE_NAME.fullmatch(member.name):
                self._take_file(member, file[2])
        if not self._locks:
            raise Refused(f"{self._path} holds no lock", hint="`repave vault export FILE` writes an archive")
        missing = tuple(need for sha256, need in self._wanted.items() if not self._vault.has(sha256))
        return Imported(
            locks=tuple(named.digest for named in self._locks),
            files=self._new,
            size_bytes=self._size,
            present=self._present,
            missing=missing,
        )

    def _take_lock(self, member: Member, digest: str) -> None:
        largest = largest_bytes(member.name) or 0
        if member.size_bytes > largest or len(self._locks) >= MOST_LOCKS:
            raise Refused(f"{self._path} is not taken in: {member.name} is more than any lock of ours")
        text = member.content.read()
        if hashlib.sha256(text).hexdigest() != digest:
            raise Refused(f"{self._path} is not taken in: {member.name} does not have the sha256 its name says")
        try:
            lock = load_lock(text.decode(), filename=member.name)
        except (FileError, UnicodeDecodeError) as broken:
            raise Refused(f"{self._path} is not taken in: {member.name} is no lock: {broken}") from broken
        self._locks.append(NamedLock(names=(f"sha256:{digest}"[:19],), lock=lock))
        self._wanted = {need.sha256: need for need in needs(self._locks)}

    def _take_file(self, member: Member, sha256: str) -> None:
        need = self._wanted.get(sha256)
        if need is None:
            raise Refused(f"{self._path} is not taken in: no lock before it names {member.name}")
        if member.size_bytes != need.size_bytes:
            told = f"{member.name} has {member.size_bytes} bytes, its lock says {need.size_bytes}"
            raise Refused(f"{self._path} is not taken in: {told}")
        if self._vault.has(sha256):
            self._present += 1
        else:
            self._vault.take(cast("BinaryIO", member.content), sha256=sha256, size_bytes=member.size_bytes)
            self._new += 1
            self._size += member.size_bytes
        self._task.advance(member.size_bytes)
