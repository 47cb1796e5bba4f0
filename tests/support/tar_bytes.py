"""Tars, byte by byte: what no writer of tars would write, too."""

import gzip
import lzma
import sys
import tarfile
from collections.abc import Mapping
from typing import Literal

Form = Literal[0, 1, 2]
"""As ``tarfile`` numbers them: ustar, GNU, pax."""

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd


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


def compressed(content: bytes) -> dict[str, bytes]:
    """By the suffix of a name."""
    checked = {int(zstd.CompressionParameter.checksum_flag): 1}
    return {
        "": content,
        ".gz": gzip.compress(content),
        ".xz": lzma.compress(content),
        ".zst": zstd.compress(content, options=checked),
    }
