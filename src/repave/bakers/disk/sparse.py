"""Files with holes: what is zeros takes no room, and is not read."""

import os
from collections.abc import Iterator
from pathlib import Path

BLOCK_BYTES = 4096


def copy_sparse(source: Path, target: Path) -> None:
    """Copy what is no hole."""
    with source.open("rb") as stream, target.open("xb") as out:
        size = os.fstat(stream.fileno()).st_size
        os.ftruncate(out.fileno(), size)
        for start, end in data_ranges(stream.fileno(), size):
            position = start
            while position < end:
                position += os.copy_file_range(stream.fileno(), out.fileno(), end - position, position, position)


def data_ranges(handle: int, size: int) -> Iterator[tuple[int, int]]:
    """Where a file holds data, by begin and end; the rest are holes."""
    end = 0
    while end < size:
        try:
            start = os.lseek(handle, end, os.SEEK_DATA)
        except OSError:
            # ENXIO: there is none behind (lseek(2)).
            return
        end = os.lseek(handle, start, os.SEEK_HOLE)
        yield start, end


def write_sparse(disk: int, offset: int, content: bytes) -> None:
    """Write, but leave out blocks of zeros, which the disk holds already."""
    for start in range(0, len(content), BLOCK_BYTES):
        block = content[start : start + BLOCK_BYTES]
        if block.strip(b"\0"):
            os.pwrite(disk, block, offset + start)
