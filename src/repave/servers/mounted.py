"""A server's disk, mounted somewhere on this machine, or this machine's own."""

import hashlib
import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from repave.ports.errors import Gone
from repave.ports.progress import Progress
from repave.ports.server import Heard, Kind, Standing, Tree
from repave.servers.kernel import SHOWN_BY_KERNEL, TEMPORARY

KINDS = {stat.S_IFREG: Kind.FILE, stat.S_IFDIR: Kind.FOLDER, stat.S_IFLNK: Kind.LINK}

STEP = 1000
"""Paths between two words to the person who waits."""


class MountedRoot:
    """The server port for a folder that holds a root filesystem."""

    def __init__(self, root: Path, *, passed_over: Iterable[str] = ()) -> None:
        """``passed_over`` are folders whose content is not read. Raises Gone where ``root`` is no folder."""
        if not root.is_dir():
            raise Gone(f"there is no folder {root} to read a server from", hint="mount its disk, and name where")
        self._root = root.resolve()
        self._passed_over = frozenset({*SHOWN_BY_KERNEL, *TEMPORARY, *passed_over})

    @property
    def name(self) -> str:
        """The folder."""
        return str(self._root)

    def tree(self, progress: Progress) -> Tree:
        """See the port; other disks mounted below are read too."""
        standing: list[Standing] = []
        unseen: list[str] = []
        with progress.task(f"Listing {self.name}") as task:
            for one in self._below("/", unseen):
                standing.append(one)
                if len(standing) % STEP == 0:
                    task.advance(STEP)
        return Tree(standing=tuple(standing), unseen=tuple(unseen))

    def contents(self, paths: Iterable[str]) -> Mapping[str, bytes]:
        """See the port."""
        found: dict[str, bytes] = {}
        for path in paths:
            with self._opened(path) as descriptor:
                if descriptor is not None:
                    with os.fdopen(os.dup(descriptor), "rb") as file:
                        found[path] = file.read()
        return found

    def md5(self, paths: Iterable[str]) -> Mapping[str, str]:
        """See the port."""
        found: dict[str, str] = {}
        for path in paths:
            with self._opened(path) as descriptor:
                if descriptor is not None:
                    with os.fdopen(os.dup(descriptor), "rb") as file:
                        found[path] = hashlib.file_digest(file, _md5).hexdigest()
        return found

    def heard(self) -> Heard:
        """Nothing runs on a disk."""
        return Heard(unseen=("a mounted root does not run: ports are told by what its configuration says",))

    def _below(self, folder: str, unseen: list[str]) -> Iterator[Standing]:
        try:
            with os.scandir(f"{self._root}{folder}") as entries:
                names = sorted(entry.name for entry in entries)
        except OSError:
            unseen.append(folder)
            return
        for name in names:
            path = f"{folder.rstrip('/')}/{name}"
            try:
                status = os.lstat(f"{self._root}{path}")
                link = os.readlink(f"{self._root}{path}") if stat.S_ISLNK(status.st_mode) else ""  # noqa: PTH115 - a hot loop
            except OSError:
                continue  # gone since it was listed
            kind = KINDS.get(stat.S_IFMT(status.st_mode), Kind.OTHER)
            mode, size = stat.S_IMODE(status.st_mode), status.st_size if kind is Kind.FILE else 0
            yield Standing(path=path, kind=kind, size_bytes=size, mode=mode, user=status.st_uid, link=link)
            if kind is Kind.FOLDER and path not in self._passed_over:
                yield from self._below(path, unseen)

    @contextmanager
    def _opened(self, path: str) -> Iterator[int | None]:
        """A regular file, reached without following any link: a root of strangers cannot lead out of itself."""
        *folders, last = [part for part in path.split("/") if part]
        descriptors: list[int] = []
        try:
            if ".." in folders:
                raise PermissionError(path)
            descriptors.append(os.open(self._root, os.O_RDONLY | os.O_DIRECTORY))
            for folder in folders:
                flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
                descriptors.append(os.open(folder, flags, dir_fd=descriptors[-1]))
            flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
            descriptors.append(os.open(last, flags, dir_fd=descriptors[-1]))
            readable = stat.S_ISREG(os.fstat(descriptors[-1]).st_mode)
        except OSError:
            readable = False
        try:
            yield descriptors[-1] if readable else None
        finally:
            for descriptor in descriptors:
                os.close(descriptor)


def _md5() -> "hashlib._Hash":
    return hashlib.md5(usedforsecurity=False)
