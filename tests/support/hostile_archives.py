"""Archives made to do harm, each with what must be said of it. They are built here, by code, and nowhere kept."""

import gzip
import io
import lzma
import struct
import sys
import tarfile
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from repave.archives.packages import MAGIC
from repave.archives.rules import ROOT_FILESYSTEM, TREE, Links, Rules

Form = Literal[0, 1, 2]
"""As ``tarfile`` numbers them: ustar, GNU, pax."""

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

SMALL = replace(TREE, entries=10, file_bytes=1000, total_bytes=5000, name_bytes=100, depth=5)
FEW = replace(TREE, entries=10)
NO_LINKS = replace(TREE, links=Links.REFUSED)
SMALL_ROOT = replace(ROOT_FILESYSTEM, entries=10)


@dataclass(frozen=True, kw_only=True)
class Hostile:
    """One archive."""

    name: str
    content: bytes
    says: str
    """What the error must say, beside the archive's name."""

    member: str = ""
    """What it must name."""

    rules: Rules = TREE


def entry(
    name: str, kind: bytes = tarfile.REGTYPE, *, link: str = "", mode: int = 0o644, pax: Mapping[str, str] | None = None
) -> tarfile.TarInfo:
    """One entry of a tar."""
    made = tarfile.TarInfo(name)
    made.type, made.linkname, made.mode = kind, link, mode
    made.pax_headers = dict(pax or {})
    return made


def tar(*entries: tarfile.TarInfo | tuple[tarfile.TarInfo, bytes], form: Form = tarfile.PAX_FORMAT) -> bytes:
    """A whole archive; an entry may come with content."""
    return raw_tar(*entries, form=form) + bytes(1024)


def raw_tar(*entries: tarfile.TarInfo | tuple[tarfile.TarInfo, bytes], form: Form = tarfile.PAX_FORMAT) -> bytes:
    """Its members, without its end."""
    made = b""
    for one in entries:
        info, content = one if isinstance(one, tuple) else (one, b"")
        if isinstance(one, tuple):
            info.size = len(content)
        made += info.tobuf(form, "utf-8", "surrogateescape") + content + bytes(-len(content) % 512)
    return made


def field(header: bytes, start: int, value: bytes) -> bytes:
    """A header with another value somewhere, and the checksum that fits."""
    changed = bytearray(header)
    changed[start : start + len(value)] = value
    changed[148:156] = b" " * 8
    changed[148:156] = f"{sum(changed[:512]):06o}\0 ".encode()
    return bytes(changed)


def sized(size: int, *, kind: bytes = tarfile.REGTYPE) -> bytes:
    """The header of a member that claims so many bytes."""
    info = entry("claims", kind)
    info.size = size
    return info.tobuf(tarfile.GNU_FORMAT)


def negative(kind: bytes) -> bytes:
    """The header of a member with fewer than no bytes, as GNU's binary numbers can say."""
    return field(entry("claims", kind).tobuf(tarfile.GNU_FORMAT), 124, b"\xff" * 12)


def extended(records: bytes, kind: bytes = b"x", *, size: int | None = None) -> bytes:
    """A header that extends the next, with these records."""
    info = entry("extended", kind)
    info.size = len(records) if size is None else size
    return info.tobuf(tarfile.USTAR_FORMAT) + records + bytes(-len(records) % 512)


LINK, HARD, FOLDER = tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE

