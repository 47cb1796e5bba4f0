"""A shared vault as a folder, laid out as a project's own: on a disk that machines share, or that travels."""

import hashlib
from collections.abc import Collection
from pathlib import Path

from repave.ports.errors import Corrupt, Denied
from repave.ports.progress import Progress
from repave.ports.shared_vault import SharedFile, SharedLock
from repave.registries.vault import FileVault

READABLE_MODE = 0o755


class FolderVault:
    """The shared vault port over one folder."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._vault = FileVault(root)

    @property
    def place(self) -> str:
        """Its path."""
        return str(self._root)

    def missing(self, files: Collection[SharedFile]) -> frozenset[str]:
        """What is not there; see the port."""
        return frozenset(file.sha256 for file in files if not self._vault.has(file.sha256))

    def keep(self, lock: SharedLock, *, progress: Progress) -> None:
        """Have all of it there; see the port."""
        total = sum(file.size_bytes for file in lock.files)
        try:
            with progress.task(f"Copying to {self._root}", total=total, unit="B") as task:
                self._root.mkdir(mode=READABLE_MODE, parents=True, exist_ok=True)
                for file in lock.files:
                    if not self._vault.has(file.sha256):
                        self._vault.add(file.path, sha256=file.sha256)
                    task.advance(file.size_bytes)
                self._keep_lock(lock)
        except PermissionError as refused:
            raise Denied(
                f"{self._root} cannot be written to ({refused.strerror})",
                hint="let the user who shares write there; those who only read need not",
            ) from refused

    def _keep_lock(self, lock: SharedLock) -> None:
        """The lock's own text too, so that the folder says what its files are for."""
        content = lock.text.encode()
        found = hashlib.sha256(content).hexdigest()
        if lock.digest != f"sha256:{found}":
            raise Corrupt(f"the lock {lock.digest} has other bytes (sha256:{found})")
        locks = self._root / "locks"
        locks.mkdir(mode=READABLE_MODE, exist_ok=True)
        place = locks / f"{found}.lock"
        if not place.exists():
            partial = place.with_suffix(".partial")
            partial.write_bytes(content)
            partial.replace(place)
