"""What becomes a layer, filled from several origins: none writes over another, or through its links.

Contents lie one after the other in a single file until the layer is written in the order of its paths: ten thousand
small files on the disk would take longer to make and to remove than all the rest.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Self

from repave.archives.entries import Entry, Kind
from repave.bakers.rootfs.layertar import CHUNK_BYTES, FIRST_TIME, LayerTar, content_time
from repave.bakers.rootfs.skeleton import NEW_DIRECTORY, Skeleton
from repave.ports.errors import Invalid

FORBIDDEN_PARTS = frozenset({"", ".", ".."})


@dataclass(frozen=True, kw_only=True)
class _File:
    """Where a content lies in the heap."""

    start: int
    size: int
    mode: int
    sha256: str
    origin: str


@dataclass(frozen=True, kw_only=True)
class _Link:
    """A symbolic link."""

    target: str
    origin: str


class Writer:
    """Takes the content of one file."""

    def __init__(self, stage: "Stage") -> None:
        self._stage = stage
        self._hash = hashlib.sha256()
        self.size = 0

    def write(self, content: bytes) -> None:
        """Some more."""
        self._hash.update(content)
        self.size += self._stage.append(content)

    @property
    def sha256(self) -> str:
        """Of all that was written."""
        return self._hash.hexdigest()


class Stage:
    """Everything is put at its path in the image; links of the layers below that lead to folders are followed.

    Opened for a block, as the file is that holds the contents.
    """

    def __init__(self, heap: Path, *, below: Skeleton) -> None:
        """``heap`` is a new file."""
        self._heap = heap.open("x+b")
        self.below = below
        self._folders: dict[str, str] = {}
        self._files: dict[str, _File] = {}
        self._links: dict[str, _Link] = {}

    def __enter__(self) -> Self:
        """Open for the block."""
        return self

    def __exit__(self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None) -> None:
        """Close the file."""
        self._heap.close()

    def append(self, content: bytes) -> int:
        """Put content at the end of the heap; used by writers."""
        return self._heap.write(content)

    @contextmanager
    def file(self, path: str, *, mode: int, origin: str) -> Iterator[Writer]:
        """Write a file; ``origin`` is for people: what brings it. Raises Invalid where something is already."""
        place = self._free(path, origin)
        start = self._heap.seek(0, 2)
        writer = Writer(self)
        yield writer
        self._files[place] = _File(start=start, size=writer.size, mode=mode, sha256=writer.sha256, origin=origin)

    def link(self, path: str, target: str, *, origin: str) -> None:
        """A symbolic link. Raises Invalid where something is already."""
        self._links[self._free(path, origin)] = _Link(target=target, origin=origin)

    def copy(self, source: str, path: str, *, origin: str) -> None:
        """A file that is there once more. Raises Invalid where something is already, or ``source`` is no file."""
        known = self._files.get(self._resolved(source))
        if known is None:
            raise Invalid(f"{origin} brings {path} as a second name of {source}, which is no file", hint="leave it out")
        self._files[self._free(path, origin)] = replace(known, origin=origin)

    def folder(self, path: str, *, origin: str) -> str:
        """A folder, with those above it, and its path in the layer. Raises Invalid where something else is."""
        place = self.below.resolve("/".join(_parts(path, origin)))
        step = place
        while step and step not in self._folders:
            other = self._origin(step)
            if other:
                raise _clash(step, other, origin)
            self._folders[step] = origin
            step = step.rpartition("/")[0]
        return place

    def size(self, path: str) -> int | None:
        """Of the file at a path; None where there is none."""
        file = self._files.get(self._resolved(path))
        return file.size if file else None

    def read(self, path: str) -> bytes:
        """The content of a file that is there."""
        file = self._files[self._resolved(path)]
        self._heap.seek(file.start)
        return self._heap.read(file.size)

    def below_folder(self, path: str) -> Iterator[str]:
        """The files below a folder, by their paths from it, sorted."""
        prefix = f"{self._resolved(path)}/"
        return (place.removeprefix(prefix) for place in sorted(self._files) if place.startswith(prefix))

    def has(self, path: str) -> bool:
        """Whether a file or link is there already."""
        return bool(self._origin(self._resolved(path)))

    def permit(self, path: str) -> None:
        """Make a program of a file that is there."""
        place = self._resolved(path)
        self._files[place] = replace(self._files[place], mode=0o755)

    def remove(self, path: str) -> None:
        """Take a file out again."""
        del self._files[self._resolved(path)]

    def write(self, layer: LayerTar) -> None:
        """All of it, owned by root; folders that the layers below have keep their rights, files have their own time."""
        for place in sorted([*self._folders, *self._files, *self._links], key=_order):
            if place in self._folders:
                layer.directory(place, owner=self.below.directory(place), time=FIRST_TIME)
            elif place in self._links:
                layer.link(place, self._links[place].target, time=FIRST_TIME)
            else:
                file = self._files[place]
                self._heap.seek(file.start)
                time = content_time(file.sha256)
                layer.file(place, self._heap, size=file.size, owner=(file.mode, 0, 0), time=time)

    def skeleton(self) -> Skeleton:
        """That of the layers below, with what is here on top."""
        grown = replace(
            self.below,
            directories=dict.fromkeys(self._folders, NEW_DIRECTORY) | self.below.directories,
            links=self.below.links | {place: link.target for place, link in self._links.items()},
        )
        return grown.pruned()

    def _free(self, path: str, origin: str) -> str:
        *above, name = _parts(path, origin) or [""]
        folder = self.folder("/".join(above), origin=origin) if above else ""
        place = f"{folder}/{name}" if folder else name
        if not place or place in self.below.directories or place in self.below.links or place in self._folders:
            raise Invalid(
                f"{origin} is to be /{place}, which is a folder in the image", hint="choose another target for it"
            )
        other = self._origin(place)
        if other:
            raise _clash(place, other, origin)
        return place

    def _origin(self, place: str) -> str:
        """Who brings a file or link; nobody is empty."""
        found = self._files.get(place) or self._links.get(place)
        return found.origin if found else ""

    def _resolved(self, path: str) -> str:
        above, slash, name = path.strip("/").rpartition("/")
        return f"{self.below.resolve(above)}{slash}{name}".lstrip("/")


def put(entry: Entry, path: str, stage: Stage, origin: str) -> None:
    """An archive's entry at its path in the image: its content, whether it is a program, and nothing else of it."""
    match entry.kind:
        case Kind.FOLDER:
            stage.folder(path, origin=origin)
        case Kind.SYMLINK:
            stage.link(path, entry.link, origin=origin)
        case Kind.FILE:
            with stage.file(path, mode=0o755 if entry.mode & 0o100 else 0o644, origin=origin) as target:
                while chunk := entry.content.read(CHUNK_BYTES):
                    target.write(chunk)
        case Kind.HARDLINK | Kind.SPECIAL:
            raise Invalid(f"{origin} brings {path} as a {entry.kind.value}", hint="only files and links are laid out")


def _order(place: str) -> list[bytes]:
    """Folders before what is in them, names in the order of their bytes: no locale has a say."""
    return place.encode("utf-8", "surrogateescape").split(b"/")


def _parts(path: str, origin: str) -> list[str]:
    parts = path.strip("/").split("/")
    if path.strip("/") and FORBIDDEN_PARTS.intersection(parts):
        raise Invalid(f"{origin} would go to {path!r}, which is no plain path", hint="choose another target for it")
    return parts if path.strip("/") else []


def _clash(place: str, one: str, other: str) -> Invalid:
    what = f"{one} and {other} both bring" if one != other else f"{one} brings twice"
    return Invalid(f"{what} /{place}", hint="give one of them another target")
