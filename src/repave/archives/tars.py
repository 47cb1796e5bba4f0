"""Tar archives as streams: one header at a time, nothing of an archive held in memory whatever it says of itself.

Source: POSIX.1-2017 pax ("ustar Interchange Format", "pax Header Block"), GNU tar's manual ("Basic Tar Format"); header
blocks are parsed by Python's ``tarfile``, whose own reader believes the sizes it finds.
"""

import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from repave.archives.compression import MAGIC_BYTES, compression_of, unpacked
from repave.archives.entries import Checker, Entry, Kind, Readable
from repave.archives.rules import MIB, Rules

BLOCK_BYTES = tarfile.BLOCKSIZE
CHUNK_BYTES = 1 * MIB

EXTENDED_BYTES = 1 * MIB
"""Of one header that extends another: names, and attributes that the kernel holds to 64 KiB each."""

LENGTH_DIGITS = 20
"""And the space after them: no header that is taken needs more."""

EXTENSIONS = 8
"""In a row, before the entry they are of; honest writers use two or three."""

PAX, PAX_GLOBAL, GNU_NAME, GNU_LINK = b"x", b"g", b"L", b"K"
EXTENDING = frozenset({PAX, PAX_GLOBAL, GNU_NAME, GNU_LINK})
NEVER_GLOBAL = frozenset({"path", "linkpath", "size", "uid", "gid"})
"""What would be said of every entry at once."""

KINDS = {
    tarfile.REGTYPE: Kind.FILE,
    tarfile.AREGTYPE: Kind.FILE,
    tarfile.CONTTYPE: Kind.FILE,
    tarfile.DIRTYPE: Kind.FOLDER,
    tarfile.SYMTYPE: Kind.SYMLINK,
    tarfile.LNKTYPE: Kind.HARDLINK,
    tarfile.CHRTYPE: Kind.SPECIAL,
    tarfile.BLKTYPE: Kind.SPECIAL,
    tarfile.FIFOTYPE: Kind.SPECIAL,
}


@contextmanager
def opened_tar(path: Path, *, name: str, rules: Rules) -> Iterator[Iterator[Entry]]:
    """The entries of a file, whose first bytes tell how it is compressed. Raises BadArchive, OSError of the file."""
    with path.open("rb") as file:
        kind = compression_of(file.read(MAGIC_BYTES))
        file.seek(0)
        yield read_tar(unpacked(file, kind, name=name, rules=rules), name=name, rules=rules)


def read_tar(source: Readable, *, name: str, rules: Rules) -> Iterator[Entry]:
    """The entries of an uncompressed stream, to its very end. Raises BadArchive."""
    return _Reader(source, Checker(name, rules)).entries()


class _Blocks:
    """A stream read in large pieces and given out in small ones."""

    def __init__(self, source: Readable, checker: Checker) -> None:
        self._source = source
        self._checker = checker
        self._chunk = b""
        self._at = 0

    def some(self, most: int) -> bytes:
        """At least one byte and at most so many; none at the end."""
        if self._at == len(self._chunk):
            self._chunk, self._at = self._source.read(CHUNK_BYTES), 0
        start, self._at = self._at, min(self._at + most, len(self._chunk))
        return self._chunk if self._at - start == len(self._chunk) else self._chunk[start : self._at]

    def exactly(self, size: int) -> bytes:
        """So many bytes. Raises BadArchive when there are fewer."""
        content = self.some(size) if size else b""
        while len(content) < size:
            more = self.some(size - len(content))
            if not more:
                raise self._checker.bad("is cut off")
            content += more
        return content


class _Content:
    """The bytes of one file, and then its padding."""

    def __init__(self, blocks: _Blocks, size: int, checker: Checker, raw: str) -> None:
        self._blocks = blocks
        self._left = size
        self._padding = -size % BLOCK_BYTES
        self._checker = checker
        self._raw = raw

    def read(self, size: int = -1, /) -> bytes:
        """As any stream reads; all at once only when asked so."""
        if size < 0:
            return b"".join(iter(lambda: self.read(CHUNK_BYTES), b""))
        content = self._blocks.some(min(size, self._left)) if size and self._left else b""
        if not content and size and self._left:
            raise self._checker.bad("is cut off in the middle", member=self._raw)
        self._left -= len(content)
        return content

    def finish(self) -> None:
        """Pass over what was not read."""
        while self._left:
            self.read(CHUNK_BYTES)
        if self._padding:
            self._blocks.exactly(self._padding)


