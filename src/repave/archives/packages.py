"""Debian packages: an ``ar`` archive of ``debian-binary``, ``control.tar`` and ``data.tar``.

Source: deb(5), ar(5).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal

from repave.archives.compression import Compression, unpacked
from repave.archives.entries import Entry, Readable
from repave.archives.errors import BadArchive, shown
from repave.archives.rules import TREE, Rules
from repave.archives.tars import read_tar
from repave.ports.errors import Corrupt, Invalid

MAGIC = b"!<arch>\n"
HEADER_BYTES = 60
HEADER_END = b"`\n"

CONTROL_BYTES = 1 << 20
"""More than any control file has."""

MOST_MEMBERS = 32
"""A package has three, and some of its maker's own."""


@dataclass(frozen=True, kw_only=True)
class Member:
    """One file of an ``ar`` archive."""

    name: str
    time: int
    """Seconds since 1970: of the package's build, the same for all members."""

    offset: int
    """Of its first byte in the archive."""

    size: int


def members(stream: BinaryIO, name: str) -> Iterator[Member]:
    """The archive's members; the stream may be read in between. Raises BadArchive."""
    end = stream.seek(0, 2)
    stream.seek(0)
    if stream.read(len(MAGIC)) != MAGIC:
        raise BadArchive(name, "is no Debian package")
    offset, found = len(MAGIC), set[str]()
    while offset < end:
        stream.seek(offset)
        member = _member(stream.read(HEADER_BYTES), offset + HEADER_BYTES, name)
        if member.offset + member.size > end:
            raise BadArchive(name, "is cut off", member=member.name)
        if member.name in found or len(found) >= MOST_MEMBERS:
            raise BadArchive(name, f"stands in it twice, or is one of more than {MOST_MEMBERS}", member=member.name)
        found.add(member.name)
        yield member
        offset = member.offset + member.size + member.size % 2


def content(stream: BinaryIO, member: Member, *, name: str, rules: Rules) -> tuple[str, Readable]:
    """The member's name without the suffix of its compression, and its bytes unpacked.

    Raises Invalid for a compression that is not read here; reading raises BadArchive.
    """
    stream.seek(member.offset)
    window = _Window(stream, member.size)
    base, tar, suffix = member.name.partition(".tar")
    if not tar:
        return member.name, window
    try:
        kind = Compression(suffix)
    except ValueError as other:
        raise Invalid(
            f"{name} cannot be read: {shown(member.name)} is compressed as {suffix}",
            hint="gzip, xz and zstd are read; Debian and Ubuntu use no other",
        ) from other
    return f"{base}.tar", unpacked(window, kind, name=name, rules=rules)


@contextmanager
def opened_package(
    path: Path, part: Literal["control", "data"], *, name: str, rules: Rules
) -> Iterator[Iterator[Entry]]:
    """The entries of one of a package's two tars. Raises BadArchive, Invalid (see ``content``), OSError of the file."""
    with path.open("rb") as stream:
        # All of them first: a package is refused for what stands behind the part, too.
        found = [member for member in list(members(stream, name)) if member.name.partition(".tar")[0] == part]
        if len(found) != 1:
            raise BadArchive(name, f"holds no {part}" if not found else f"holds more than one {part}")
        _, plain = content(stream, found[0], name=name, rules=rules)
        yield read_tar(plain, name=name, rules=rules)


def control_file(path: Path, name: str) -> tuple[str, int]:
    """The text of a package's control file, and its time: dpkg-deb gives it that of the build (SOURCE_DATE_EPOCH).

    Raises BadArchive, Invalid, Corrupt (it has none).
    """
    with opened_package(path, "control", name=f"the package {name}", rules=TREE) as entries:
        for entry in entries:
            if entry.name == "control" and entry.size_bytes <= CONTROL_BYTES:
                return entry.whole().decode(errors="replace"), int(entry.time)
    raise Corrupt(f"the package {name} has no control file", hint="`repave vault verify`")


def _member(header: bytes, offset: int, name: str) -> Member:
    title, time, size = header[:16].rstrip(b" ").removesuffix(b"/"), header[16:28].rstrip(), header[48:58].rstrip()
    sound = title.isascii() and title.decode("ascii", "replace").isprintable() and title
    if not sound or not time.isdigit() or not size.isdigit() or header[58:] != HEADER_END:
        raise BadArchive(name, "is a damaged Debian package")
    return Member(name=title.decode("ascii"), time=int(time), offset=offset, size=int(size))


class _Window:
    """The next ``size`` bytes of a stream, as a stream that ends there."""

    def __init__(self, stream: BinaryIO, size: int) -> None:
        self._stream = stream
        self._left = size

    def read(self, size: int = -1, /) -> bytes:
        """As any stream reads."""
        found = self._stream.read(self._left if size < 0 else min(size, self._left))
        self._left -= len(found)
        return found
