"""The disk's outline: partitions, and the table that names them, in front and again at the end.

Source: UEFI Specification 2.10, chapter 5 (GUID Partition Table).
"""

import struct
import uuid
from dataclasses import dataclass
from zlib import crc32

SECTOR = 512
ENTRIES, ENTRY_BYTES = 128, 128
TABLE_SECTORS = ENTRIES * ENTRY_BYTES // SECTOR
MIB = 1 << 20

BIOS_BOOT = uuid.UUID("21686148-6449-6e6f-744e-656564454649")
EFI_SYSTEM = uuid.UUID("c12a7328-f81f-11d2-ba4b-00a0c93ec93b")
ROOT = {"amd64": uuid.UUID("4f68bce3-e8cd-4db1-96e7-fbcaf984b709")}
"""Types of partitions; a root's says for which processor it is (Discoverable Partitions Specification)."""

ROOT_NAME = "repave-root"
"""The name of the root's partition, by which kernel and initrd find it."""

NAMESPACE = uuid.UUID("6f1c3a52-9f6e-5d0b-8a3e-8a3b3b0f6c11")
"""Of all identities on disks: what is derived from the same content is the same."""


@dataclass(frozen=True, kw_only=True)
class Partition:
    """One partition, in bytes."""

    name: str
    kind: uuid.UUID
    offset: int
    size: int


@dataclass(frozen=True, kw_only=True)
class Outline:
    """Where everything lies on a disk of ``size`` bytes; ``identity`` tells it from others."""

    identity: str
    size: int
    architecture: str

    @property
    def loader(self) -> Partition:
        """What BIOS firmware starts, by way of the first sector."""
        return Partition(name="repave-bios", kind=BIOS_BOOT, offset=1 * MIB, size=1 * MIB)

    @property
    def firmware(self) -> Partition:
        """What UEFI firmware starts."""
        return Partition(name="repave-uefi", kind=EFI_SYSTEM, offset=2 * MIB, size=14 * MIB)

    @property
    def root(self) -> Partition:
        """The files; the last whole MiB holds the table again."""
        offset = 16 * MIB
        end = (self.size // MIB - 1) * MIB
        return Partition(name=ROOT_NAME, kind=ROOT[self.architecture], offset=offset, size=end - offset)

    @property
    def root_uuid(self) -> uuid.UUID:
        """Of the root's file system."""
        return self._uuid("file system")

    def first_sector(self, code: bytes) -> bytes:
        """The first sector: ``code`` for BIOS firmware, and one partition over the whole disk for old tools."""
        last = min(self.size // SECTOR - 1, 0xFFFFFFFF)
        # The mark of an active partition: some BIOS firmware takes no disk without one for startable.
        whole = struct.pack("<B3sB3sII", 0x80, b"\x00\x02\x00", 0xEE, b"\xff\xff\xff", 1, last)
        return code[:440].ljust(446, b"\0") + whole.ljust(64, b"\0") + b"\x55\xaa"

    def front(self) -> bytes:
        """Header and entries, from the second sector."""
        return self._header(own=1, other=self._last, entries=2) + self._entries

    def back(self) -> bytes:
        """Entries and header, up to the end of the disk."""
        return self._entries + self._header(own=self._last, other=1, entries=self._last - TABLE_SECTORS)

    @property
    def back_offset(self) -> int:
        """Where ``back`` begins, in bytes."""
        return (self._last - TABLE_SECTORS) * SECTOR

    @property
    def _last(self) -> int:
        return self.size // SECTOR - 1

    @property
    def _entries(self) -> bytes:
        packed = b"".join(
            struct.pack(
                "<16s16sQQQ72s",
                partition.kind.bytes_le,
                self._uuid(partition.name).bytes_le,
                partition.offset // SECTOR,
                (partition.offset + partition.size) // SECTOR - 1,
                0,
                partition.name.encode("utf-16-le"),
            )
            for partition in (self.loader, self.firmware, self.root)
        )
        return packed.ljust(ENTRIES * ENTRY_BYTES, b"\0")

    def _header(self, *, own: int, other: int, entries: int) -> bytes:
        def packed(checksum: int) -> bytes:
            return struct.pack(
                "<8sIIIIQQQQ16sQIII",
                b"EFI PART",
                0x00010000,
                92,
                checksum,
                0,
                own,
                other,
                2 + TABLE_SECTORS,
                self._last - TABLE_SECTORS - 1,
                self._uuid("disk").bytes_le,
                entries,
                ENTRIES,
                ENTRY_BYTES,
                crc32(self._entries),
            )

        return packed(crc32(packed(0))).ljust(SECTOR, b"\0")

    def _uuid(self, what: str) -> uuid.UUID:
        return uuid.uuid5(NAMESPACE, f"{self.identity} {what}")
