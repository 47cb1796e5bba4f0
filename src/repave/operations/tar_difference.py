"""The first thing in which two layers differ: which path, which field, and what each of them has there."""

import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from typing import IO, BinaryIO

CHUNK_BYTES = 1 << 20

SHOWN_BYTES = 24
"""Of a content, from where it differs: a date or a path is recognised in as many."""

XATTR = "SCHILY.xattr."
"""How pax headers name extended attributes (star(5); GNU tar and Go's archive/tar write the same)."""

KINDS = {
    tarfile.REGTYPE: "file",
    tarfile.AREGTYPE: "file",
    tarfile.DIRTYPE: "directory",
    tarfile.SYMTYPE: "symbolic link",
    tarfile.LNKTYPE: "hard link",
    tarfile.FIFOTYPE: "pipe",
    tarfile.CHRTYPE: "character device",
    tarfile.BLKTYPE: "block device",
}


@dataclass(frozen=True, kw_only=True)
class TarDifference:
    """Where two tars part."""

    path: str
    """Empty where every entry agrees and only the archive around them differs."""

    field: str
    """``presence``, ``order``, ``type``, ``mode``, ``owner``, ``mtime``, ``size``, ``link``, ``xattr NAME``,
    ``content`` or ``archive``."""

    first: str
    second: str


def first_difference(first: BinaryIO, second: BinaryIO) -> TarDifference | None:
    """Compare two uncompressed tars from their beginnings; None when they are the same byte for byte.

    Entries are compared in their order, the fields of one in the order in which ``TarDifference.field`` lists them.
    """
    with tarfile.open(fileobj=first, mode="r:") as left, tarfile.open(fileobj=second, mode="r:") as right:
        entries = enumerate(zip_longest(left, right))
        for index, (one, other) in entries:
            if one is None or other is None or one.name != other.name:
                rest = tuple(pair for _, pair in entries)
                return _of_names([one, *(pair[0] for pair in rest)], [other, *(pair[1] for pair in rest)], index)
            found = next(_of_entries(one, other), None) or _of_contents(left, one, right, other)
            if found is not None:
                return found
    return _of_archives(first, second)


def _of_names(first: list[tarfile.TarInfo | None], second: list[tarfile.TarInfo | None], index: int) -> TarDifference:
    """An entry that only one has, or else one that stands elsewhere."""
    names = [entry.name for entry in first if entry]
    others = [entry.name for entry in second if entry]
    alone = names[0] if names and names[0] not in others else None
    if alone is not None:
        return TarDifference(path=alone, field="presence", first="there", second="missing")
    if others and others[0] not in names:
        return TarDifference(path=others[0], field="presence", first="missing", second="there")
    path = names[0]
    where = f"entry {index + 1}", f"entry {index + 1 + others.index(path)}"
    return TarDifference(path=path, field="order", first=where[0], second=where[1])


def _of_entries(first: tarfile.TarInfo, second: tarfile.TarInfo) -> Iterator[TarDifference]:
    fields = {
        "type": (_kind(first), _kind(second)),
        "mode": (f"{first.mode:04o}", f"{second.mode:04o}"),
        "owner": (f"{first.uid}:{first.gid}", f"{second.uid}:{second.gid}"),
        "owner's name": (f"{first.uname}:{first.gname}", f"{second.uname}:{second.gname}"),
        "mtime": (_number(first.mtime), _number(second.mtime)),
        "size": (str(first.size), str(second.size)),
        "link": (first.linkname, second.linkname),
    }
    for header in sorted({*first.pax_headers, *second.pax_headers}):
        if header.startswith(XATTR):
            values = (headers.get(header) for headers in (first.pax_headers, second.pax_headers))
            one, other = ("none" if value is None else repr(value) for value in values)
            fields[f"xattr {header.removeprefix(XATTR)}"] = (one, other)
    for field, (one, other) in fields.items():
        if one != other:
            yield TarDifference(path=first.name, field=field, first=one, second=other)


def _of_contents(
    left: tarfile.TarFile, first: tarfile.TarInfo, right: tarfile.TarFile, second: tarfile.TarInfo
) -> TarDifference | None:
    streams = left.extractfile(first) if first.isreg() else None, right.extractfile(second) if second.isreg() else None
    if streams[0] is None or streams[1] is None:
        return None
    found = parting(streams[0], streams[1])
    return found and TarDifference(path=first.name, field="content", first=found[0], second=found[1])


def _of_archives(first: BinaryIO, second: BinaryIO) -> TarDifference | None:
    """Where the bytes part although every entry is the same: padding, the end, another spelling of a header."""
    first.seek(0)
    second.seek(0)
    found = parting(first, second)
    return found and TarDifference(path="", field="archive", first=found[0], second=found[1])


def parting(first: IO[bytes], second: IO[bytes]) -> tuple[str, str] | None:
    """Where two streams part, and what each has from there."""
    offset = 0
    while True:
        one, other = first.read(CHUNK_BYTES), second.read(CHUNK_BYTES)
        if one != other:
            shorter = min(len(one), len(other))
            at = next((place for place in range(shorter) if one[place] != other[place]), shorter)
            shown = (part[at : at + SHOWN_BYTES] for part in (one, other))
            left, right = (f"from byte {offset + at}: {part!r}" for part in shown)
            return left, right
        if not one:
            return None
        offset += len(one)


def _kind(entry: tarfile.TarInfo) -> str:
    return KINDS.get(entry.type, repr(entry.type))


def _number(value: float) -> str:
    """Seconds since 1970; pax knows fractions."""
    return str(int(value)) if value == int(value) else str(value)
