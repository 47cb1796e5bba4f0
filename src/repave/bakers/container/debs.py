"""Debian packages without their compression: read twice per bake (extract, then unpack), decompressed once per boot.

Source: deb(5); the package file is an ``ar`` archive of ``debian-binary``, ``control.tar`` and ``data.tar``.
"""

import gzip
import lzma
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from repave.bakers.container.layertar import CHUNK_BYTES, Verified
from repave.model.lock import LockedPackage
from repave.ports.errors import Corrupt, Invalid
from repave.ports.vault import Vault

MAGIC = b"!<arch>\n"
HEADER_BYTES = 60
WORKERS = 4
"""Threads that decompress; xz and sha256 work without the interpreter's lock, more than four cores are rarely idle."""

WINDOW_BYTES = 128 << 20
"""The memory that unpacking zstd may take; dpkg-deb's highest level needs 8 MiB."""


@dataclass(frozen=True, kw_only=True)
class Member:
    """One file in the archive."""

    name: str
    time: int
    """Seconds since 1970: of the package's build, the same for all members."""

    offset: int
    """Of its first byte in the archive."""

    size: int


def prepare(packages: Sequence[LockedPackage], vault: Vault, folder: Path) -> None:
    """Have each package in ``folder`` by its sha256, verified and uncompressed.

    Raises Gone (not in the vault), Corrupt, Invalid (a compression that this Python cannot read).
    """
    folder.mkdir(parents=True, exist_ok=True)
    missing = [package for package in packages if not place(folder, package.sha256).exists()]
    # The largest first, or one thread ends with all of it while the others are idle.
    missing.sort(key=lambda package: (-package.size_bytes, package.sha256))
    sources = [vault.path(package.sha256) for package in missing]
    with ThreadPoolExecutor(WORKERS) as pool:
        for _ in pool.map(lambda package, source: _prepare(package, source, folder), missing, sources):
            continue


def place(folder: Path, sha256: str) -> Path:
    """Where the uncompressed package of that sha256 is, or will be."""
    return folder / f"{sha256}.deb"


def members(stream: BinaryIO, name: str) -> Iterator[Member]:
    """The archive's members; the stream may be read in between."""
    if stream.read(len(MAGIC)) != MAGIC:
        raise Corrupt(f"{name} is no Debian package", hint="lock again")
    offset = len(MAGIC)
    while True:
        stream.seek(offset)
        header = stream.read(HEADER_BYTES)
        if not header:
            return
        try:
            member = Member(
                name=header[:16].decode("ascii").strip().rstrip("/"),
                time=int(header[16:28]),
                offset=offset + HEADER_BYTES,
                size=int(header[48:58]),
            )
        except ValueError as error:
            raise Corrupt(f"{name} is a broken Debian package", hint="lock again") from error
        yield member
        offset = member.offset + member.size + member.size % 2


def newest_build(folder: Path, packages: Sequence[LockedPackage]) -> int:
    """When the newest of the packages was built: no file that came in a package is newer (deb(5), dpkg-deb(1))."""
    newest = 0
    for package in packages:
        with place(folder, package.sha256).open("rb") as stream:
            newest = max(newest, *(member.time for member in members(stream, package.filename)))
    return newest


def _prepare(package: LockedPackage, source: Path, folder: Path) -> None:
    target = place(folder, package.sha256)
    partial = target.with_suffix(".partial")
    try:
        with source.open("rb") as stream, partial.open("wb") as out:
            verified = Verified(stream, package.sha256, package.filename)
            verified.finish()
            _uncompress(stream, out, package.filename)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)


def _uncompress(stream: BinaryIO, out: BinaryIO, name: str) -> None:
    stream.seek(0)
    out.write(MAGIC)
    for member in members(stream, name):
        stream.seek(member.offset)
        base, plain = _plain(stream, member, name)
        start = out.tell()
        out.write(bytes(HEADER_BYTES))
        size = 0
        for chunk in plain:
            size += out.write(chunk)
        out.write(b"\n" * (size % 2))
        out.seek(start)
        out.write(f"{base:<16}{member.time:<12}{0:<6}{0:<6}{'100644':<8}{size:<10}`\n".encode("ascii"))
        out.seek(0, os.SEEK_END)


def _plain(stream: BinaryIO, member: Member, name: str) -> tuple[str, Iterator[bytes]]:
    """The member's name without the compression's suffix, and its content."""
    content = _Window(stream, member.size)
    base, _, suffix = member.name.partition(".tar")
    if not suffix:
        return member.name, _chunks(cast("BinaryIO", content), name)
    if suffix == ".xz":
        return f"{base}.tar", _chunks(cast("BinaryIO", lzma.open(cast("BinaryIO", content))), name)
    if suffix == ".gz":
        return f"{base}.tar", _chunks(cast("BinaryIO", gzip.open(cast("BinaryIO", content))), name)
    if suffix == ".zst":
        return f"{base}.tar", _unzstd(cast("BinaryIO", content), name)
    raise Invalid(
        f"{name} is compressed as {suffix}, which is not read here", hint="distributions use xz, zstd or gzip"
    )


def _chunks(content: BinaryIO, name: str) -> Iterator[bytes]:
    try:
        while chunk := content.read(CHUNK_BYTES):
            yield chunk
    except (lzma.LZMAError, EOFError, gzip.BadGzipFile) as error:
        raise Corrupt(f"{name} cannot be decompressed: {error}", hint="lock again") from error


def _unzstd(content: BinaryIO, name: str) -> Iterator[bytes]:
    # Here, and not above: Debian's own packages do without.
    import zstandard  # noqa: PLC0415 - see above

    reader = zstandard.ZstdDecompressor(max_window_size=WINDOW_BYTES).stream_reader(content, read_across_frames=True)
    try:
        while chunk := reader.read(CHUNK_BYTES):
            yield chunk
    except zstandard.ZstdError as error:
        raise Corrupt(f"{name} cannot be decompressed: {error}", hint="lock again") from error


class _Window:
    """The next ``size`` bytes of a stream, as a stream that ends there."""

    def __init__(self, stream: BinaryIO, size: int) -> None:
        self._stream = stream
        self._left = size

    def read(self, size: int = -1) -> bytes:
        content = self._stream.read(self._left if size < 0 else min(size, self._left))
        self._left -= len(content)
        return content

    def readable(self) -> bool:
        return True
