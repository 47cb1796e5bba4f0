"""Zips and wheels made to do harm."""

import io
import struct
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

from hostile import SMALL, Hostile


@dataclass(frozen=True, kw_only=True)
class ZipMember:
    """One member, as the directory tells it."""

    name: str
    content: bytes = b"x"
    mode: int = 0o100644
    method: int = zipfile.ZIP_STORED
    second_name: bytes | None = None
    """In an extra field, as Info-ZIP writes names that are not ASCII."""


def zipped(*members: ZipMember) -> bytes:
    """A zip of them."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for member in members:
            info = zipfile.ZipInfo("placeholder")
            # The constructor would cut a name at a NUL.
            info.filename = info.orig_filename = member.name
            info.external_attr, info.compress_type = member.mode << 16, member.method
            if member.second_name is not None:
                field = struct.pack("<BL", 1, zlib.crc32(member.name.encode())) + member.second_name
                info.extra = struct.pack("<HH", 0x7075, len(field)) + field
            archive.writestr(info, member.content)
    return buffer.getvalue()


def patched(content: bytes, signature: bytes, offset: int, value: bytes, *, last: bool = True) -> bytes:
    """A zip with other bytes in its last (or first) record of a kind."""
    start = (content.rindex(signature) if last else content.index(signature)) + offset
    return content[:start] + value + content[start + len(value) :]


DIRECTORY, END = b"PK\x01\x02", b"PK\x05\x06"


def overlapping() -> bytes:
    """Two members of the same bytes: the second one's place is the first one's."""
    return patched(zipped(ZipMember(name="a"), ZipMember(name="b")), DIRECTORY, 42, struct.pack("<I", 0))


def zips() -> Sequence[Hostile]:
    """Zips and wheels."""
    whole = zipped(ZipMember(name="name", content=b"content" * 100))
    deflated = ZipMember(name="zeros", content=bytes(20_000_000), method=zipfile.ZIP_DEFLATED)
    return (
        Hostile(name="upwards", content=zipped(ZipMember(name="../outside")), says="points outside"),
        Hostile(name="absolute", content=zipped(ZipMember(name="/etc/passwd")), says="absolute name"),
        Hostile(name="twice", content=zipped(ZipMember(name="a"), ZipMember(name="./a")), says="twice", member="./a"),
        Hostile(name="below-a-file", content=zipped(ZipMember(name="a"), ZipMember(name="a/b")), says="no folder"),
        Hostile(name="nul", content=zipped(ZipMember(name="good.py\0.txt")), says="NUL"),
        Hostile(name="no-name", content=zipped(ZipMember(name="/")), says="has no name|absolute"),
        Hostile(
            name="second-name",
            content=zipped(ZipMember(name="good.py", second_name=b"../../evil\x1b[2J.py")),
            says="second name",
            member="good.py",
        ),
        Hostile(
            name="no-second-name",
            content=zipped(ZipMember(name="good.py", second_name=b"\xff")),
            says="second name|no zip archive, or damaged",
        ),
        Hostile(name="link", content=zipped(ZipMember(name="a", mode=0o120777)), says="symbolic link"),
        Hostile(name="device", content=zipped(ZipMember(name="a", mode=0o060666)), says="device or pipe"),
        Hostile(name="set-uid", content=zipped(ZipMember(name="a", mode=0o104755)), says="set-uid"),
        Hostile(name="method", content=zipped(ZipMember(name="a", method=zipfile.ZIP_LZMA)), says="method 14"),
        Hostile(name="encrypted", content=patched(whole, DIRECTORY, 8, b"\x01\x00"), says="encrypted"),
        Hostile(name="patch", content=patched(whole, DIRECTORY, 8, b"\x20\x00"), says="patch of something else"),
        Hostile(name="bomb", content=zipped(deflated), says="more than 250 times its size", member="zeros"),
        Hostile(name="overlapping", content=overlapping(), says="shares its bytes"),
        Hostile(name="something-before", content=b"#!/bin/sh\n" + whole, says="begins with something else"),
        Hostile(
            name="too-many", content=zipped(*(ZipMember(name=str(n)) for n in range(11))), says="10 e", rules=SMALL
        ),
        Hostile(name="too-large", content=zipped(ZipMember(name="a", content=bytes(1001))), says="1001", rules=SMALL),
        Hostile(name="huge-claim", content=patched(whole, DIRECTORY, 24, b"\xff\xff\xff\xfe"), says="a file may have"),
        Hostile(
            name="huge-directory", content=patched(whole, END, 12, b"\xff\xff\xff\x7f"), says="no zip archive|dire"
        ),
        Hostile(name="cut-off", content=whole[:-30], says="no zip archive, or damaged"),
        Hostile(name="no-zip", content=b"<html>" * 100, says="no zip archive, or damaged"),
        Hostile(name="changed", content=whole.replace(b"content", b"Content", 1), says="damaged"),
        Hostile(name="other-name", content=whole.replace(b"name", b"nome", 1), says="damaged"),
        Hostile(name="from-the-future", content=patched(whole, DIRECTORY, 6, b"\xff\x00"), says="no zip archive, or d"),
    )


ZIPS = zips()
