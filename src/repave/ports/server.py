"""A server that somebody made by hand, as far as its files and processes can be read. Nothing is ever written to it."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from repave.ports.progress import Progress

PLAIN = re.compile(r"(?:/(?!\.{0,2}(?:/|\Z))[^/\0]+)+")
"""Names only: no part is empty, ``.`` or ``..``."""


def is_plain(path: str) -> bool:
    """Whether a path is one of a listing: absolute, and from folder to folder downwards."""
    return PLAIN.fullmatch(path) is not None


class Kind(StrEnum):
    """What stands at a path."""

    FILE = "file"
    FOLDER = "folder"
    LINK = "link"
    OTHER = "other"
    """A device, pipe or socket."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """One path of the server, links not followed."""

    path: str
    """Absolute, from the server's own root; ``is_plain``, whatever the server says."""

    kind: Kind
    size_bytes: int
    mode: int
    """The permission bits, with set-uid, set-gid and sticky."""

    user: int
    link: str = ""
    """Where a symbolic link leads, as it stands."""


@dataclass(frozen=True, kw_only=True)
class Tree:
    """Everything on the server's own disks."""

    standing: tuple[Standing, ...]
    unseen: tuple[str, ...] = ()
    """Folders that could not be listed: what is in them is not known."""


@dataclass(frozen=True, kw_only=True)
class Listener:
    """One TCP port on which something waits."""

    port: int
    address: str
    program: str = ""
    """Path of the program; empty where we may not see it."""

    arguments: tuple[str, ...] = ()
    unit: str = ""
    """The systemd unit that its process belongs to; empty where it is not known."""


@dataclass(frozen=True, kw_only=True)
class Heard:
    """The ports on which something waits."""

    listeners: tuple[Listener, ...] = ()
    unseen: tuple[str, ...] = ()
    """What could not be seen of them, a sentence each."""


class Server(Protocol):
    """Reads; every method may be called again and changes nothing.

    Raises Unreachable, Denied; Corrupt for answers that no server gives: what it says is a stranger's word.
    """

    @property
    def name(self) -> str:
        """How messages call it: a folder, ``this machine``, or whom SSH was told to reach."""
        ...

    def tree(self, progress: Progress) -> Tree:
        """All that stands on its disks, without what the kernel shows, ``/run`` and what is temporary."""
        ...

    def contents(self, paths: Iterable[str]) -> Mapping[str, bytes]:
        """What these regular files hold, and no others; one that is gone, or may not be read, is absent."""
        ...

    def md5(self, paths: Iterable[str]) -> Mapping[str, str]:
        """The MD5 of these regular files in hex, as dpkg keeps it; absent as with ``contents``."""
        ...

    def heard(self) -> Heard:
        """The ports on which something waits now."""
        ...
