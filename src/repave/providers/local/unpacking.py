"""Layers of an OCI image as folders: verified while read, and never written outside their folder.

Source: https://github.com/opencontainers/image-spec/blob/v1.1.0/layer.md, whiteouts included; for overlayfs their
translation by https://docs.kernel.org/filesystems/overlayfs.html.
"""

import gzip
import hashlib
import os
import stat
import tarfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from repave.model.artifact import GZIPPED_LAYERS, PLAIN_LAYERS
from repave.model.names import Digest
from repave.ports.errors import Corrupt, Invalid

CHUNK_BYTES = 1024 * 1024

WHITEOUT = ".wh."
OPAQUE = ".wh..wh..opq"


@dataclass(frozen=True, kw_only=True)
class LayerFile:
    """One stored layer: where its bytes are, and what they must be."""

    path: Path
    digest: Digest
    difference: Digest
    """Digest of the uncompressed tar: the layer's diff id."""

    media_type: str


class Hashed:
    """A stream that is hashed as it is read."""

    def __init__(self, source: IO[bytes], advance: Callable[[int], None]) -> None:
        self._source = source
        self._advance = advance
        self._hash = hashlib.sha256()

    def read(self, size: int = CHUNK_BYTES) -> bytes:
        """The next bytes."""
        content = self._source.read(size)
        self._hash.update(content)
        self._advance(len(content))
        return content

    def drain(self) -> None:
        """Read what is left, so that the digest is of everything."""
        while self.read():
            continue

    @property
    def digest(self) -> Digest:
        """Of everything read so far."""
        return Digest(f"sha256:{self._hash.hexdigest()}")


def unpack(layer: LayerFile, target: Path, *, privileged: bool, advance: Callable[[int], None]) -> None:
    """Unpack the layer into the existing folder ``target``.

    With root, owners are kept and whiteouts become overlayfs's; without, all is ours and whiteouts are carried out
    on what ``target`` holds already. Devices are left out: an instance gets its own. Raises Corrupt for other bytes
    than promised or a member that points outside, Invalid for a compression that is not supported; what is in
    ``target`` then must not be used.
    """
    with layer.path.open("rb") as file:
        stored = Hashed(file, advance)
        plain = stored if layer.media_type in PLAIN_LAYERS else Hashed(_inflated(layer, stored), lambda _: None)
        try:
            with tarfile.open(fileobj=plain, mode="r|") as archive:  # type: ignore[call-overload] # read() is enough
                _Unpacker(target, privileged=privileged, layer=layer).unpack(archive)
            plain.drain()
            stored.drain()
        except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise _corrupt(layer, f"cannot be read as a tar archive: {error}") from error
    for what, wanted, found in (("", layer.digest, stored.digest), ("uncompressed ", layer.difference, plain.digest)):
        if wanted != found:
            raise _corrupt(layer, f"its {what}bytes have the digest {found}, not {wanted}")


def _inflated(layer: LayerFile, stored: Hashed) -> IO[bytes]:
    if layer.media_type not in GZIPPED_LAYERS:
        raise Invalid(
            f"the layer {layer.digest} cannot be unpacked: {layer.media_type} is not supported here",
            hint="store layers as plain tar or gzip",
        )
    return gzip.GzipFile(fileobj=stored)  # type: ignore[call-overload,no-any-return] # read() is enough for it


