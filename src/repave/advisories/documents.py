"""One document that says something about many flaws: read whole from the disk, or brought from an address."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from repave.ports.errors import Corrupt, Gone

LARGEST_DOCUMENT_BYTES = 64 * 1024 * 1024
"""The scores of all CVEs have some 10 MiB, unpacked."""


@dataclass(frozen=True, kw_only=True)
class Copy:
    """The content of a document, as it was last had."""

    content: bytes
    trouble: str = ""
    """Why it could not be had anew; empty when it was."""


class Document(Protocol):
    """Where one document is read."""

    name: str

    def read(self) -> Copy:
        """Its content. Raises WorldError when there is none."""
        ...


class FileDocument:
    """A file on this machine."""

    def __init__(self, path: Path, *, name: str) -> None:
        self._path = path
        self.name = name

    def read(self) -> Copy:
        """The whole file. Raises Gone, Corrupt."""
        try:
            with self._path.open("rb") as file:
                content = file.read(LARGEST_DOCUMENT_BYTES + 1)
        except OSError as gone:
            raise Gone(f"{self._path} cannot be read: {gone.strerror}") from gone
        if len(content) > LARGEST_DOCUMENT_BYTES:
            raise Corrupt(f"{self._path} is larger than {LARGEST_DOCUMENT_BYTES} bytes")
        return Copy(content=content)
