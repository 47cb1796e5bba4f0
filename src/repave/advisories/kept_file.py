"""Files of caches: begun with the sha256 of the rest, and replaced in one move. Their loss only costs asking again."""

import hashlib
import os
import tempfile
from pathlib import Path


def read_kept(path: Path, *, largest_bytes: int) -> bytes | None:
    """What is kept; None where there is nothing that can be believed."""
    try:
        with path.open("rb") as file:
            digest, _, content = file.read(largest_bytes).partition(b"\n")
    except OSError:
        return None
    return content if digest == hashlib.sha256(content).hexdigest().encode() else None


def write_kept(path: Path, content: bytes) -> None:
    """Put ``content`` in the place of what was kept. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix="making-", dir=path.parent)
    making = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(hashlib.sha256(content).hexdigest().encode() + b"\n" + content)
        making.replace(path)
    finally:
        making.unlink(missing_ok=True)
