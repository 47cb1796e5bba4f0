"""Folders and zips of OSV records, a JSON file each."""

import hashlib
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import NoReturn, Protocol

from repave.advisories.copies import KeptCopy, state_of
from repave.advisories.osv.index import Unreadable
from repave.advisories.osv.records import LARGEST_RECORD_BYTES, Record, read_record
from repave.archives.rules import GIB, TREE
from repave.archives.zips import opened_zip
from repave.ports.clock import Clock
from repave.ports.errors import Corrupt, Gone
from repave.ports.progress import Progress
from repave.ports.web import Web

MOST_RECORDS = 2_000_000
"""All of OSV has some hundred thousand."""

LARGEST_ZIP_BYTES = 4 * GIB
"""Several times what all of OSV is in 2026."""

COPY = "all.zip"

ZIP_RULES = replace(TREE, entries=MOST_RECORDS, file_bytes=LARGEST_RECORD_BYTES, total_bytes=16 * GIB)
"""Unpacked, all of OSV is far below that, a zip bomb far above."""


class RecordSource(Protocol):
    """Where all records of one source are read, each time from the beginning."""

    name: str

    def state(self, progress: Progress) -> str:
        """What changes whenever the content does; asked at every scan, so quick. Raises WorldError."""
        ...

    def records(self, progress: Progress) -> Iterator[Record | Unreadable]:
        """Every record. Raises WorldError when it breaks half-way."""
        ...


class OsvFolder:
    """A folder of records, in subfolders too."""

    def __init__(self, folder: Path, *, name: str) -> None:
        self._folder = folder
        self.name = name

    def state(self, progress: Progress) -> str:
        """Of every file: name, size, and when it was changed, which no tool can set back."""
        del progress
        files = (f"{path}\0{stat.st_size}\0{stat.st_ctime_ns}" for path, stat in self._files())
        return hashlib.sha256("\n".join(files).encode(errors="surrogateescape")).hexdigest()

    def records(self, progress: Progress) -> Iterator[Record | Unreadable]:
        """In the order of their paths."""
        files = self._files()
        with progress.task(f"Reading {self.name}", total=len(files), unit="records") as task:
            for path, _ in files:
                try:
                    with (self._folder / path).open("rb") as file:
                        content = file.read(LARGEST_RECORD_BYTES + 1)
                except OSError as gone:
                    raise Gone(f"{self._folder / path} cannot be read: {gone.strerror}") from gone
                yield _record(content, path)
                task.advance()

    def _files(self) -> list[tuple[str, os.stat_result]]:
        """Every record's path below the folder, in one order, as quickly as 50,000 files can be looked at."""
        if not self._folder.is_dir():
            raise Gone(f"there is no folder {self._folder}", hint="`advisories.sources` in repave.yaml names it")
        try:
            files = list(_walk(self._folder))
        except OSError as gone:
            raise Gone(f"{self._folder} cannot be read: {gone.filename}: {gone.strerror}") from gone
        if not files:
            raise Gone(f"there are no records (`*.json`) in {self._folder}")
        if len(files) > MOST_RECORDS:
            raise Corrupt(f"{self._folder} holds more than {MOST_RECORDS} files")
        return files


def _walk(top: Path) -> Iterator[tuple[str, os.stat_result]]:
    for folder, folders, names, descriptor in os.fwalk(top, onerror=_raise):
        folders.sort()
        below = os.path.relpath(folder, top)
        prefix = "" if below == os.curdir else f"{below}/"
        for name in sorted(names):
            if name.endswith(".json"):
                yield prefix + name, os.stat(name, dir_fd=descriptor)


def _raise(error: OSError) -> NoReturn:
    """A folder that cannot be read is no empty one."""
    raise error


class OsvZip:
    """A zip of records, as OSV exports them."""

    def __init__(self, path: Path, *, name: str) -> None:
        self._path = path
        self.name = name

    def state(self, progress: Progress) -> str:
        """Of the zip as a file."""
        del progress
        return state_of(self._path)

    def records(self, progress: Progress) -> Iterator[Record | Unreadable]:
        """In the order of the zip. Raises Corrupt for a damaged or endless one."""
        try:
            with opened_zip(self._path, name=str(self._path), rules=ZIP_RULES) as archive:
                members = [one for one in archive.infolist() if one.filename.endswith(".json")]
                if not members:
                    raise Corrupt(f"{self._path} holds no records (`*.json`)")
                with progress.task(f"Reading {self.name}", total=len(members), unit="records") as task:
                    for member in members:
                        yield _record(archive.read(member), member.filename)
                        task.advance()
        except OSError as gone:
            raise Gone(f"{self._path} cannot be read: {gone.strerror}") from gone


class OsvAddress:
    """Such a zip at an address."""

    def __init__(self, address: str, *, web: Web, folder: Path, clock: Clock) -> None:
        """``folder`` is the copy's own."""
        self.name = f"OSV zip {address}"
        self._copy = KeptCopy(address, path=folder / COPY, web=web, clock=clock)

    def state(self, progress: Progress) -> str:
        """Of the newest."""
        return self._copy.refreshed(self.name, most_bytes=LARGEST_ZIP_BYTES, progress=progress)

    def records(self, progress: Progress) -> Iterator[Record | Unreadable]:
        """All of the copy."""
        try:
            yield from OsvZip(self._copy.path, name=self.name).records(progress)
        except Corrupt:
            self._copy.forget()
            raise


def _record(content: bytes, name: str) -> Record | Unreadable:
    try:
        return read_record(content, name=name)
    except Corrupt as broken:
        return Unreadable(problem=broken.message)
