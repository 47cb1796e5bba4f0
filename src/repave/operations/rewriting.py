"""Files of a project that change together: whoever is killed in between leaves word of how they are to be."""

import json
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from fcntl import LOCK_EX, flock
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO

from repave.operations.errors import Refused

JOURNAL = Path(".repave") / "writing.json"
"""From the project's folder: it stands while files are being replaced."""

ANY = "?" * 8
"""What the name of a file ends with that is not moved yet: whoever is killed leaves it beside the one it was for."""


@dataclass(frozen=True, kw_only=True)
class _Change:
    path: Path
    before: str
    """Digest of what is replaced; empty where there is nothing."""

    text: str = field(repr=False)

    @property
    def open(self) -> bool:
        """Whether the file is still what it was."""
        return _digest(self.path) == self.before

    @property
    def done(self) -> bool:
        """Whether the file is what it is to be."""
        return _digest(self.path) == sha256(self.text.encode()).hexdigest()


class Rewriting:
    """Of one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._journal = folder / JOURNAL

    def write(self, files: Mapping[str, str]) -> None:
        """By path from the folder, in this order, each in one move; ``go_on`` finishes what is killed in between."""
        self._journal.parent.mkdir(parents=True, exist_ok=True)
        with self._alone():
            changes = [
                _Change(path=self._folder / path, before=_digest(self._folder / path), text=text)
                for path, text in files.items()
            ]
            replace_file(
                self._journal,
                json.dumps(
                    [
                        {"path": path, "before": one.before, "text": one.text}
                        for path, one in zip(files, changes, strict=True)
                    ]
                ),
            )
            for one in changes:
                replace_file(one.path, one.text)
            self._journal.unlink()

    def go_on(self) -> None:
        """Finish what was begun; what was not begun, or was changed by somebody since, stays as it is.

        Waits for whoever is writing just now. Raises Refused where the journal cannot be read.
        """
        if not self._journal.exists():
            return
        with self._alone():
            if self._journal.exists():
                self._finish()

    def _finish(self) -> None:
        changes = self._begun()
        for stray in (file for one in changes for file in one.path.parent.glob(f".{one.path.name}-{ANY}")):
            stray.unlink()
        left = [one for one in changes if not one.done]
        if len(left) < len(changes) and all(one.open for one in left):
            for one in left:
                replace_file(one.path, one.text)
        self._journal.unlink()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One at a time, by a lock on the journal's folder, which the kernel takes back from the killed."""
        folder = os.open(self._journal.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            flock(folder, LOCK_EX)
            yield
        finally:
            os.close(folder)

    def _begun(self) -> Sequence[_Change]:
        try:
            return [
                _Change(path=self._folder / one["path"], before=one["before"], text=one["text"])
                for one in json.loads(self._journal.read_text(encoding="utf-8"))
            ]
        except (ValueError, KeyError, TypeError) as broken:
            raise Refused(
                f"{self._journal}, which says how a lock was being written, cannot be read",
                hint="delete it; `repave lock` then brings repave.lock and the application's files together",
            ) from broken


def replace_file(path: Path, content: str | bytes) -> None:
    """The old content or the new, never a part."""
    with replacing(path) as file:
        file.write(content.encode() if isinstance(content, str) else content)


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A file beside the old one: flushed, and moved over it, when the block ends; gone when that fails."""
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    beside = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        beside.chmod(path.stat().st_mode & 0o777 if path.exists() else 0o644)
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def _digest(path: Path) -> str:
    return sha256(path.read_bytes()).hexdigest() if path.exists() else ""
