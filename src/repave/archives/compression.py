"""Compressed streams, unpacked as they are read: with bounds on memory, on the whole and on the ratio.

Source: RFC 1952 (gzip), https://tukaani.org/xz/xz-file-format.txt, RFC 8878 (zstd); each may hold several in a row.
"""

import sys
import zlib
from enum import Enum
from types import ModuleType
from typing import Protocol

from repave.archives.entries import Readable
from repave.archives.errors import BadArchive
from repave.archives.rules import MIB, Rules

PACKED_BYTES = 128 * 1024
UNPACKED_BYTES = 1024 * 1024

MEMORY_BYTES = 128 * MIB
"""`xz -9` needs 65 MiB, and is the most that packages use."""

ZSTD_WINDOW_LOG = 27
"""128 MiB, what `zstd --ultra -22` uses, and what its own reader takes unasked."""

RATIO_FROM_BYTES = 64 * MIB
"""Below, the ratio says nothing: a file of zeros is no harm."""

ZSTD_LEVEL = 3
"""The library's own: 300 MB a second and more, and half of what a file system holds."""

GZIP_BITS = 31
"""zlib's word for: gzip's header and trailer, the largest window."""


class Compression(Enum):
    """How a stream is compressed, by the suffix of a file's name."""

    NONE = ""
    GZIP = ".gz"
    XZ = ".xz"
    ZSTD = ".zst"


MAGIC = {b"\x1f\x8b": Compression.GZIP, b"\xfd7zXZ\x00": Compression.XZ, b"\x28\xb5\x2f\xfd": Compression.ZSTD}
MAGIC_BYTES = max(map(len, MAGIC))


def compression_of(start: bytes) -> Compression:
    """By the first bytes of a stream."""
    return next((kind for magic, kind in MAGIC.items() if start.startswith(magic)), Compression.NONE)


def unpacked(source: Readable, kind: Compression, *, name: str, rules: Rules) -> Readable:
    """The stream without its compression. Reading raises BadArchive for what is damaged, cut off or a bomb."""
    return source if kind is Compression.NONE else _Unpacked(source, kind, name=name, rules=rules)


def packed(content: bytes) -> bytes:
    """The content by zstd: the same bytes from the same version of its library."""
    compressed: bytes = _zstd().compress(content, ZSTD_LEVEL)
    return compressed


class _Decompressor(Protocol):
    """One stream, as ``lzma`` and ``zstd`` have it."""

    @property
    def eof(self) -> bool: ...

    @property
    def needs_input(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    def decompress(self, data: bytes, max_length: int) -> bytes: ...


class _Gzip:
    """zlib's decompressor in the words of the others."""

    def __init__(self) -> None:
        self._inner = zlib.decompressobj(GZIP_BITS)
        self.needs_input = True

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:
        content = self._inner.decompress(self._inner.unconsumed_tail + data, max_length)
        # A full answer may have more behind it that zlib holds already.
        self.needs_input = len(content) < max_length and not self._inner.unconsumed_tail
        return content


class _Unpacked:
    """A stream of one or more compressed ones."""

    def __init__(self, source: Readable, kind: Compression, *, name: str, rules: Rules) -> None:
        self._source = source
        self._kind = kind
        self._name = name
        self._rules = rules
        self._failures, self._stream = _made(kind)
        self._consumed = self._produced = 0
        self._ended = False

    def read(self, size: int = -1, /) -> bytes:
        """The next bytes; of all that is asked for only as much as is unpacked in one go."""
        size = UNPACKED_BYTES if size < 0 else min(size, UNPACKED_BYTES)
        while size and not self._ended:
            try:
                content = self._more(size)
            except self._failures as broken:
                raise self._bad(f"cannot be unpacked as {self._kind.value[1:]}: {broken}") from broken
            if content:
                return self._counted(content)
        return b""

    def _more(self, size: int) -> bytes:
        """Some bytes, or none where a step brought none."""
        if self._stream.eof:
            return self._another(self._stream.unused_data, size)
        packed = self._packed() if self._stream.needs_input else b""
        if self._stream.needs_input and not packed:
            raise self._bad("is cut off")
        return self._stream.decompress(packed, size)

    def _another(self, rest: bytes, size: int) -> bytes:
        """Go on with the stream that follows, if one does; zeros are padding."""
        while not (rest := rest.lstrip(b"\0")):
            if not (rest := self._packed()):
                self._ended = True
                return b""
        _, self._stream = _made(self._kind)
        return self._stream.decompress(rest, size)

    def _packed(self) -> bytes:
        packed = self._source.read(PACKED_BYTES)
        self._consumed += len(packed)
        return packed

    def _counted(self, content: bytes) -> bytes:
        self._produced += len(content)
        if self._produced > self._rules.total_bytes:
            raise self._bad(f"unpacks to more than {self._rules.total_bytes} bytes")
        if self._produced > RATIO_FROM_BYTES and self._produced > self._rules.ratio * self._consumed:
            raise self._bad(f"unpacks to more than {self._rules.ratio} times its size")
        return content

    def _bad(self, cause: str) -> BadArchive:
        return BadArchive(self._name, cause)


def _made(kind: Compression) -> tuple[tuple[type[Exception], ...], _Decompressor]:
    """What it may raise, and a new decompressor; each library is loaded when it is first needed."""
    if kind is Compression.GZIP:
        return (zlib.error,), _Gzip()
    if kind is Compression.XZ:
        import lzma  # noqa: PLC0415 - see above

        return (lzma.LZMAError, EOFError), lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=MEMORY_BYTES)
    zstd = _zstd()
    options = {int(zstd.DecompressionParameter.window_log_max): ZSTD_WINDOW_LOG}
    return (zstd.ZstdError, EOFError), zstd.ZstdDecompressor(options=options)


def _zstd() -> ModuleType:
    if sys.version_info >= (3, 14):
        from compression import zstd  # noqa: PLC0415 - loaded when it is first needed
    else:
        from backports import zstd  # noqa: PLC0415 - as above
    return zstd
