"""The vault on this machine's disk: every locked file, by its sha256."""

import fcntl
import hashlib
import os
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from repave.ports.errors import Corrupt, Gone, Invalid, WorldError
from repave.ports.exports import Exports
from repave.ports.progress import Progress
from repave.ports.vault import Fetch, Found, Sought
from repave.registries.durable import room_wanted

if TYPE_CHECKING:
    from repave.registries.fetching import Opening
    from repave.registries.measuring import Wanted

CHUNK_BYTES = 256 * 1024

SHA256 = re.compile(r"[0-9a-f]{64}")

KEPT_MODE = 0o444
"""What is in the vault is never changed."""


class FileVault:
    """The vault port as a folder: ``sha256/ab/<64 hex digits>``, and ``incoming/`` for what is not verified yet.

    A file appears under its digest by one rename, after it was written, verified and flushed. Safe to use from
    several threads and processes.
    """

    def __init__(
        self, root: Path, *, line: "Opening | None" = None, exports: Callable[[], Exports] | None = None
    ) -> None:
        """``line`` opens the way by which files are fetched, once per request; None for one without logins.

        ``exports`` gives who makes the files that no server holds as they are, when the first file is wanted.
        """
        self._root = root
        self._line = line
        self._exports = exports
        self._kept = root / "sha256"
        self._incoming = root / "incoming"

    def has(self, sha256: str) -> bool:
        """Whether the file is here."""
        return self._place(sha256).is_file()

    def path(self, sha256: str) -> Path:
        """Where the file can be read; never write to it. Raises Gone."""
        place = self._place(sha256)
        if not place.is_file():
            raise Gone(
                f"the file with sha256 {sha256} is not in the vault {self._root}",
                hint="`repave lock` brings in every locked file that is missing",
            )
        return place

    def add(self, source: Path, *, sha256: str | None = None) -> str:
        """Copy a local file in, answer its sha256; see the port. Raises Gone when there is no such file."""
        try:
            with source.open("rb") as content:
                found = hashlib.file_digest(content, "sha256").hexdigest()
                if not self.has(found) and sha256 in {None, found}:
                    content.seek(0)
                    found = self._copy(source.name, content)
        except (FileNotFoundError, IsADirectoryError) as missing:
            if source.is_file():
                raise
            raise Gone(f"{source} cannot be kept: there is no such file") from missing
        if sha256 not in {None, found}:
            raise Corrupt(f"{source} has sha256 {found}, not {sha256}: nothing of it was kept")
        return found

    def take(self, content: BinaryIO, *, sha256: str, size_bytes: int) -> None:
        """Copy the next bytes of a stream in; see the port."""
        with self._writing(sha256) as target:
            hashed, left = hashlib.sha256(), size_bytes
            while chunk := content.read(min(CHUNK_BYTES, left)):
                hashed.update(chunk)
                target.write(chunk)
                left -= len(chunk)
            if left or hashed.hexdigest() != sha256:
                told = f"ends {left} bytes too early" if left else f"has sha256 {hashed.hexdigest()}"
                raise Corrupt(f"what should be the file with sha256 {sha256} {told}: nothing of it was kept")
            self._keep(target, sha256)

    def fetch(self, files: Iterable[Fetch], *, progress: Progress) -> None:
        """Bring in what is not here yet, in parallel, each verified before it is kept; see the port."""
        missing = {file.sha256: file for file in files if not self.has(file.sha256)}
        exports = self._exports() if missing and self._exports is not None else None
        for file in tuple(missing.values()):
            if exports is not None and exports.makes(file.url):
                del missing[file.sha256]
                if not self._had_from_others(file, progress):
                    self._export(file, exports, progress)
        if not missing:
            return
        # Here, and not above: HTTP takes 60 ms to load, and most commands fetch nothing.
        from repave.registries.fetching import fetch_all  # noqa: PLC0415 - see above

        fetch_all(missing.values(), line=self._line, keep=self._bring, progress=progress)

    def seek(self, files: Iterable[Sought], *, progress: Progress) -> tuple[Found, ...]:
        """Bring in files of which no sha256 is known, and answer what each is; see the port."""
        wanted = tuple(files)
        exports = self._exports() if wanted and self._exports is not None else None
        made = {file: self._export(file, exports, progress) for file in wanted if exports and exports.makes(file.url)}
        others = tuple(file for file in wanted if file not in made)
        if others:
            from repave.registries.fetching import fetch_all  # noqa: PLC0415 - as above

            made |= zip(others, fetch_all(others, line=self._line, keep=self._bring, progress=progress), strict=True)
        return tuple(made[file] for file in wanted)

    def verify(self, sha256: str) -> None:
        """Read the file again. Raises Corrupt or Gone."""
        place = self.path(sha256)
        with place.open("rb") as content:
            found = hashlib.file_digest(content, "sha256").hexdigest()
        if found != sha256:
            raise Corrupt(
                f"{place} has sha256 {found}: it was changed after it was kept",
                hint="remove that file and lock again; then look at the disk",
            )

    def entries(self) -> Iterable[tuple[str, int]]:
        """Every file here: sha256 and size in bytes, sorted."""
        for place in sorted(self._kept.glob("??/*")):
            if SHA256.fullmatch(place.name):
                yield place.name, place.stat().st_size

    def remove(self, sha256: str) -> None:
        """Forget a file; what is not here is no error."""
        self._place(sha256).unlink(missing_ok=True)

    def _place(self, sha256: str) -> Path:
        if not SHA256.fullmatch(sha256):
            raise Invalid(f"{sha256!r} is no sha256: 64 hex digits are expected")
        return self._kept / sha256[:2] / sha256

    def _bring(self, file: "Wanted", write: Callable[[BinaryIO], Found]) -> Found:
        with self._writing(file.name) as target:
            found = write(target)
            self._keep(target, found.sha256)
        return found

    def _had_from_others(self, file: Fetch, progress: Progress) -> bool:
        """Whether somebody who shares had the finished file: then nothing need be made of its origin."""
        if self._line is None:
            return False
        from repave.registries.fetching import fetch_all  # noqa: PLC0415 - as above

        try:
            fetch_all([replace(file, url="")], line=self._line, keep=self._bring, progress=progress)
        except WorldError:
            return False
        return True

    def _export(self, file: Fetch | Sought, exports: Exports, progress: Progress) -> Found:
        with progress.task(f"Exporting {file.name}"), self._writing(file.name) as target:
            exports.write(file.url, target)
            target.flush()
            with Path(target.name).open("rb") as content:
                found = hashlib.file_digest(content, "sha256").hexdigest()
            if isinstance(file, Fetch) and found != file.sha256:
                raise Corrupt(
                    f"{file.name} exported from {file.url} has sha256 {found}, not {file.sha256}: nothing was kept",
                    hint="another git writes archives in another way: take the file from a vault that has it "
                    "(`repave vault export`), or lock anew and look at the difference",
                )
            size = target.tell()
            self._keep(target, found)
        return Found(sha256=found, size_bytes=size)

    def _copy(self, name: str, content: BinaryIO) -> str:
        """Under the hash of what was copied: the file may have changed since it was read for its hash."""
        with self._writing(name) as target:
            hashed = hashlib.sha256()
            while chunk := content.read(CHUNK_BYTES):
                hashed.update(chunk)
                target.write(chunk)
            self._keep(target, hashed.hexdigest())
        return hashed.hexdigest()

    def _keep(self, target: BinaryIO, sha256: str) -> None:
        target.flush()
        # Without this a power cut could leave an empty file under a digest that says otherwise.
        os.fsync(target.fileno())
        os.fchmod(target.fileno(), KEPT_MODE)
        place = self._place(sha256)
        place.parent.mkdir(parents=True, exist_ok=True)
        Path(target.name).replace(place)

    @contextmanager
    def _writing(self, name: str) -> Iterator[BinaryIO]:
        """A file in ``incoming`` that is gone after the block unless it was kept."""
        try:
            self._incoming.mkdir(parents=True, exist_ok=True)
            with self._shared_with_writers(), tempfile.NamedTemporaryFile(dir=self._incoming, delete=False) as target:
                try:
                    yield target  # type: ignore[misc] # a named temporary file is a BinaryIO in all but name
                finally:
                    Path(target.name).unlink(missing_ok=True)
        except OSError as cause:
            full = room_wanted(name, self._root, cause)
            if full is None:
                raise
            raise full from cause

    @contextmanager
    def _shared_with_writers(self) -> Iterator[None]:
        """Hold a lock that all writers share; whoever is alone first sweeps out what killed ones left."""
        with (self._root / "writers.lock").open("ab") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                fcntl.flock(lock, fcntl.LOCK_SH)
            else:
                for leftover in self._incoming.iterdir():
                    leftover.unlink(missing_ok=True)
                fcntl.flock(lock, fcntl.LOCK_SH)
            yield
