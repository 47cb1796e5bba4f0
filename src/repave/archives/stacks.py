"""Layers on top of each other, as far as somebody must know of them: no file is written, nothing is unpacked.

Source: OCI Image Layer Filesystem Changeset Specification 1.1 (whiteouts).
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import TypeVar

from repave.archives.entries import Entry, Kind
from repave.archives.errors import BadArchive
from repave.archives.whiteouts import OPAQUE, WHITEOUT

LARGEST_FILE_BYTES = 64 << 20
"""Of a file that is wanted; the largest is the status of dpkg, some MiB. A larger one is taken for not there."""

MOST_BYTES = 512 << 20
"""Of all wanted files together, which are held in memory; what comes after is taken for not there."""

IMPLIED = (0o755, 0, 0)
"""Mode, user and group of a folder that no entry stands for."""

MOST_LINKS = 40
"""As many in one path as Linux itself follows (path_resolution(7))."""


T = TypeVar("T")


class LayerStack:
    """Folders, symbolic links, and the content of wanted files. Layers are taken in from the lowest up."""

    def __init__(self, wanted: Callable[[str], bool]) -> None:
        """``wanted`` is asked for each file's path from the root, without a slash before it."""
        self.directories: dict[str, tuple[int, int, int]] = {}
        """Mode, user and group by path."""

        self.links: dict[str, str] = {}
        self.files: dict[str, bytes] = {}
        self._wanted = wanted
        self._room = MOST_BYTES

    def take_in(self, read: Callable[[], Iterable[Entry]], *, name: str) -> None:
        """One layer, read from its beginning by each call of ``read``; ``name`` is for messages. Raises BadArchive.

        What its whiteouts remove are the layers' below, wherever they stand among its own entries. It is read once more
        where a wanted file is a hard link to one that is not: that came first, and nobody knew of the link.
        """
        own: set[str] = set()
        origins: dict[str, str] = {}
        missed: dict[str, list[str]] = {}
        for entry in read():
            folder, _, last = entry.name.rpartition("/")
            above = self._above(entry)
            if last == OPAQUE:
                self._clear(folder, kept=own)
            elif last.startswith(WHITEOUT):
                hidden = last.removeprefix(WHITEOUT)
                if hidden in {"", ".", ".."}:
                    raise BadArchive(name, "is a whiteout that names nothing", member=entry.name)
                gone = f"{folder}/{hidden}".lstrip("/")
                if gone in own:
                    self._clear(gone, kept=own)
                else:
                    self._remove(gone, kept=own)
            elif entry.name and entry.kind is not Kind.SPECIAL:
                self._place(entry)
                own.update((*above, entry.name))
                if entry.kind is Kind.HARDLINK:
                    origin = origins[entry.name] = origins.get(entry.link, entry.link)
                    if not self._same(entry.name, origin) and self._wanted(entry.name):
                        missed.setdefault(origin, []).append(entry.name)
        if missed:
            self._fill(missed, read())

    def file(self, path: str) -> bytes | None:
        """The content of a wanted file, links followed inside the root; None where there is none."""
        for _ in range(MOST_LINKS):
            parts = path.strip("/").split("/")
            steps = ("/".join(parts[:count]) for count in range(1, len(parts) + 1))
            link = next((step for step in steps if step in self.links), None)
            if link is None:
                return self.files.get("/".join(parts))
            rest = "/".join(parts[link.count("/") + 1 :])
            target = self.links[link]
            start = "" if target.startswith("/") else link.rpartition("/")[0]
            path = _plain(f"{start}/{target}/{rest}")
        return None

    def _above(self, entry: Entry) -> list[str]:
        """The folders that an entry lies in; what was there and is no folder, they replace."""
        above = ["/".join(entry.parts[:count]) for count in range(1, len(entry.parts))]
        for path in above:
            self.links.pop(path, None)
            self.files.pop(path, None)
            self.directories.setdefault(path, IMPLIED)
        return above

    def _place(self, entry: Entry) -> None:
        path = entry.name
        if path in self.directories and entry.kind is not Kind.FOLDER:
            self._remove(path, kept=())
        self.links.pop(path, None)
        self.files.pop(path, None)
        if entry.kind is Kind.FOLDER:
            self.directories[path] = (entry.mode, entry.user, entry.group)
        elif entry.kind is Kind.SYMLINK:
            self.links[path] = entry.link
        elif entry.kind is Kind.FILE and self._fits(entry.size_bytes) and self._wanted(path):
            self._room -= entry.size_bytes
            self.files[path] = entry.content.read()

    def _same(self, path: str, origin: str) -> bool:
        """Let a hard link be what it is another name of, where that is known."""
        if origin in self.links:
            self.links[path] = self.links[origin]
        elif origin in self.files and self._wanted(path):
            self.files[path] = self.files[origin]
        return path in self.links or path in self.files

    def _fill(self, missed: Mapping[str, Iterable[str]], entries: Iterable[Entry]) -> None:
        """The content of wanted files by the names under which their layer holds it."""
        for entry in entries:
            if entry.kind is Kind.FILE and entry.name in missed and self._fits(entry.size_bytes):
                self._room -= entry.size_bytes
                self.files |= dict.fromkeys(missed[entry.name], entry.content.read())

    def _fits(self, size: int) -> bool:
        return size <= min(LARGEST_FILE_BYTES, self._room)

    def _remove(self, path: str, *, kept: Collection[str]) -> None:
        """A path and all below it, but what the layer at hand brings."""
        self.directories.pop(path, None)
        self.links.pop(path, None)
        self.files.pop(path, None)
        self._clear(path, kept=kept)

    def _clear(self, folder: str, *, kept: Collection[str]) -> None:
        """All below a folder."""
        start = f"{folder}/" if folder else ""
        self.directories = _without(self.directories, start, kept)
        self.links = _without(self.links, start, kept)
        self.files = _without(self.files, start, kept)


def _without(known: dict[str, T], start: str, kept: Collection[str]) -> dict[str, T]:
    return {path: value for path, value in known.items() if path in kept or not path.startswith(start)}


def _plain(path: str) -> str:
    """Without ``.`` and ``..``, which do not lead above the root."""
    done: list[str] = []
    for part in path.split("/"):
        if part == "..":
            del done[-1:]
        elif part not in {"", "."}:
            done.append(part)
    return "/".join(done)