EVERYWHERE = (
    Hostile(name="upwards", content=tar(entry("../outside")), says="points outside", member="../outside"),
    Hostile(
        name="upwards-inside", content=tar(entry("a/../../outside")), says="points outside", member="a/../../outside"
    ),
    Hostile(name="upwards-at-the-end", content=tar(entry("a/..")), says="points outside", member="a/.."),
    Hostile(
        name="upwards-by-extended-name", content=tar(entry("a", pax={"path": "../outside"})), says="points outside"
    ),
    Hostile(
        name="upwards-by-long-name",
        content=tar(entry("x/" * 60 + "../" * 61 + "outside"), form=tarfile.GNU_FORMAT),
        says="points outside",
    ),
    Hostile(
        name="through-a-link",
        content=tar(entry("way", LINK, link="sub"), entry("way/file")),
        says="goes through 'way', which is no folder",
        member="way/file",
    ),
    Hostile(
        name="through-a-link-far-down",
        content=tar(entry("a/way", LINK, link="b"), entry("a/way/b/c/file")),
        says="goes through 'a/way', which is no folder",
    ),
    Hostile(
        name="a-file-onto-a-link",
        content=tar(entry("name", LINK, link="victim"), (entry("name"), b"x")),
        says="stands in it twice",
        member="name",
    ),
    Hostile(
        name="a-folder-becomes-a-link",
        content=tar(entry("way", FOLDER), entry("way", LINK, link="sub"), entry("way/file")),
        says="a folder and something else",
        member="way",
    ),
    Hostile(
        name="a-folder-without-entry-becomes-a-link",
        content=tar(entry("way/first"), entry("./way", LINK, link="sub")),
        says="a folder and something else",
    ),
    Hostile(
        name="the-same-file-twice",
        content=tar((entry("name"), b"good"), (entry("./name"), b"bad")),
        says="stands in it twice",
        member="./name",
    ),
    Hostile(
        name="hard-link-upwards", content=tar(entry("name", HARD, link="../victim")), says="links to a place outside"
    ),
    Hostile(
        name="hard-link-to-nothing",
        content=tar(entry("name", HARD, link="absent")),
        says="hard link to what is missing",
    ),
    Hostile(name="hard-link-to-itself", content=tar(entry("name", HARD, link="name")), says="what is missing"),
    Hostile(
        name="hard-link-to-a-folder",
        content=tar(entry("folder", FOLDER), entry("name", HARD, link="folder")),
        says="hard link to a folder",
    ),
    Hostile(
        name="hard-link-through-a-link",
        content=tar(entry("way", LINK, link="sub"), entry("name", HARD, link="way/victim")),
        says="what is missing",
    ),
    Hostile(
        name="nul-in-the-name",
        content=extended(b"17 path=good\0bad\n") + tar(entry("name")),
        says="NUL",
        member=r"'good\\x00bad'",
    ),
    Hostile(name="no-name", content=tar(entry("./")), says="has no name|name of a folder"),
    Hostile(name="a-file-named-as-a-folder", content=tar((entry("name/"), b"x")), says="name of a folder"),
    Hostile(name="a-component-too-long", content=tar(entry("ä" * 128)), says="name of more than 255 bytes", rules=TREE),
    Hostile(name="more-bytes-than-none", content=negative(tarfile.REGTYPE) + bytes(1024), says="size below nothing"),
    Hostile(name="a-folder-with-content", content=sized(512, kind=FOLDER) + bytes(1536), says="though it is no file"),
    Hostile(name="a-folder-backwards", content=negative(FOLDER) + bytes(1024), says="though it is no file"),
    Hostile(name="an-extension-backwards", content=negative(b"x") + bytes(1024), says="header of -1 bytes"),
    Hostile(name="an-endless-extension", content=extended(b"", size=2**33 - 1), says="header of 8589934591 bytes"),
    Hostile(name="an-endless-name", content=extended(b"", b"L", size=2**33 - 1), says="header of 8589934591 bytes"),
    Hostile(
        name="extensions-without-end",
        content=extended(b"9 comm=x\n") * 100 + tar(entry("name")),
        says="more than 8 headers for one member",
    ),
    Hostile(
        name="an-extension-of-nothing", content=extended(b"9 comm=x\n") + bytes(1024), says="a member should follow"
    ),
    *(
        Hostile(name=f"a-broken-extension-{number}", content=extended(records) + tar(entry("name")), says=says)
        for number, (records, says) in enumerate(
            [
                (b"0 path=x\n", "damaged extended header"),
                (b"99 path=x\n", "damaged extended header"),
                (b"-9 path=x\n", "damaged extended header"),
                (b"path=x\n", "damaged extended header"),
                (b"7 path=x\n", "damaged extended header"),
                (b"9" * 400, "damaged extended header"),
                (b"6 =xy\n", "damaged extended header"),
                (b"13 size=-512\n", "damaged extended header"),
                (b"11 size=0x1\n", "damaged extended header"),
                (b"11 uid=+1.5\n", "damaged extended header"),
                (b"11 mtime=x\n", "damaged extended header"),
                (b"13 mtime=nan\n", "time that no filesystem keeps"),
                (b"14 mtime=1e99\n", "time that no filesystem keeps"),
                (b"18 uid=4294967295\n", "owner that no system knows"),
            ]
        )
    ),
    Hostile(
        name="one-name-for-all",
        content=extended(b"19 path=../outside\n", b"g") + tar(entry("name")),
        says="of all its members",
    ),
    Hostile(
        name="holes",
        content=tar(entry("name", pax={"GNU.sparse.major": "1", "GNU.sparse.realsize": str(2**60)})),
        says="sparse",
    ),
    Hostile(
        name="holes-of-old", content=tar(entry("name", tarfile.GNUTYPE_SPARSE), form=tarfile.GNU_FORMAT), says="sparse"
    ),
    Hostile(name="a-continued-volume", content=tar(entry("name", b"M")), says="unknown type"),
    Hostile(name="no-tar", content=b"<html>404 Not Found</html>" * 50, says="is no tar archive, or damaged"),
    Hostile(name="nothing", content=b"", says="is cut off"),
    Hostile(name="cut-off-in-a-header", content=tar(entry("name"))[:300], says="is cut off"),
    Hostile(name="cut-off-in-a-file", content=tar((entry("name"), b"x" * 1000))[:900], says="cut off in the middle"),
    Hostile(name="cut-off-between-members", content=raw_tar((entry("name"), b"x" * 1000)), says="is cut off"),
    Hostile(
        name="a-second-archive-behind", content=tar(entry("good")) + tar(entry("bad")), says="goes on after its end"
    ),
    Hostile(name="a-flipped-bit", content=b"\x01" + tar(entry("name"))[1:], says="is no tar archive, or damaged"),
)
"""Whatever is allowed, these are refused: among packages and in root filesystems."""

