"""From what an image declares to what is pinned, one adapter per ecosystem."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from repave.model.lock import Ecosystem, Lock, LockedFile, LockedPackage
from repave.model.names import ImageName
from repave.model.recipe import Image
from repave.ports.progress import Progress


class Refresh(StrEnum):
    """How far a new lock may move from the old one."""

    KEEP = "keep"
    """Only what the recipe newly asks for; every other pin stays."""

    UPGRADE = "upgrade"
    """Everything to the newest that the recipe admits."""

    NAMED = "named"
    """Only the packages named, and what they force along."""

    SECURITY = "security"
    """Only what the distribution's security suite repairs, and what that forces along; an image without one is
    refused."""

    REPAIRS = "repairs"
    """What the security suite repairs, where an image draws from one; the repairs that are asked for; and what those
    force along."""


@dataclass(frozen=True, kw_only=True)
class Repair:
    """A package that is to move as far as its flaws are repaired."""

    ecosystem: Ecosystem
    name: str
    versions: tuple[str, ...]
    """The highest first: from each on some of its flaws are repaired. At least one; none of a base image, which moves
    to what its tag names now."""

    images: tuple[ImageName, ...]
    """Those in which it is to move, sorted."""

    locked: str = ""
    """npm: the version that is to move, for several may lie beside each other."""


@dataclass(frozen=True, kw_only=True)
class Held:
    """A repair that could not be taken."""

    name: str
    version: str
    """The one that could not be had; empty of a base image."""

    why: str
    """The range that holds it, in a sentence without its end."""

    locked: str = ""
    """npm: the version that stays."""

    recipe: tuple[str | int, ...] = ()
    """Where the range stands in ``repave.yaml``, keys and places in lists from the top; empty where it is elsewhere."""

    place: str = ""
    """Where it stands, as ``FILE:LINE:COLUMN``; empty where it is in no file of the project."""

    remedy: str = ""
    """What a person can do about it."""


@dataclass(frozen=True, kw_only=True)
class Rewritten:
    """A file of the application that is to have other content."""

    path: str
    """From the project's folder, with forward slashes."""

    content: bytes


@dataclass(frozen=True, kw_only=True)
class PinRequest:
    """One image to be pinned."""

    image: Image
    folder: Path
    """The project's folder: file mappings are relative to it."""

    previous: Lock
    """Empty when there is none."""

    refresh: Refresh
    named: tuple[str, ...] = ()
    """For ``Refresh.NAMED``."""

    repairs: tuple[Repair, ...] = ()
    """For ``Refresh.REPAIRS``, those of this image; what hurries stands first."""

    rewritten: tuple[Rewritten, ...] = ()
    """Files of the project that are read as if they had that content already."""

    pinned: tuple[LockedPackage, ...] = ()
    """What earlier pinners pinned for this image (the Debian pinner runs first)."""


@dataclass(frozen=True, kw_only=True)
class Pins:
    """What one pinner pinned for one image; ``images`` of each names just that image."""

    packages: tuple[LockedPackage, ...] = ()
    files: tuple[LockedFile, ...] = ()
    remarks: tuple[str, ...] = ()
    """What a person should know of it, a sentence each."""

    held: tuple[Held, ...] = ()
    """Repairs that were asked for and that the recipe's ranges do not admit: no failure, the others are taken."""


class Pinner(Protocol):
    """Resolves one ecosystem. Reads the network's indexes, verified; writes nothing but caches and the vault."""

    def pin(self, request: PinRequest, *, progress: Progress) -> Pins:
        """The exact closure.

        With the same request and unchanged indexes the answer is the same. Nothing of the host's own package
        configuration or state is used or touched. May be called again after any failure.

        Raises Invalid (a name or range that cannot be met, named), Corrupt (a signature or hash that does not hold),
        Unreachable (an index that cannot be read).
        """
        ...


@dataclass(frozen=True, kw_only=True)
class Mended:
    """What became of repairs of one image."""

    rewritten: tuple[Rewritten, ...] = ()
    held: tuple[Held, ...] = ()


class Foreign(Protocol):
    """Follows a lock of the project's own, which another tool writes."""

    def differs(self, request: PinRequest) -> tuple[str, ...]:
        """What that lock says of the image and ``request.previous`` does not, a sentence each; asks no network.

        Raises Invalid when it cannot be followed.
        """
        ...

    def mend(self, request: PinRequest, *, progress: Progress) -> Mended:
        """That lock with the repairs in ``request.repairs`` that its ranges admit, and what holds the others.

        Writes nothing. With the same request and an unchanged registry the answer is the same. Raises Invalid when the
        lock cannot be followed, and what the web port raises.
        """
        ...