class _Reader:
    def __init__(self, source: Readable, checker: Checker) -> None:
        self._blocks = _Blocks(source, checker)
        self._checker = checker

    def entries(self) -> Iterator[Entry]:
        while (header := self._header()) is not None:
            self._checker.count()
            info, said = self._extended(header)
            entry, content = self._entry(info, said)
            if entry.name or entry.kind is not Kind.FOLDER:
                self._checker.place(entry.name, entry.kind, said.get("path", info.name))
            yield entry
            content.finish()

    def _header(self) -> tarfile.TarInfo | None:
        """The next one; None at the end, after which only zeros may come."""
        block = self._blocks.exactly(BLOCK_BYTES)
        if block.count(0) == BLOCK_BYTES:
            while rest := self._blocks.some(CHUNK_BYTES):
                if rest.count(0) != len(rest):
                    raise self._checker.bad("goes on after its end")
            return None
        try:
            return tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
        except (tarfile.HeaderError, ValueError) as broken:
            raise self._checker.bad(f"is no tar archive, or damaged: {broken}") from broken

    def _extended(self, header: tarfile.TarInfo) -> tuple[tarfile.TarInfo, Mapping[str, str]]:
        """The entry's own header, and what those before it say of it."""
        said: dict[str, str] = {}
        for _ in range(EXTENSIONS):
            if header.type not in EXTENDING:
                return header, said
            if not 0 <= header.size <= EXTENDED_BYTES:
                raise self._checker.bad(f"has a header of {header.size} bytes; {EXTENDED_BYTES} are allowed")
            content = self._blocks.exactly(header.size + -header.size % BLOCK_BYTES)[: header.size]
            if header.type in {GNU_NAME, GNU_LINK}:
                text = content.partition(b"\0")[0].decode("utf-8", "surrogateescape")
                said["path" if header.type == GNU_NAME else "linkpath"] = text
            else:
                found = self._pax(content)
                if header.type == PAX:
                    said |= found
                elif NEVER_GLOBAL & found.keys():
                    raise self._checker.bad("says one name, size or owner of all its members")
            following = self._header()
            if following is None:
                raise self._checker.bad("ends where a member should follow")
            header = following
        raise self._checker.bad(f"has more than {EXTENSIONS} headers for one member")

    def _pax(self, content: bytes) -> dict[str, str]:
        """The records of an extended header: ``LENGTH KEY=VALUE``, and a line's end."""
        found: dict[str, str] = {}
        start = 0
        while start < len(content):
            digits, space, _ = content[start : start + LENGTH_DIGITS].partition(b" ")
            end = start + int(digits) if space and digits.isdigit() else 0
            key, equals, value = content[start + len(digits) + 1 : end].partition(b"=")
            if not equals or not key or not value.endswith(b"\n") or end > len(content):
                raise self._checker.bad("has a damaged extended header")
            if not key.startswith((b"SCHILY.xattr.", b"LIBARCHIVE.xattr.")):
                found[key.decode("utf-8", "replace")] = value[:-1].decode("utf-8", "surrogateescape")
            start = end
        return found

    def _entry(self, info: tarfile.TarInfo, said: Mapping[str, str]) -> tuple[Entry, _Content]:
        checker, raw = self._checker, said.get("path", info.name)
        name = checker.name(raw)
        kind = self._kind(info, said, raw)
        size = self._number(said.get("size"), info.size, raw)
        user, group = self._number(said.get("uid"), info.uid, raw), self._number(said.get("gid"), info.gid, raw)
        time = self._time(said.get("mtime"), info.mtime, raw)
        checker.owner(user, group, time, raw)
        if kind is Kind.FILE:
            checker.size(size, raw)
        elif size:
            raise checker.bad("has content, though it is no file", member=raw)
        if kind in {Kind.FILE, Kind.FOLDER}:
            checker.rights(info.mode, raw)
        if not name and kind is not Kind.FOLDER:
            raise checker.bad("has no name", member=raw or "''")
        link = said.get("linkpath", info.linkname)
        if kind is Kind.SYMLINK:
            checker.link(name, link, raw)
        elif kind is Kind.HARDLINK:
            link = checker.hard_link(link, raw)
        content = _Content(self._blocks, size, checker, raw)
        return Entry(
            name=name,
            kind=kind,
            size_bytes=size,
            mode=info.mode & 0o7777,
            user=user,
            group=group,
            time=time,
            link=link,
            content=content,
        ), content

    def _kind(self, info: tarfile.TarInfo, said: Mapping[str, str], raw: str) -> Kind:
        kind = KINDS.get(info.type)
        if info.type == tarfile.GNUTYPE_SPARSE or any(key.startswith("GNU.sparse.") for key in said):
            raise self._checker.bad("is a file with holes (sparse), which is not read here", member=raw)
        if kind is None:
            raise self._checker.bad(f"is of an unknown type ({ascii(info.type)[1:]})", member=raw)
        if kind is Kind.SPECIAL:
            self._checker.special(raw)
        if kind is Kind.FILE and raw.endswith("/"):
            if info.type != tarfile.AREGTYPE:
                raise self._checker.bad("is a file with the name of a folder", member=raw)
            return Kind.FOLDER  # before POSIX a folder was told by the slash
        return kind

    def _number(self, said: str | None, plain: int, raw: str) -> int:
        if said is None:
            return plain
        if not (said.isascii() and said.isdigit() and len(said) < LENGTH_DIGITS):
            raise self._checker.bad("has a damaged extended header", member=raw)
        return int(said)

    def _time(self, said: str | None, plain: float, raw: str) -> float:
        try:
            return plain if said is None else float(said)
        except ValueError as broken:
            raise self._checker.bad("has a damaged extended header", member=raw) from broken
