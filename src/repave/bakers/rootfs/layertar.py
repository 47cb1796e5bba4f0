"""One layer as a tar: the same content gives the same bytes, whoever writes it, when and where.

Source: OCI Image Layer Filesystem Changeset Specification 1.0 (whiteouts), POSIX.1-2001 pax.
"""

import os
import stat
import tarfile
from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from struct import Struct
from types import TracebackType
from typing import BinaryIO, Self

from repave.bakers.rootfs.overlay import attribute, is_opaque, is_whiteout
from repave.bakers.rootfs.skeleton import Skeleton
from repave.model.guards import Exposed
from repave.ports.errors import Corrupt, Invalid

WHITEOUT = ".wh."
OPAQUE = ".wh..wh..opq"
"""What a layer's tar holds in place of what it removes, and in a directory that hides the one below."""

CAPABILITIES = "security.capability"
"""The one extended attribute that packages set on files and programs rely on."""

CHUNK_BYTES = 1 << 20

HEADER = Struct("100s 8s 8s 8s 12s 12s 8s c 100s 8s 247x")
"""Name, mode, user, group, size, time, sum, kind, target of a link, magic; the rest stays empty (POSIX.1, ustar)."""

SUM_AT = 148
SHORT_END, LONG_END = 8**7, 8**11
"""Numbers are octal digits in fields of 8 and 12 bytes, of which the last is zero."""

END_BYTES = 2 * tarfile.BLOCKSIZE
"""Zeros at the end; whole records of 20 blocks after that, as tar writes them."""

FIRST_TIME = 946_684_800
"""1 January 2000, as seconds since 1970."""

TIME_BITS = 28
"""Eight and a half years of seconds: times from 2000 to 2008, before any real one."""


class LayerTar:
    """Writes entries in the order they are given; the caller gives them sorted."""

    def __init__(self, target: Path) -> None:
        self._stream = target.open("wb", buffering=CHUNK_BYTES)
        self.exposed: list[Exposed] = []
        """Of ``tree``: paths with more rights than most; what is staged has rights of our own giving."""

    def __enter__(self) -> Self:
        """Open for the block."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Finish the tar if all went well; close the file in any case."""
        try:
            if error is None:
                self._stream.write(bytes(END_BYTES))
                self._stream.write(bytes(-self._stream.tell() % tarfile.RECORDSIZE))
        finally:
            self._stream.close()

    def directory(self, path: str, *, owner: tuple[int, int, int], time: int) -> None:
        """A directory; ``owner`` is mode, user and group."""
        entry = _entry(path, owner, time)
        entry.type = tarfile.DIRTYPE
        self._add(entry)

    def file(self, path: str, content: BinaryIO, *, size: int, owner: tuple[int, int, int], time: int) -> None:
        """A regular file of ``size`` bytes."""
        entry = _entry(path, owner, time)
        entry.size = size
        self._add(entry, content)

    def link(self, path: str, target: str, *, time: int) -> None:
        """A symbolic link."""
        entry = _entry(path, (0o777, 0, 0), time)
        entry.type, entry.linkname = tarfile.SYMTYPE, target
        self._add(entry)

    def removed(self, path: str, *, time: int) -> None:
        """That something below is not there any more."""
        folder, _, name = path.rpartition("/")
        self._mark(f"{folder}/{WHITEOUT}{name}".lstrip("/"), time)

    def tree(self, root: Path, *, newest: int, lowers: Sequence[Path] = ()) -> None:
        """All below ``root``, times clamped to ``newest``; ``lowers`` are below it if overlayfs filled it.

        A directory's time says only when something was last put into it, so it is ``newest`` always.
        """
        linked: dict[tuple[int, int], str] = {}
        for path, status in sorted_below(os.fspath(root)):
            place = os.path.join(root, path)  # noqa: PTH118 - a hot loop over ten thousand names
            owner = (stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid)
            entry = _entry(path, owner, min(int(status.st_mtime), newest))
            self._expose(path, status)
            if stat.S_ISDIR(status.st_mode):
                entry.type, entry.mtime = tarfile.DIRTYPE, newest
                self._add(entry)
                if lowers and is_opaque(place) and any(os.path.isdir(lower / path) for lower in lowers):  # noqa: PTH112 - as above
                    self._mark(f"{path}/{OPAQUE}", newest)
            elif stat.S_ISLNK(status.st_mode):
                entry.type, entry.linkname = tarfile.SYMTYPE, os.readlink(place)  # noqa: PTH115 - a hot loop
                self._add(entry)
            elif stat.S_ISREG(status.st_mode):
                first = linked.setdefault((status.st_dev, status.st_ino), path) if status.st_nlink > 1 else path
                self._regular(entry, place, status, first)
            elif is_whiteout(status):
                self.removed(path, time=newest)
            elif stat.S_ISFIFO(status.st_mode):
                entry.type = tarfile.FIFOTYPE
                self._add(entry)
            # Sockets belong to a process that has ended; devices are the runtime's to give.

    def staged(self, root: Path, *, below: Skeleton, time: int) -> None:
        """All below ``root``, a folder that we filled: owned by root, readable by all, executable where it was.

        Directories that the layers below have keep their rights. Raises Invalid where they have a link instead.
        """
        for path, status in sorted_below(os.fspath(root)):
            if stat.S_ISDIR(status.st_mode):
                if below.resolve(path) != path:
                    raise Invalid(
                        f"a file is to be put below /{path}, which is a link to /{below.resolve(path)}",
                        hint="a layer cannot write through a link: leave out the package that brings that file",
                    )
                self.directory(path, owner=below.directory(path), time=time)
            elif stat.S_ISREG(status.st_mode):
                mode = 0o755 if status.st_mode & stat.S_IXUSR else 0o644
                with (root / path).open("rb") as content:
                    self.file(path, content, size=status.st_size, owner=(mode, 0, 0), time=time)

    def _regular(self, entry: tarfile.TarInfo, place: str, status: os.stat_result, first: str) -> None:
        if first != entry.name:
            entry.type, entry.linkname = tarfile.LNKTYPE, first
            self._add(entry)
            return
        capabilities = attribute(place, CAPABILITIES)
        if capabilities is not None:
            entry.pax_headers = {f"SCHILY.xattr.{CAPABILITIES}": capabilities.decode("utf-8", "surrogateescape")}
        entry.size = status.st_size
        with open(place, "rb", buffering=0) as content:  # noqa: PTH123 - a hot loop over ten thousand names
            self._add(entry, content)

    def _expose(self, path: str, status: os.stat_result) -> None:
        """What of files and folders has more rights than most."""
        folder = stat.S_ISDIR(status.st_mode)
        if folder or stat.S_ISREG(status.st_mode):
            self.exposed += exposed(path, status.st_mode, owner=status.st_uid, folder=folder)

    def _mark(self, path: str, time: int) -> None:
        self._add(_entry(path, (0o644, 0, 0), time))

    def _add(self, entry: tarfile.TarInfo, content: BinaryIO | None = None) -> None:
        self._stream.write(_header(entry))
        if content is not None:
            left = entry.size
            while left:
                chunk = content.read(min(left, CHUNK_BYTES))
                if not chunk:
                    raise OSError(f"{entry.name} ended {left} bytes before its size")
                self._stream.write(chunk)
                left -= len(chunk)
            self._stream.write(bytes(-entry.size % tarfile.BLOCKSIZE))


