"""Writing so that a file is there whole or not at all, whenever the process or the machine stops."""

import errno
import os
import tempfile
from pathlib import Path

from repave.ports.errors import NoCapacity
from repave.scratch.whole import flush


def keep_durably(content: bytes, target: Path, incoming: Path) -> None:
    """Write ``content`` to ``target`` by way of the folder ``incoming``, which is on the same file system."""
    handle, name = tempfile.mkstemp(dir=incoming)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
        rename_durably(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)


def rename_durably(source: Path, target: Path) -> None:
    """Move a finished file on one file system, its bytes on the disk before its name is."""
    # Registries are read by other users' programs (skopeo, a container engine), whatever the umask of the writer.
    source.chmod(0o644)
    flush(source)
    source.replace(target)
    flush(target.parent)


FULL_DISK = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


def no_room(error: OSError) -> bool:
    """Whether the disk, or our share of it, is full."""
    return error.errno in FULL_DISK


def room_wanted(name: str, folder: Path, cause: OSError) -> NoCapacity | None:
    """What to say of a full disk; None when ``cause`` is something else."""
    if not no_room(cause):
        return None
    return NoCapacity(
        f"could not keep {name} in {folder}: {cause.strerror}; nothing half-written is left",
        hint="make room on that file system (`repave gc` removes what nothing refers to), then ask again",
    )
