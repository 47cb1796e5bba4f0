"""Wheels: the METADATA in them (core metadata, packaging.python.org)."""

from dataclasses import replace
from pathlib import Path

from repave.archives.rules import GIB, TREE
from repave.archives.zips import opened_zip
from repave.ports.errors import Corrupt

WHEEL = replace(TREE, file_bytes=8 * GIB, total_bytes=16 * GIB)
"""The largest wheels bring GPU libraries: some GiB."""

METADATA_BYTES = 8 * 1024 * 1024
"""A long description may have some hundred KiB."""


def wheel_metadata(wheel: Path, filename: str) -> bytes:
    """The METADATA of a wheel. Raises BadArchive, Corrupt (it has none)."""
    with opened_zip(wheel, name=f"the wheel {filename}", rules=WHEEL) as archive:
        for info in archive.infolist():
            folder, _, name = info.filename.partition("/")
            if folder.endswith(".dist-info") and name == "METADATA" and info.file_size <= METADATA_BYTES:
                return archive.read(info)
    raise Corrupt(f"the wheel {filename} holds no METADATA", hint="lock another version of it, or report it upstream")
