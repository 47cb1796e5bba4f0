"""One entry of an archive, read whole, up to what a document of a package may have."""

from repave.archives.entries import Entry

CHUNK_BYTES = 64 * 1024
DOCUMENT_LIMIT_BYTES = 8 * 1024 * 1024
"""The longest copyright files in Debian have about one MiB; what is longer is not read."""


def whole(entry: Entry) -> bytes:
    """All of a file, before the next entry is asked for."""
    return b"".join(iter(lambda: entry.content.read(CHUNK_BYTES), b""))
