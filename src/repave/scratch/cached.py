"""Folders of what only spares the next run some work."""

import shutil
import stat
from dataclasses import dataclass
from pathlib import Path


def bytes_below(folder: Path) -> int:
    """Of all files in it, as far as this user may look; 0 where there is none."""
    total = 0
    for path in folder.rglob("*"):
        try:
            looked = path.lstat()
        except OSError:  # gone meanwhile
            continue
        total += 0 if stat.S_ISDIR(looked.st_mode) else looked.st_size
    return total


@dataclass(frozen=True, kw_only=True)
class CachedFolder:
    """The caches port for a folder in which nobody works meanwhile, by what its user promises."""

    folder: Path

    def cached_bytes(self) -> int:
        """Of all that is in it."""
        return bytes_below(self.folder)

    def clear_cache(self) -> None:
        """Remove it. Raises OSError."""
        if self.folder.exists():
            shutil.rmtree(self.folder)
