"""Wheels: the METADATA in them (core metadata, packaging.python.org)."""

from pathlib import Path

from repave.archives.rules import TREE
from repave.archives.zips import opened_zip
from repave.ports.errors import Corrupt

METADATA_BYTES = 8 * 1024 * 1024
"""A long description may have some hundred KiB."""


def wheel_metadata(wheel: Path, filename: str) -> bytes:
    """The METADATA of a wheel. Raises BadArchive, Corrupt (it has none)."""
    with opened_zip(wheel, name=f"the wheel {filename}", rules=TREE) as archive:
        for info in archive.infolist():
            folder, _, name = info.filename.partition("/")
            if folder.endswith(".dist-info") and name == "METADATA" and info.file_size <= METADATA_BYTES:
                return archive.read(info)
    raise Corrupt(f"the wheel {filename} holds no METADATA", hint="lock another version of it, or report it upstream")
