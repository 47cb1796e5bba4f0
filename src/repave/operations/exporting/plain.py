"""Formats that are the disk itself: as it is, with a footer (VHD), or alone in a compressed archive.

Sources: Virtual Hard Disk Image Format Specification 1.0 (footer, geometry); tar(5); RFC 1952.
"""

import struct
import tarfile
import uuid
import zlib
from typing import BinaryIO

from repave.operations.exporting.contents import BLOCK_BYTES, Disk
from repave.ports.errors import Invalid

SECTOR = 512
MIB = 1 << 20
GZIP_BITS = 31
"""zlib's word for: gzip's header, without a time, and trailer; the largest window."""

MEMBER = "disk.raw"
"""What clouds that take an archive look for in it."""

NAMESPACE = uuid.UUID("0f5a9f3e-5a33-5a0a-9c59-3a7d6a6a2a51")
NO_OFFSET = (1 << 64) - 1
FIXED = 2
CREATOR = b"win "
"""Hyper-V's word: readers then go by the size, as Azure does, and not by the geometry, which is rounded down."""

MOST_SECTORS = 65535 * 16 * 255
"""That a geometry can tell of; larger disks tell of so many."""


def write_raw(disk: Disk, target: BinaryIO) -> None:
    """The disk as it is; what is zeros is a hole."""
    for offset, block in disk.blocks:
        target.seek(offset)
        target.write(block[: disk.size - offset])
    target.truncate(disk.size)


def write_vhd(disk: Disk, target: BinaryIO) -> None:
    """A VHD of fixed size. Raises Invalid for a disk of no whole number of MiB, which Azure does not take."""
    if disk.size % MIB:
        raise Invalid(
            f"a VHD is whole MiB, the disk is {disk.size} bytes", hint="give the image such a `disk`, as 4GiB"
        )
    write_raw(disk, target)
    target.seek(disk.size)
    target.write(_footer(disk))


def _footer(disk: Disk) -> bytes:
    cylinders, heads, sectors = geometry(disk.size // SECTOR)
    identity = uuid.uuid5(NAMESPACE, disk.identity).bytes

    def packed(checksum: int) -> bytes:
        return struct.pack(
            ">8sIIQI4sI4sQQHBBII16sB427x",
            *(b"conectix", 2, 0x00010000, NO_OFFSET, 0, CREATOR, 0x00010000, b"Wi2k"),
            *(disk.size, disk.size, cylinders, heads, sectors, FIXED, checksum, identity, 0),
        )

    return packed(~sum(packed(0)) & 0xFFFFFFFF)


def geometry(total: int) -> tuple[int, int, int]:
    """Cylinders, heads, sectors per track for a number of sectors, as the specification's appendix finds them."""
    total = min(total, MOST_SECTORS)
    if total >= 65535 * 16 * 63:
        return total // 255 // 16, 16, 255
    for sectors, fewest, most in ((17, 4, 16), (31, 16, 16), (63, 16, 16)):
        tracks = total // sectors
        heads = max(fewest, -(-tracks // 1024))
        if heads <= most and (tracks < heads * 1024 or sectors == 63):  # noqa: PLR2004 - the last of the three
            return tracks // heads, heads, sectors
    return total // 63 // 16, 16, 63


def write_archive(disk: Disk, target: BinaryIO) -> None:
    """A tar with the disk alone, compressed by gzip; the same bytes from the same version of zlib."""
    member = tarfile.TarInfo(MEMBER)
    member.size = disk.size
    packer = zlib.compressobj(wbits=GZIP_BITS)
    target.write(packer.compress(member.tobuf(tarfile.GNU_FORMAT)))
    end = 0
    for offset, block in disk.blocks:
        _write_zeros(packer, target, offset - end)
        content = block[: disk.size - offset]
        target.write(packer.compress(content))
        end = offset + len(content)
    _write_zeros(packer, target, disk.size - end)
    filled = -disk.size % SECTOR + 2 * SECTOR
    target.write(packer.compress(bytes(filled)))
    target.write(packer.flush())


def _write_zeros(packer: "zlib._Compress", target: BinaryIO, size: int) -> None:
    zeros = bytes(BLOCK_BYTES)
    while size > 0:
        target.write(packer.compress(zeros[:size]))
        size -= BLOCK_BYTES
