"""From a lock to an artifact, one adapter per kind."""

from dataclasses import dataclass
from typing import Protocol

from repave.model.artifact import Artifact
from repave.model.lock import LockedFile, LockedPackage
from repave.model.recipe import Image, ImageKind
from repave.ports.caches import Cache
from repave.ports.progress import Progress
from repave.ports.provider import Proven
from repave.ports.registry import Registry


@dataclass(frozen=True, kw_only=True)
class BakeRequest:
    """One image and everything that goes into it; all of it is in the vault."""

    image: Image
    packages: tuple[LockedPackage, ...]
    files: tuple[LockedFile, ...]


class Baker(Cache, Protocol):
    """Makes artifacts of one kind, from the vault into the registry, with no network and no daemon.

    Its cache is what it unpacked; which layer came of which inputs it remembers all the same.
    """

    @property
    def kind(self) -> ImageKind:
        """What it makes."""
        ...

    def describe(self) -> tuple[Proven, ...]:
        """What it needs and can make here, tried just now. Raises nothing for what does not work."""
        ...

    def bake(self, request: BakeRequest, *, progress: Progress) -> Artifact:
        """Make the artifact, or find it made: the same request gives the same digest, on any day.

        Layers are cached by the digest of their inputs. Killed at any point, it leaves nothing half-made that a later
        call would take for whole. Raises Gone (a locked file is not in the vault), Corrupt, Invalid, CommandFailed.
        """
        ...

    def rebake(self, request: BakeRequest, *, registry: Registry, progress: Progress) -> Artifact:
        """Make the artifact again into ``registry``, from nothing but the request and the vault.

        No layer, tree or package that an earlier bake left is used, and nothing is left for a later one. Raises as
        ``bake`` does.
        """
        ...
