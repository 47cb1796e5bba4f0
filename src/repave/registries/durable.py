"""Writing so that a file is there whole or not at all, whenever the process or the machine stops."""

import errno
import os
import tempfile
from pathlib import Path


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
    _flush(source)
    source.replace(target)
    _flush(target.parent)


def no_room(error: OSError) -> bool:
    """Whether the disk, or our share of it, is full."""
    return error.errno in (errno.ENOSPC, errno.EDQUOT)


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
