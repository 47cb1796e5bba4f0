"""A folder that becomes a layer, filled from several origins: none writes over another, or through its links."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from repave.archives.entries import Entry, Kind
from repave.bakers.container.layertar import CHUNK_BYTES
from repave.bakers.container.skeleton import NEW_DIRECTORY, Skeleton
from repave.ports.errors import Invalid

WRITING = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
FORBIDDEN_PARTS = frozenset({"", ".", ".."})


@dataclass(frozen=True, kw_only=True)
class _Link:
    """A symbolic link that is made when all else is there."""

    target: str
    origin: str


class Stage:
    """Everything is put at its path in the image; links of the layers below that lead to folders are followed."""

    def __init__(self, root: Path, *, below: Skeleton) -> None:
        """``root`` is a new folder."""
        self.root = root
        self.below = below
        self._folders: dict[str, str] = {}
        self._files: dict[str, str] = {}
        self._links: dict[str, _Link] = {}

    @contextmanager
    def file(self, path: str, *, mode: int, origin: str) -> Iterator[BinaryIO]:
        """Write a file; ``origin`` is for people: what brings it. Raises Invalid where something is already."""
        place = self._free(path, origin)
        self._files[place] = origin
        with os.fdopen(os.open(self.root / place, WRITING, mode), "wb") as target:
            os.fchmod(target.fileno(), mode)
            yield target

    def link(self, path: str, target: str, *, origin: str) -> None:
        """A symbolic link, made at the end. Raises Invalid where something is already."""
        self._links[self._free(path, origin)] = _Link(target=target, origin=origin)

    def folder(self, path: str, *, origin: str) -> str:
        """A folder, with those above it, and its path in the layer. Raises Invalid where something else is."""
        place = self.below.resolve("/".join(_parts(path, origin)))
        parts = place.split("/") if place else []
        for count in range(1, len(parts) + 1):
            step = "/".join(parts[:count])
            if step in self._folders:
                continue
            other = self._files.get(step) or (self._links[step].origin if step in self._links else "")
            if other:
                raise _clash(step, other, origin)
            self._folders[step] = origin
            (self.root / step).mkdir()
        return place

    def finish(self) -> Skeleton:
        """Make the links, and answer the skeleton of the layers below with what is here on top."""
        for place, link in sorted(self._links.items()):
            (self.root / place).symlink_to(link.target)
        grown = replace(
            self.below,
            directories=dict.fromkeys(self._folders, NEW_DIRECTORY) | self.below.directories,
            links=self.below.links | {place: link.target for place, link in self._links.items()},
        )
        return grown.pruned()

    def _free(self, path: str, origin: str) -> str:
        *above, name = _parts(path, origin)
        folder = self.folder("/".join(above), origin=origin) if above else ""
        place = f"{folder}/{name}" if folder else name
        if place in self.below.directories or place in self.below.links or place in self._folders:
            raise Invalid(
                f"{origin} is to be /{place}, which is a folder in the image", hint="choose another target for it"
            )
        other = self._files.get(place) or (self._links[place].origin if place in self._links else "")
        if other:
            raise _clash(place, other, origin)
        return place


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


def _parts(path: str, origin: str) -> list[str]:
    parts = path.strip("/").split("/")
    if path.strip("/") and FORBIDDEN_PARTS.intersection(parts):
        raise Invalid(f"{origin} would go to {path!r}, which is no plain path", hint="choose another target for it")
    return parts if path.strip("/") else []


def _clash(place: str, one: str, other: str) -> Invalid:
    what = f"{one} and {other} both bring" if one != other else f"{one} brings twice"
    return Invalid(f"{what} /{place}", hint="give one of them another target")