def newest_of(layer: Path) -> int:
    """The time that nothing in a layer is newer than which ``LayerTar.tree`` wrote: each of its folders has it."""
    with tarfile.open(layer, "r:") as tar:
        return next(int(entry.mtime) for entry in tar if entry.isdir())


def exposed(path: str, mode: int, *, owner: int, folder: bool) -> list[Exposed]:
    """Set-uid and set-gid programs, and what anyone may write; in folders set-gid only hands the group on."""
    bits = stat.S_IMODE(mode)
    runs_as_owner = bits & (stat.S_ISUID | stat.S_ISGID) and not folder
    open_to_all = bits & stat.S_IWOTH and not (folder and bits & stat.S_ISVTX)
    return [Exposed(path=f"/{path}", mode=bits, owner=owner)] if runs_as_owner or open_to_all else []


class Verified:
    """A stream that must end with the sha256 it was named by."""

    def __init__(self, stream: BinaryIO, sha256_hex: str, name: str) -> None:
        self._stream = stream
        self._wanted = sha256_hex
        self._name = name
        self._hash = sha256()

    def read(self, size: int = -1) -> bytes:
        """As any stream reads."""
        content = self._stream.read(size)
        self._hash.update(content)
        return content

    def finish(self) -> None:
        """Read what is left; raises Corrupt when the bytes are others."""
        while self.read(CHUNK_BYTES):
            continue
        if self._hash.hexdigest() != self._wanted:
            raise Corrupt(
                f"{self._name} in the vault has sha256 {self._hash.hexdigest()}, not {self._wanted}",
                hint="remove it from the vault and fetch it again with `repave lock`",
            )


def content_time(sha256_hex: str) -> int:
    """A time of its own for each content.

    Web servers make ETag and Last-Modified from size and time: one time for all would let a browser keep an old file
    of the same size for ever, and the real time would make the same content another layer.
    """
    return FIRST_TIME + int(sha256_hex[:16], 16) % (1 << TIME_BITS)


def _entry(path: str, owner: tuple[int, int, int], time: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(path)
    entry.mode, entry.uid, entry.gid = owner
    entry.mtime = time
    return entry


def _header(entry: tarfile.TarInfo) -> bytes:
    """What comes before a content: for most entries one block, which ``tarfile`` takes several times as long to make.

    It makes the others: long names, names beyond ASCII, large numbers, extended attributes.
    """
    name = f"{entry.name}/" if entry.type == tarfile.DIRTYPE else entry.name
    if (
        entry.pax_headers
        or max(len(name), len(entry.linkname)) > tarfile.LENGTH_NAME
        or not (name.isascii() and entry.linkname.isascii())
        or max(entry.uid, entry.gid) >= SHORT_END
        or max(entry.size, entry.mtime) >= LONG_END
        or entry.mtime < 0
    ):
        return entry.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")
    block = HEADER.pack(
        name.encode("ascii"),
        *(b"%07o" % number for number in (entry.mode, entry.uid, entry.gid)),
        *(b"%011o" % int(number) for number in (entry.size, entry.mtime)),
        b" " * 8,  # the sum is of a block that has spaces in its place
        entry.type,
        entry.linkname.encode("ascii"),
        tarfile.POSIX_MAGIC,
    )
    return b"%b%06o\0%b" % (block[:SUM_AT], sum(block), block[SUM_AT + 7 :])


def sorted_below(root: str, folder: str = "") -> Iterator[tuple[str, os.stat_result]]:
    """Every path below, parents first, names in the order of their bytes: no locale has a say."""
    with os.scandir(os.path.join(root, folder)) as entries:  # noqa: PTH118 - a hot loop over ten thousand names
        names = sorted((entry.name for entry in entries), key=os.fsencode)
    for name in names:
        path = f"{folder}/{name}" if folder else name
        status = os.lstat(os.path.join(root, path))  # noqa: PTH118 - as above
        yield path, status
        if stat.S_ISDIR(status.st_mode):
            yield from sorted_below(root, path)
