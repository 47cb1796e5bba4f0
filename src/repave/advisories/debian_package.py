"""Reading one document out of a Debian package (deb(5)) without unpacking it: a stream with limits, no file written."""

import gzip
import lzma
import re
import tarfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedReader, RawIOBase
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from repave.ports.errors import Corrupt, Invalid

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

ARCHIVE_MAGIC = b"!<arch>\n"
MEMBER_HEADER_BYTES = 60

MEMORY_LIMIT_BYTES = 128 * 1024 * 1024
"""`xz -9`, the most that Debian packages use, needs 65 MiB."""

UNPACKED_LIMIT_BYTES = 4 * 1024**3
"""Far above any package, far below what a compression bomb unpacks to."""

CHANGELOG_LIMIT_BYTES = 64 * 1024 * 1024
"""The longest changelogs in Debian have some MiB."""

PACKED_BYTES = 64 * 1024

Reader = Callable[[int], bytes]
"""Answers at most so many bytes; none at the end."""

DOCUMENT = re.compile(r"(?:\./)?usr/share/doc/([^/]+)(?:/(changelog(?:\.Debian)?\.gz))?")
LINKED = re.compile(r"(?:\.\./|/usr/share/doc/)?([a-z0-9][a-z0-9+.-]*)(?:/changelog[^/]*)?")


@dataclass(frozen=True, kw_only=True)
class Documents:
    """What a package says of its own changes."""

    changelog: str = ""
    """Empty when it carries none."""

    elsewhere: str = ""
    """The package whose documents it points to; empty when it carries its own."""


def documents(package: Path, name: str) -> Documents:
    """The Debian changelog in ``package``. Raises Corrupt, Invalid (a compression that is not known)."""
    native = ""
    try:
        with _contents(package) as archive:
            for member in archive:
                match = DOCUMENT.fullmatch(member.name)
                if match is None or match[1] != name:
                    continue
                if member.issym() and (link := LINKED.fullmatch(member.linkname)) and link[1] != name:
                    return Documents(elsewhere=link[1])
                if member.isfile() and match[2] == "changelog.Debian.gz":
                    return Documents(changelog=_text(archive, member))
                if member.isfile() and match[2] == "changelog.gz":
                    native = _text(archive, member)  # of the distribution's own packages; else upstream's
    except (tarfile.TarError, lzma.LZMAError, zlib.error, EOFError, OSError) as broken:
        raise Corrupt(f"the package {package.name} ({name}) cannot be read: {broken}") from broken
    return Documents(changelog=native)


@contextmanager
def _contents(package: Path) -> Iterator[tarfile.TarFile]:
    with package.open("rb") as file:
        if file.read(len(ARCHIVE_MAGIC)) != ARCHIVE_MAGIC:
            raise Corrupt(f"{package} is no Debian package")
        while header := file.read(MEMBER_HEADER_BYTES):
            member, size = header[:16].rstrip(b" /").decode("ascii", "replace"), header[48:58].strip()
            if len(header) < MEMBER_HEADER_BYTES or not size.isdigit():
                raise Corrupt(f"{package} is cut off or damaged")
            if member.startswith("data.tar"):
                read = _unpacked(_Member(file, int(size)), member)
                with tarfile.open(fileobj=BufferedReader(_Limited(read)), mode="r|") as archive:
                    yield archive
                return
            file.seek(int(size) + int(size) % 2, 1)
    raise Corrupt(f"{package} holds no data")


def _unpacked(file: "_Member", member: str) -> Reader:
    match member.removeprefix("data.tar"):
        case ".xz":
            return _Xz(file).read
        case ".gz":
            return gzip.GzipFile(fileobj=BufferedReader(file)).read
        case ".zst":
            return _unzstd(file)
        case "":
            return file.read
        case other:
            raise Invalid(f"packages compressed as {other} are not read", hint="distributions use xz, zstd or gzip")


def _unzstd(file: "_Member") -> Reader:
    # Here, and not above: Debian's own packages do without.
    import zstandard  # noqa: PLC0415 - see above

    decompressor = zstandard.ZstdDecompressor(max_window_size=MEMORY_LIMIT_BYTES)
    reader = decompressor.stream_reader(BufferedReader(file), read_across_frames=True)

    def read(size: int) -> bytes:
        try:
            return reader.read(size)
        except zstandard.ZstdError as broken:
            raise EOFError(str(broken)) from broken

    return read


def _text(archive: tarfile.TarFile, member: tarfile.TarInfo) -> str:
    packed = archive.extractfile(member)
    if packed is None or member.size > CHANGELOG_LIMIT_BYTES:
        raise Corrupt(f"{member.name} is too large to be a changelog")
    with packed, gzip.GzipFile(fileobj=packed) as unpacked:
        content = unpacked.read(CHANGELOG_LIMIT_BYTES + 1)
    if len(content) > CHANGELOG_LIMIT_BYTES:
        raise Corrupt(f"{member.name} unpacks to more than {CHANGELOG_LIMIT_BYTES} bytes")
    return content.decode("utf-8", errors="replace")


class _Member(RawIOBase):
    """One member of the package, and nothing after it: a member of odd length is followed by a byte of padding."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        super().__init__()
        self._file = file
        self._left = size

    def readable(self) -> bool:
        """It is there to be read."""
        return True

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        """Fill the buffer as far as the member goes."""
        view = memoryview(buffer).cast("B")
        content = self._file.read(min(len(view), self._left))
        self._left -= len(content)
        view[: len(content)] = content
        return len(content)


class _Xz:
    """A stream of xz with a limit on memory, which ``lzma.open`` has not."""

    def __init__(self, file: _Member) -> None:
        self._file = file
        self._unpacker = lzma.LZMADecompressor(memlimit=MEMORY_LIMIT_BYTES)

    def read(self, size: int) -> bytes:
        """At most ``size`` bytes; none at the end."""
        while not self._unpacker.eof:
            packed = self._file.read(PACKED_BYTES) if self._unpacker.needs_input else b""
            if self._unpacker.needs_input and not packed:
                raise EOFError("its data ends too early")
            if content := self._unpacker.decompress(packed, size):
                return content
        return b""


class _Limited(RawIOBase):
    """A stream that ends a compression bomb."""

    def __init__(self, read: Reader) -> None:
        super().__init__()
        self._read = read
        self._left = UNPACKED_LIMIT_BYTES

    def readable(self) -> bool:
        """It is there to be read."""
        return True

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        """Fill the buffer as far as one read goes."""
        view = memoryview(buffer).cast("B")
        content = self._read(len(view))
        self._left -= len(content)
        if self._left < 0:
            raise Corrupt(f"it unpacks to more than {UNPACKED_LIMIT_BYTES} bytes")
        view[: len(content)] = content
        return len(content)
