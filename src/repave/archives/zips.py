"""Zip archives and wheels: the directory is checked whole before a member is read.

Source: PKWARE's APPNOTE 6.3; the overlaps of "A better zip bomb" (Fifield, 2019) are refused by their places.
"""

import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO, cast

from repave.archives.entries import Checker, Kind
from repave.archives.errors import BadArchive
from repave.archives.rules import MIB, Rules

DIRECTORY_BYTES = 256 * MIB
"""Two million members with names of OSV's length; it is held in memory."""

ENCRYPTED = 0x1 | 0x40 | 0x2000
PATCHED = 0x20
"""APPNOTE 4.4.4: bits for encryption, in its three kinds, and for data that changes another's."""

METHODS = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
"""What wheels and exports use; others need other limits."""

RATIO_FROM_BYTES = 16 * MIB
"""A member; below, the ratio says nothing."""

HEADER_BYTES = 30
"""Before each member, at least."""

EXTRA = struct.Struct("<HH")
"""Kind and length, before each extra field of a member (APPNOTE 4.5.1)."""

UNICODE_PATH = 0x7075
PATH_AT = 5
"""In such a field the name stands behind a version and the checksum of the first one (APPNOTE 4.6.9)."""

DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, UnicodeDecodeError)


@contextmanager
def opened_zip(path: Path, *, name: str, rules: Rules) -> Iterator[zipfile.ZipFile]:
    """A zip whose members end at the size they were checked with. Raises BadArchive, OSError of the file."""
    with path.open("rb") as file:
        bounded = _Bounded(file, name)
        archive = _opened(bounded, name)
        bounded.most = None
        with archive:
            _check(archive, Checker(name, rules), rules)
            try:
                yield archive
            except DAMAGE as broken:
                raise BadArchive(name, f"is damaged: {broken}") from broken


class _Bounded:
    """A file of which a directory is not read at any size it claims."""

    def __init__(self, file: BufferedReader, name: str) -> None:
        self._file = file
        self._name = name
        self.most: int | None = DIRECTORY_BYTES

    def read(self, size: int = -1) -> bytes:
        if self.most is not None and size > self.most:
            raise BadArchive(self._name, f"has a directory of {size} bytes; {self.most} are allowed")
        return self._file.read(size)

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def seekable(self) -> bool:
        return True


def _opened(file: _Bounded, name: str) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(cast("BinaryIO", file))
    except (*DAMAGE, ValueError, RuntimeError, OverflowError, struct.error, OSError) as broken:
        # The last ones are how zipfile tells of numbers that no file has, and of versions it does not know.
        raise BadArchive(name, f"is no zip archive, or damaged: {broken}") from broken


def _check(archive: zipfile.ZipFile, checker: Checker, rules: Rules) -> None:
    for member in archive.infolist():
        checker.count()
        raw = member.orig_filename
        name = checker.name(raw)
        kind = _kind(member)
        if not name:
            raise checker.bad("has no name", member=raw or "''")
        if any(second != raw for second in (member.filename, *_second_names(member))):
            raise checker.bad("has a second name, and readers differ in which one they take", member=raw)
        checker.size(member.file_size, raw)
        checker.place(name, kind, raw)
        mode = member.external_attr >> 16
        checker.rights(mode, raw)
        if kind is Kind.SYMLINK:
            # What it leads to is its content, and would have to be read to be judged.
            raise checker.bad("is a symbolic link, which has no place here", member=raw)
        if kind is Kind.SPECIAL:
            raise checker.bad("is a device or pipe, which has no place here", member=raw)
        if member.flag_bits & ENCRYPTED:
            raise checker.bad("is encrypted", member=raw)
        if member.flag_bits & PATCHED:
            raise checker.bad("is a patch of something else, which is not read here", member=raw)
        if member.compress_type not in METHODS:
            raise checker.bad(f"is compressed by method {member.compress_type}, which is not read here", member=raw)
        if member.file_size > max(RATIO_FROM_BYTES, rules.ratio * member.compress_size):
            raise checker.bad(f"unpacks to more than {rules.ratio} times its size", member=raw)
    _check_places(archive, checker)


def _second_names(member: zipfile.ZipInfo) -> Iterator[str]:
    """What a member is to be called besides: Python takes it for the name from 3.12 on, and passes it over before."""
    rest = member.extra
    while len(rest) >= EXTRA.size:
        kind, length = EXTRA.unpack_from(rest)
        content, rest = rest[EXTRA.size : EXTRA.size + length], rest[EXTRA.size + length :]
        if kind == UNICODE_PATH:
            yield content[PATH_AT:].decode(errors="surrogateescape")


def _check_places(archive: zipfile.ZipFile, checker: Checker) -> None:
    """That members share no bytes with each other, nor with the directory, and that nothing stands before the first."""
    end = archive.start_dir
    for member in sorted(archive.infolist(), key=lambda one: one.header_offset, reverse=True):
        if not 0 <= member.header_offset <= end - member.compress_size - HEADER_BYTES:
            raise checker.bad("shares its bytes with another, or lies outside", member=member.orig_filename)
        end = member.header_offset
    if end:
        raise checker.bad("begins with something else than its first member")


def _kind(member: zipfile.ZipInfo) -> Kind:
    mode = member.external_attr >> 16
    if member.orig_filename.endswith("/"):
        return Kind.FOLDER
    if stat.S_ISLNK(mode):
        return Kind.SYMLINK
    return Kind.FILE if stat.S_IFMT(mode) in {0, stat.S_IFREG} else Kind.SPECIAL
