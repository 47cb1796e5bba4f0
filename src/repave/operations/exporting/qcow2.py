"""QEMU's own format: data where it is first met, the tables that find it behind.

Source: QEMU's docs/interop/qcow2.txt (version 3, clusters of 64 KiB, without compression).
"""

import struct
from typing import BinaryIO

from repave.operations.exporting.contents import BLOCK_BYTES, Disk

CLUSTER_BITS = 16
ENTRY = 8
"""Bytes of an entry in the tables that find clusters."""

TABLE_ENTRIES = BLOCK_BYTES // ENTRY
COUNTS = BLOCK_BYTES // 2
"""Reference counts of 16 bits in a cluster."""

COPIED = 1 << 63
"""Of an entry: nobody else uses the cluster."""


def write_qcow2(disk: Disk, target: BinaryIO) -> None:
    """The disk, with the clusters of nothing but zeros left out."""
    tables: dict[int, list[int]] = {}
    used = 1  # the header's
    for offset, block in disk.blocks:
        table, entry = divmod(offset // BLOCK_BYTES, TABLE_ENTRIES)
        tables.setdefault(table, [0] * TABLE_ENTRIES)[entry] = used * BLOCK_BYTES | COPIED
        _put(target, used, block)
        used += 1
    length = -(-disk.size // (BLOCK_BYTES * TABLE_ENTRIES))
    first = [0] * length
    for table, entries in sorted(tables.items()):
        first[table] = used * BLOCK_BYTES | COPIED
        _put(target, used, _packed(entries))
        used += 1
    first_at = used
    used += _put(target, used, _packed(first))
    counted, blocks, clusters = _counts(used)
    for number in range(blocks):
        _put(target, used + clusters + number, struct.pack(f">{COUNTS}H", *_ones(counted - number * COUNTS)))
    places = [(used + clusters + number) * BLOCK_BYTES for number in range(blocks)]
    _put(target, used, _packed(places))
    head = struct.pack(
        ">4sIQIIQIIQQIIQQQQII",
        *(b"QFI\xfb", 3, 0, 0, CLUSTER_BITS, disk.size, 0, length, first_at * BLOCK_BYTES),
        *(used * BLOCK_BYTES, clusters, 0, 0, 0, 0, 0, 4, 104),
    )
    _put(target, 0, head)


def _counts(used: int) -> tuple[int, int, int]:
    """Clusters in all, those of counts, those of the table of these: each of them is itself counted."""
    blocks = clusters = 0
    while True:
        counted = used + blocks + clusters
        needed = -(-counted // COUNTS)
        if needed == blocks:
            return counted, blocks, clusters
        blocks, clusters = needed, -(-needed // TABLE_ENTRIES)


def _ones(count: int) -> list[int]:
    present = min(count, COUNTS)
    return [1] * present + [0] * (COUNTS - present)


def _packed(entries: list[int]) -> bytes:
    return struct.pack(f">{len(entries)}Q", *entries)


def _put(target: BinaryIO, cluster: int, content: bytes) -> int:
    """Write from a cluster's begin on, up to the end of one; answers how many."""
    target.seek(cluster * BLOCK_BYTES)
    target.write(content.ljust(-(-len(content) // BLOCK_BYTES) * BLOCK_BYTES, b"\0"))
    return -(-len(content) // BLOCK_BYTES)