AMONG_PACKAGES = (
    Hostile(name="absolute", content=tar(entry("/etc/passwd")), says="has an absolute name", member="/etc/passwd"),
    Hostile(name="hard-link-absolute", content=tar(entry("name", HARD, link="/etc/passwd")), says="a place outside"),
    *(
        Hostile(name=f"link-{number}", content=tar(entry(name, LINK, link=link)), says="links to a place outside")
        for number, (name, link) in enumerate(
            [
                ("name", "/etc/passwd"),
                ("name", "../outside"),
                ("a/name", "../../outside"),
                ("a/name", "../b/../../outside"),
                ("a/name", "b/.."),
                ("name", "./../x"),
            ]
        )
    ),
    Hostile(
        name="a-link-where-none-may-be", content=tar(entry("name", LINK, link="a")), says="no place", rules=NO_LINKS
    ),
    Hostile(name="a-link-to-nothing", content=tar(entry("name", LINK)), says="links to nothing"),
    *(
        Hostile(name=f"device-{kind.decode()}", content=tar(entry("name", kind)), says="device or pipe", member="name")
        for kind in (tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE)
    ),
    Hostile(name="set-uid", content=tar(entry("name", mode=0o4755)), says="set-uid", member="name"),
    Hostile(name="set-gid-folder", content=tar(entry("name", FOLDER, mode=0o2755)), says="set-gid", member="name"),
    Hostile(name="an-escape", content=tar(entry("\x1b[2Jname")), says="control or invisible", member=r"x1b\[2J"),
    Hostile(
        name="written-backwards", content=tar(entry("exe\u202egnp.txt")), says="control or invisible", member="u202e"
    ),
    Hostile(name="no-utf-8", content=tar(entry("caf\udce9"), form=tarfile.GNU_FORMAT), says="no UTF-8"),
    Hostile(name="a-line-break", content=tar(entry("one\ntwo")), says="control or invisible"),
    Hostile(name="too-many", content=tar(*(entry(str(n)) for n in range(11))), says="more than 10 entries", rules=FEW),
    Hostile(name="too-large", content=sized(1001), says="has 1001 bytes; a file may have 1000", rules=SMALL),
    Hostile(name="a-claim-of-gigabytes", content=sized(2**33 - 1), says="a file may have 2147483648"),
    Hostile(
        name="too-much",
        content=tar(*((entry(str(n)), b"x" * 1000) for n in range(6))),
        says="unpacks to more than 5000 bytes",
        rules=SMALL,
    ),
    Hostile(name="too-deep", content=tar(entry("a/" * 5 + "b")), says="more than 5 folders deep", rules=SMALL),
    Hostile(name="too-long", content=tar(entry("a" * 101)), says="name of 101 bytes; 100 are allowed", rules=SMALL),
    Hostile(
        name="a-link-too-long", content=tar(entry("a", LINK, link="b" * 101)), says="101 bytes; 100 are", rules=SMALL
    ),
)
"""What only a root filesystem may hold, and what passes small limits."""

