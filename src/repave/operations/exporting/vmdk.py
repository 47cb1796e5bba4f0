"""VMware's format for streams, which clouds and hypervisors import: each block compressed, the tables behind it.

Source: VMware Virtual Disk Format 1.1 ("Stream-Optimized Compressed Sparse Extents").
"""

import struct
import zlib
from typing import BinaryIO

from repave.operations.exporting.contents import BLOCK_BYTES, Disk

SECTOR = 512
GRAIN = BLOCK_BYTES // SECTOR
"""Sectors of a block."""

TABLE_ENTRIES = 512
OVERHEAD = 128
"""Sectors before the first block."""

DESCRIPTOR_SECTORS = 20
FLAGS = 1 | 1 << 16 | 1 << 17
"""Line ends can be checked; blocks are compressed; what follows is marked."""

AT_THE_END = (1 << 64) - 1
END, TABLE, DIRECTORY, FOOTER = 0, 1, 2, 3
"""Kinds of marks."""

DESCRIPTOR = """\
# Disk DescriptorFile
version=1
CID={identity}
parentCID=ffffffff
createType="streamOptimized"
RDONLY {sectors} SPARSE "disk.vmdk"
ddb.adapterType = "lsilogic"
ddb.geometry.cylinders = "{cylinders}"
ddb.geometry.heads = "255"
ddb.geometry.sectors = "63"
ddb.virtualHWVersion = "14"
"""


def write_vmdk(disk: Disk, target: BinaryIO) -> None:
    """The disk; the same bytes from the same version of zlib."""
    sectors = -(-disk.size // SECTOR)
    identity = disk.identity.removeprefix("sha256:")[:8]
    told = DESCRIPTOR.format(identity=identity, sectors=sectors, cylinders=sectors // (255 * 63))
    target.write(_header(sectors, AT_THE_END))
    target.write(told.encode().ljust(DESCRIPTOR_SECTORS * SECTOR, b"\0"))
    target.seek(OVERHEAD * SECTOR)
    directory = [0] * -(-sectors // (GRAIN * TABLE_ENTRIES))
    table: list[int] = [0] * TABLE_ENTRIES
    current = 0
    for offset, block in disk.blocks:
        number, entry = divmod(offset // BLOCK_BYTES, TABLE_ENTRIES)
        if number != current:
            directory[current] = _write_table(target, table)
            table, current = [0] * TABLE_ENTRIES, number
        table[entry] = target.tell() // SECTOR
        packed = zlib.compress(block)
        _write(target, struct.pack("<QI", offset // SECTOR, len(packed)) + packed)
    if any(table):
        directory[current] = _write_table(target, table)
    content = struct.pack(f"<{len(directory)}I", *directory)
    _mark(target, -(-len(content) // SECTOR), DIRECTORY)
    directory_at = target.tell() // SECTOR
    _write(target, content)
    _mark(target, 1, FOOTER)
    target.write(_header(sectors, directory_at))
    _mark(target, 0, END)


def _header(sectors: int, directory_at: int) -> bytes:
    return struct.pack(
        "<4sIIQQQQIQQQB4sH433x",
        *(b"KDMV", 3, FLAGS, sectors, GRAIN, 1, DESCRIPTOR_SECTORS, TABLE_ENTRIES, 0, directory_at, OVERHEAD),
        *(0, b"\n \r\n", 1),
    )


def _write_table(target: BinaryIO, table: list[int]) -> int:
    """Where it begins, in sectors; 0 for one that finds nothing, which is not written."""
    if not any(table):
        return 0
    content = struct.pack(f"<{TABLE_ENTRIES}I", *table)
    _mark(target, len(content) // SECTOR, TABLE)
    begin = target.tell() // SECTOR
    _write(target, content)
    return begin


def _mark(target: BinaryIO, sectors: int, kind: int) -> None:
    _write(target, struct.pack("<QII", sectors, 0, kind))


def _write(target: BinaryIO, content: bytes) -> None:
    """Up to the end of a sector."""
    target.write(content.ljust(-(-len(content) // SECTOR) * SECTOR, b"\0"))
