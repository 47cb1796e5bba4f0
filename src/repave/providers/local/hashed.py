"""Streams that are hashed as they are read."""

import hashlib
from collections.abc import Callable

from repave.archives.entries import Readable
from repave.model.names import Digest

CHUNK_BYTES = 1024 * 1024


class Hashed:
    """A stream that is hashed as it is read."""

    def __init__(self, source: Readable, advance: Callable[[int], None]) -> None:
        self._source = source
        self._advance = advance
        self._hash = hashlib.sha256()

    def read(self, size: int = CHUNK_BYTES, /) -> bytes:
        """The next bytes."""
        content = self._source.read(size)
        self._hash.update(content)
        self._advance(len(content))
        return content

    @property
    def digest(self) -> Digest:
        """Of everything read so far."""
        return Digest(f"sha256:{self._hash.hexdigest()}")
