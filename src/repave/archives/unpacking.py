"""Entries onto the disk: below one folder and nowhere else, whatever they are called and wherever their links lead.

Every folder on the way is opened from the one above it, never through a link; what is made is made in an open folder.
"""

import errno
import os
import stat
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from repave.archives.entries import Entry, Kind
from repave.archives.errors import BadArchive, shown
from repave.archives.rules import MIB
from repave.archives.whiteouts import OPAQUE, WHITEOUT, Hiding, hide, hide_below, is_hidden

CHUNK_BYTES = 1 * MIB
OPEN_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
NO_LINK = frozenset({errno.EPERM, errno.EMLINK, errno.EISDIR})
"""A folder, or a file that has as many links as its filesystem counts."""

Made = TypeVar("Made")


@dataclass(frozen=True, kw_only=True)
class Unpacking:
    """How entries are written."""

    owners: bool = False
    """Whether they get the owners that the archive says, which needs root. Without, all is ours, and folders are ours
    to write, or nothing could be put into them or removed."""

    hiding: Hiding = Hiding.NONE


PLAIN = Unpacking()


def unpack(entries: Iterable[Entry], target: Path, *, name: str, settings: Unpacking = PLAIN) -> None:
    """Write the entries below ``target``, an existing folder that nobody else writes to meanwhile.

    What is in ``target`` already is replaced where an entry has its name, and never written through. Raises BadArchive,
    and OSError of the disk; what is in ``target`` then must not be used.
    """
    root = os.open(target, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    unpacker = _Unpacker(root, name, settings)
    try:
        for entry in entries:
            if entry.name:
                unpacker.place(entry)
        unpacker.finish()
    finally:
        unpacker.close()


class _Unpacker:
    def __init__(self, root: int, archive: str, settings: Unpacking) -> None:
        self._archive = archive
        self._owners = settings.owners
        self._hiding = settings.hiding
        self._handles = [root]
        self._way: list[str] = []
        """The open folders below the root, down to the last entry's: most entries lie beside the one before them."""

        self._times: list[tuple[tuple[str, ...], float]] = []
        self._brought: set[str] = set()
        """By this layer, whose whiteouts hide only what is below it."""

    def place(self, entry: Entry) -> None:
        """Write one entry."""
        *above, last = entry.parts
        folder = self._walk(above, entry)
        if last.startswith(WHITEOUT) and self._hiding is not Hiding.NONE:
            self._hide(entry, last, folder)
            return
        match entry.kind:
            case Kind.FILE:
                self._write(entry, last, folder)
            case Kind.FOLDER:
                self._make_folder(entry, last, folder)
            case Kind.SYMLINK:
                self._anew(last, folder, lambda: os.symlink(entry.link, last, dir_fd=folder))
                self._own(entry, last, folder)
                os.utime(last, (entry.time, entry.time), dir_fd=folder, follow_symlinks=False)
            case Kind.HARDLINK:
                self._link(entry, last, folder)
        if self._hiding is not Hiding.NONE and entry.kind is not Kind.SPECIAL:
            self._bring(entry.name)

    def finish(self) -> None:
        """Set the folders' times, last, since writing into a folder changes its own."""
        for parts, time in reversed(self._times):
            os.utime(self._walk(parts, None), (time, time))

    def close(self) -> None:
        """Let go of the folders."""
        while self._handles:
            os.close(self._handles.pop())

    def _bring(self, name: str) -> None:
        """Remember the entry, and the folders above it that may have none of their own."""
        while name and name not in self._brought:
            self._brought.add(name)
            name = name.rpartition("/")[0]

    def _walk(self, parts: Sequence[str], entry: Entry | None) -> int:
        """A handle of the folder, made where it is missing."""
        way = self._way
        same = 0
        for part, open_part in zip(parts, way, strict=False):
            if part != open_part:
                break
            same += 1
        while len(way) > same:
            way.pop()
            os.close(self._handles.pop())
        for part in parts[same:]:
            self._enter(part, self._handles[-1], entry, replace=False)
        return self._handles[-1]

    def _enter(self, part: str, folder: int, entry: Entry | None, *, replace: bool) -> int:
        """Go down one folder, made where it is missing, or in place of what has its name and is none."""
        covering = False
        try:
            handle = os.open(part, OPEN_FOLDER, dir_fd=folder)
        except FileNotFoundError:
            handle = _new_folder(part, folder)
        except NotADirectoryError as error:
            covering = self._hiding is Hiding.OVERLAYFS and is_hidden(_status(part, folder))
            if not replace and not covering:
                raise self._bad(f"goes through {shown(part)}, which is no folder", entry) from error
            self._clear(part, folder)
            handle = _new_folder(part, folder)
        self._way.append(part)
        self._handles.append(handle)
        if covering:
            hide_below(handle)
        return handle

    def _make_folder(self, entry: Entry, last: str, folder: int) -> None:
        handle = self._enter(last, folder, entry, replace=True)
        if self._owners:
            os.fchown(handle, entry.user, entry.group)
        os.fchmod(handle, entry.mode if self._owners else entry.mode | 0o700)
        self._times.append((entry.parts, entry.time))

    def _write(self, entry: Entry, last: str, folder: int) -> None:
        handle = self._anew(last, folder, lambda: os.open(last, NEW_FILE, 0o600, dir_fd=folder))
        try:
            while chunk := entry.content.read(CHUNK_BYTES):
                written = os.write(handle, chunk)
                while written < len(chunk):
                    written += os.write(handle, chunk[written:])
            if self._owners:
                os.fchown(handle, entry.user, entry.group)
            os.fchmod(handle, entry.mode)
            os.utime(handle, (entry.time, entry.time))
        finally:
            os.close(handle)

    def _link(self, entry: Entry, last: str, folder: int) -> None:
        *above, source = entry.link.split("/")
        origin = os.dup(self._handles[0])
        try:
            for part in above:
                below = os.open(part, OPEN_FOLDER, dir_fd=origin)
                os.close(origin)
                origin = below
            self._anew(
                last,
                folder,
                lambda: os.link(source, last, src_dir_fd=origin, dst_dir_fd=folder, follow_symlinks=False),
            )
        except (FileNotFoundError, NotADirectoryError) as error:
            raise self._bad(f"links to {shown(entry.link)}, which is missing", entry) from error
        except OSError as error:
            if error.errno not in NO_LINK:
                raise
            raise self._bad(f"links to {shown(entry.link)}, which takes no link", entry) from error
        finally:
            os.close(origin)

    def _hide(self, entry: Entry, last: str, folder: int) -> None:
        """Carry out a whiteout; what the same layer brings stays, wherever in the archive it stands."""
        prefix = "/".join(entry.parts[:-1])
        if last == OPAQUE:
            if self._hiding is Hiding.OVERLAYFS:
                hide_below(folder)
            else:
                self._clear_lower(folder, prefix)
            return
        name = last.removeprefix(WHITEOUT)
        if name in {"", ".", ".."}:
            raise self._bad(f"is a whiteout of {shown(name)}", entry)
        path = f"{prefix}/{name}" if prefix else name
        if path in self._brought:
            if stat.S_ISDIR(_status(name, folder).st_mode):
                inner = self._enter(name, folder, entry, replace=False)
                if self._hiding is Hiding.OVERLAYFS:
                    hide_below(inner)
                else:
                    self._clear_lower(inner, path)
        elif self._hiding is Hiding.OVERLAYFS:
            self._anew(name, folder, lambda: hide(name, folder))
        else:
            self._clear(name, folder)

    def _clear_lower(self, folder: int, prefix: str) -> None:
        """Remove from an open folder what this layer did not bring."""
        for name in os.listdir(folder):
            path = f"{prefix}/{name}" if prefix else name
            if path not in self._brought:
                self._clear(name, folder)
            elif stat.S_ISDIR(_status(name, folder).st_mode):
                inner = os.open(name, OPEN_FOLDER, dir_fd=folder)
                try:
                    self._clear_lower(inner, path)
                finally:
                    os.close(inner)

    def _anew(self, name: str, folder: int, make: Callable[[], Made]) -> Made:
        """Make something in place of whatever has its name."""
        try:
            return make()
        except FileExistsError:
            self._clear(name, folder)
            return make()

    def _clear(self, name: str, folder: int) -> None:
        """Remove what has the name, if anything has; a folder goes with all below it."""
        try:
            os.unlink(name, dir_fd=folder)
        except FileNotFoundError:
            return
        except (IsADirectoryError, PermissionError):  # POSIX and Linux differ in how they say it
            inner = os.open(name, OPEN_FOLDER, dir_fd=folder)
            try:
                for entry in os.listdir(inner):  # noqa: PTH208 - by handle, which pathlib cannot
                    self._clear(entry, inner)
            finally:
                os.close(inner)
            os.rmdir(name, dir_fd=folder)

    def _own(self, entry: Entry, name: str, folder: int) -> None:
        if self._owners:
            os.chown(name, entry.user, entry.group, dir_fd=folder, follow_symlinks=False)

    def _bad(self, cause: str, entry: Entry | None) -> BadArchive:
        return BadArchive(self._archive, cause, member=entry.name if entry else "")


def _new_folder(name: str, folder: int) -> int:
    os.mkdir(name, dir_fd=folder)
    handle = os.open(name, OPEN_FOLDER, dir_fd=folder)
    os.fchmod(handle, 0o755)  # whatever our umask is: whoever uses the tree must get through
    return handle


def _status(name: str, folder: int) -> os.stat_result:
    return os.stat(name, dir_fd=folder, follow_symlinks=False)