IN_ROOTS = (
    Hostile(
        name="a-root-of-too-many", content=tar(*(entry(str(n)) for n in range(11))), says="10 ent", rules=SMALL_ROOT
    ),
    Hostile(name="a-root-too-deep", content=tar(entry("a/" * 200 + "b")), says="128 folders", rules=SMALL_ROOT),
    Hostile(name="an-absolute-way-up", content=tar(entry("/../outside")), says="points outside", rules=SMALL_ROOT),
    Hostile(name="an-absolute-hard-link-up", content=tar(entry("a", HARD, link="/../b")), says="place outside"),
)

TARS = (*EVERYWHERE, *AMONG_PACKAGES, *IN_ROOTS)


def compressed(content: bytes) -> dict[str, bytes]:
    """By the suffix of a name."""
    checked = {int(zstd.CompressionParameter.checksum_flag): 1}
    return {
        "": content,
        ".gz": gzip.compress(content),
        ".xz": lzma.compress(content),
        ".zst": zstd.compress(content, options=checked),
    }


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


@dataclass(frozen=True, kw_only=True)
class ZipMember:
    """One member, as the directory tells it."""

    name: str
    content: bytes = b"x"
    mode: int = 0o100644
    method: int = zipfile.ZIP_STORED


def zipped(*members: ZipMember) -> bytes:
    """A zip of them."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for member in members:
            info = zipfile.ZipInfo("placeholder")
            # The constructor would cut a name at a NUL.
            info.filename = info.orig_filename = member.name
            info.external_attr, info.compress_type = member.mode << 16, member.method
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


def packed(*parts: tuple[str, bytes]) -> bytes:
    """A Debian package of these members."""
    made = MAGIC
    for name, content in parts:
        made += f"{name:<16}{0:<12}{0:<6}{0:<6}{'100644':<8}{len(content):<10}`\n".encode()
        made += content + b"\n" * (len(content) % 2)
    return made


def data_package(data: bytes) -> bytes:
    """One with this data, uncompressed."""
    return packed(("debian-binary", b"2.0\n"), ("control.tar", bytes(1024)), ("data.tar", data))


def packages() -> Sequence[Hostile]:
    """Debian packages that are wrong by themselves; what is wrong with their tars is among ``TARS``."""
    whole = data_package(tar(entry("name")))
    return (
        Hostile(name="no-package", content=b"<html>" * 100, says="is no Debian package"),
        Hostile(name="empty", content=b"", says="is no Debian package"),
        Hostile(name="no-data", content=MAGIC, says="holds no control"),
        Hostile(name="cut-off", content=whole[:-700], says="is cut off", member="data.tar"),
        Hostile(name="header-cut-off", content=whole + b"x" * 59, says="damaged Debian package"),
        Hostile(name="rubbish", content=MAGIC + b"x" * 60, says="damaged Debian package"),
        Hostile(name="negative", content=whole.replace(b"4         `", b"-68       `"), says="damaged Debian package"),
        Hostile(
            name="twice",
            content=packed(("control.tar", bytes(1024)), ("control.tar", bytes(1024)), ("data.tar", tar())),
            says="stands in it twice",
        ),
        Hostile(
            name="two-of-one-part",
            content=packed(("control.tar", bytes(1024)), ("data.tar", tar()), ("data.tar.gz", gzip.compress(tar()))),
            says="more than one data",
        ),
        Hostile(name="many", content=packed(*((f"_{n}", b"") for n in range(40))), says="more than 32"),
    )
