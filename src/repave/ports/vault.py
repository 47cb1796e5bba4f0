"""Locked files, by content."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from repave.ports.progress import Progress


@dataclass(frozen=True, kw_only=True)
class Fetch:
    """One file to be had from ``url``, known beforehand by its hash."""

    url: str
    """Empty for what has no address of its own: only shared vaults can have it."""

    sha256: str
    size_bytes: int
    name: str
    """For people: what it is."""


@dataclass(frozen=True, kw_only=True)
class Sought:
    """One file to be had from ``url`` before any lock says what it is."""

    url: str
    name: str
    """For people: what it is."""

    largest_bytes: int
    """What is longer is not taken."""

    hashes: tuple[tuple[str, str], ...] = ()
    """What is known of it beforehand: algorithms by ``hashlib``'s names, and hex digits. All must hold."""


@dataclass(frozen=True, kw_only=True)
class Found:
    """A file that was sought and is kept."""

    sha256: str
    size_bytes: int


class Vault(Protocol):
    """Keeps every locked file by its sha256. What is in it has been verified, and is never changed."""

    def has(self, sha256: str) -> bool:
        """Whether the file is here."""
        ...

    def path(self, sha256: str) -> Path:
        """Where the file can be read; never write to it. Raises Gone."""
        ...

    def add(self, source: Path, *, sha256: str | None = None) -> str:
        """Copy a local file in, answer its sha256. The same content again changes nothing.

        Raises Corrupt when ``sha256`` is given and differs: nothing is kept.
        """
        ...

    def take(self, content: BinaryIO, *, sha256: str, size_bytes: int) -> None:
        """Copy the next ``size_bytes`` of a stream in. Raises Corrupt when they are not that file: nothing is kept."""
        ...

    def fetch(self, files: Iterable[Fetch], *, progress: Progress) -> None:
        """Bring in what is not here yet, in parallel, each verified before it is kept.

        May be called again after any failure. Raises Corrupt (hash or size differs, named), Gone (the origin no
        longer has it), Unreachable.
        """
        ...

    def seek(self, files: Iterable[Sought], *, progress: Progress) -> tuple[Found, ...]:
        """Bring in files of which no sha256 is known, in parallel, and answer what each is, in the order given.

        What is known of a file is verified before it is kept. May be called again after any failure. Raises Corrupt
        (a hash differs, or it is too long; named), Gone, Invalid (it could be cut short and nobody would notice),
        Unreachable.
        """
        ...

    def verify(self, sha256: str) -> None:
        """Read the file again. Raises Corrupt or Gone."""
        ...

    def entries(self) -> Iterable[tuple[str, int]]:
        """Every file here: sha256 and size in bytes."""
        ...

    def remove(self, sha256: str) -> None:
        """Forget a file; what is not here is no error."""
        ...