class _Unpacker:
    """Writes members below one folder; every step on the way down is opened without following links."""

    def __init__(self, target: Path, *, privileged: bool, layer: LayerFile) -> None:
        self._target = target
        self._privileged = privileged
        self._layer = layer
        self._folders: list[tuple[str, tarfile.TarInfo]] = []

    def unpack(self, archive: tarfile.TarFile) -> None:
        for member in archive:
            parts = self._parts(member.name)
            if not parts:
                continue
            with self._folder(parts[:-1]) as folder:
                self._place(archive, member, parts, folder)
        for name, member in reversed(self._folders):
            # Times last, since writing into a folder changes its own; deepest first.
            with self._folder(self._parts(name)) as folder:
                os.utime(folder, (member.mtime, member.mtime))

    def _place(self, archive: tarfile.TarFile, member: tarfile.TarInfo, parts: tuple[str, ...], folder: int) -> None:
        name = parts[-1]
        if name.startswith(WHITEOUT):
            self._whiteout(name, folder)
        elif member.isdir():
            self._make_folder(member, name, folder)
        elif member.isreg():
            self._write_file(archive, member, name, folder)
        elif member.issym():
            self._clear(name, folder)
            os.symlink(member.linkname, name, dir_fd=folder)
            self._own(member, name, folder)
        elif member.islnk():
            self._link(member, name, folder)
        elif not (member.ischr() or member.isblk() or member.isfifo()):
            raise _corrupt(self._layer, f"{member.name} is of an unknown type")

    def _parts(self, name: str) -> tuple[str, ...]:
        path = PurePosixPath(name)
        parts = tuple(part for part in path.parts if part not in {"/", "."})
        if ".." in parts or "\0" in name:
            raise _corrupt(self._layer, f"the member {name!r} points outside")
        return parts

    @contextmanager
    def _folder(self, parts: tuple[str, ...]) -> Iterator[int]:
        """A handle of the folder, made where it is missing."""
        handle = os.open(self._target, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            for part in parts:
                below = self._down(handle, part)
                os.close(handle)
                handle = below
            yield handle
        finally:
            os.close(handle)

    def _down(self, handle: int, part: str) -> int:
        """The folder ``part`` below ``handle``."""
        flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            try:
                return os.open(part, flags, dir_fd=handle)
            except FileNotFoundError:
                os.mkdir(part, dir_fd=handle)
                # Whatever our umask is: the image's user must get through.
                os.chmod(part, 0o755, dir_fd=handle)  # noqa: S103 - a folder of the image, in a folder only we enter
                return os.open(part, flags, dir_fd=handle)
        except NotADirectoryError as error:
            raise _corrupt(self._layer, f"a member goes through {part!r}, which is no folder") from error

    def _make_folder(self, member: tarfile.TarInfo, name: str, folder: int) -> None:
        existing = _status(name, folder)
        if existing is None or not stat.S_ISDIR(existing.st_mode):
            self._clear(name, folder)
            os.mkdir(name, dir_fd=folder)
        self._own(member, name, folder)
        # Without root a folder must stay ours to write, or nothing could be put into it or removed.
        os.chmod(name, _mode(member) if self._privileged else _mode(member) | 0o700, dir_fd=folder)
        self._folders.append((member.name, member))

    def _write_file(self, archive: tarfile.TarFile, member: tarfile.TarInfo, name: str, folder: int) -> None:
        self._clear(name, folder)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        content = archive.extractfile(member)
        if content is None:
            raise _corrupt(self._layer, f"{member.name} has no content")
        with os.fdopen(os.open(name, flags, 0o600, dir_fd=folder), "wb", buffering=0) as file:
            while chunk := content.read(CHUNK_BYTES):
                file.write(chunk)
            if self._privileged:
                os.fchown(file.fileno(), member.uid, member.gid)
            os.fchmod(file.fileno(), _mode(member))
            os.utime(file.fileno(), (member.mtime, member.mtime))

    def _link(self, member: tarfile.TarInfo, name: str, folder: int) -> None:
        source = self._parts(member.linkname)
        if not source:
            raise _corrupt(self._layer, f"{member.name} links to nothing")
        self._clear(name, folder)
        with self._folder(source[:-1]) as origin:
            try:
                os.link(source[-1], name, src_dir_fd=origin, dst_dir_fd=folder, follow_symlinks=False)
            except FileNotFoundError as error:
                raise _corrupt(self._layer, f"{member.name} links to {member.linkname}, which is missing") from error

    def _whiteout(self, name: str, folder: int) -> None:
        if name == OPAQUE and self._privileged:
            os.setxattr(folder, "trusted.overlay.opaque", b"y")
        elif name == OPAQUE:
            for entry in os.listdir(folder):
                self._clear(entry, folder)
        elif self._privileged:
            hidden = name.removeprefix(WHITEOUT)
            self._clear(hidden, folder)
            os.mknod(hidden, stat.S_IFCHR, os.makedev(0, 0), dir_fd=folder)
        else:
            self._clear(name.removeprefix(WHITEOUT), folder)

    def _own(self, member: tarfile.TarInfo, name: str, folder: int) -> None:
        if self._privileged:
            os.chown(name, member.uid, member.gid, dir_fd=folder, follow_symlinks=False)

    def _clear(self, name: str, folder: int) -> None:
        """Make room for a new entry; a folder goes with all below it."""
        if name in {"", ".", ".."}:
            raise _corrupt(self._layer, f"a whiteout names {name!r}")
        existing = _status(name, folder)
        if existing is None:
            return
        if not stat.S_ISDIR(existing.st_mode):
            os.unlink(name, dir_fd=folder)
            return
        inner = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
        try:
            for entry in os.listdir(inner):  # noqa: PTH208 - by handle, which pathlib cannot
                self._clear(entry, inner)
        finally:
            os.close(inner)
        os.rmdir(name, dir_fd=folder)


def _status(name: str, folder: int) -> os.stat_result | None:
    try:
        return os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return None


def _mode(member: tarfile.TarInfo) -> int:
    return member.mode & 0o7777


def _corrupt(layer: LayerFile, cause: str) -> Corrupt:
    return Corrupt(f"the layer {layer.digest} was not unpacked: {cause}", hint="bake the image again")
