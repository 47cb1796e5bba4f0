"""Compressed tars made to do harm."""

import lzma
import struct
import zlib

from hostile import Hostile
from tar_bytes import compressed, entry, raw_tar, tar


def bomb(suffix: str) -> Hostile:
    """5 MB of zeros: compressed it is small, and refused by what it becomes."""
    content = compressed(raw_tar((entry("zeros"), bytes(5_000_000))))[suffix]
    return Hostile(name=f"bomb{suffix}", content=content, says="more than 250 times its size")


def greedy_xz() -> bytes:
    """A stream that asks for a dictionary of half a gigabyte (xz file format, "Block Header" and "LZMA2")."""
    whole = bytearray(lzma.compress(tar(entry("name"))))
    end = 12 + (whole[12] + 1) * 4
    place = whole.index(b"\x21\x01", 12, end) + 2
    whole[place] = 34
    whole[end - 4 : end] = struct.pack("<I", zlib.crc32(whole[12 : end - 4]))
    return bytes(whole)


def broken_streams() -> tuple[Hostile, ...]:
    """Compressed, and cut off, changed, or followed by something else."""
    made = []
    for suffix, content in compressed(tar((entry("name"), bytes(range(256)) * 100))).items():
        if suffix:
            changed = content[: len(content) // 2] + b"?" + content[len(content) // 2 + 1 :]
            made += [
                Hostile(name=f"cut-off{suffix}", content=content[:-10], says="cut off"),
                Hostile(name=f"changed{suffix}", content=changed, says="cannot be unpacked as|damaged|cut off"),
                Hostile(name=f"followed{suffix}", content=content + b"rubbish" * 10, says="cannot be unpacked as"),
            ]
    return (
        *made,
        Hostile(name="a-dictionary-of-half-a-gigabyte.xz", content=greedy_xz(), says="cannot be unpacked as xz"),
    )
