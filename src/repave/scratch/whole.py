"""Files that are there whole: as they were, or as they were to be."""

import os
from pathlib import Path
from threading import get_ident


def write_whole(path: Path, content: bytes, *, mode: int = 0o666) -> None:
    """Put the file in place by a rename, its bytes on the disk before: no power failure leaves an empty or torn one.

    Nothing is left beside it of a write that fails. ``mode`` is what the umask leaves of it, as of any new file.
    Raises OSError.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # Named for the thread, since two may write the same file; a left-over of a dead one is overwritten in time.
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{get_ident()}")
    try:
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode)
        with open(handle, "wb") as file:  # noqa: PTH123 - it is open
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise


def flush(path: Path) -> None:
    """Wait until the disk has a file, or the names in a folder. Raises OSError."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
