"""Where one bake at a time makes an image: what it needs of this machine, what it leaves, how it fails."""

import errno
import os
import platform
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace

from repave.bakers.rootfs.cache import BakeCache
from repave.bakers.rootfs.chamber import Chamber
from repave.bakers.rootfs.foreign import MACHINES
from repave.bakers.rootfs.layering import Layering, debs_of
from repave.bakers.rootfs.stack import TreesLost
from repave.model.artifact import ARCHITECTURES, Artifact
from repave.model.lock import Ecosystem, Layer
from repave.model.names import ImageName
from repave.ports.baker import BakeRequest
from repave.ports.errors import Invalid, NoCapacity, WorldError
from repave.ports.provider import Proven
from repave.ports.registry import Registry
from repave.ports.surroundings import Surroundings
from repave.scratch.cached import bytes_below

HERE = ARCHITECTURES.get(platform.machine(), platform.machine())
EMULATION = "qemu-user-static"
"""Debian's package of emulators, which are registered fixed when it is installed."""

ROOTFS = "repave.bakers.rootfs.inside"
"""The program that makes layers."""

Make = Callable[[], Artifact]

FULL_DISK = (errno.ENOSPC, errno.EDQUOT)


class Workroom:
    """The folder of one baker, and the means to make layers in it."""

    def __init__(self, surroundings: Surroundings, *, program: str = ROOTFS) -> None:
        """``program`` is the module that does the jobs in the chamber."""
        self.surroundings = surroundings
        self._folder = surroundings.folder.absolute()
        self.cache = BakeCache(folder=self._folder, registry=surroundings.registry)
        self.chamber = Chamber(commands=surroundings.commands, folder=self._folder, program=program)
        self.layering = Layering(
            vault=surroundings.vault, registry=surroundings.registry, cache=self.cache, chamber=self.chamber
        )

    def describe(self) -> tuple[Proven, ...]:
        """Whether layers of packages can be made here, and for which processors; see the port."""
        try:
            with self.cache.locked():
                runs = {architecture: self._runs(architecture) for architecture in sorted({HERE, *MACHINES})}
        except (WorldError, OSError) as error:
            hint = error.hint if isinstance(error, WorldError) else ""
            return (Proven(name="packages are installed", works=False, detail=str(error), hint=hint),)
        able = ", ".join(name for name, works in runs.items() if works)
        unable = "".join(f"; not for {name}, which {EMULATION} would run" for name, works in runs.items() if not works)
        return (Proven(name="packages are installed", works=runs[HERE], detail=f"for {able}{unable}"),)

    def cached_bytes(self) -> int:
        """Of trees and packages that bakes have unpacked."""
        return bytes_below(self.cache.unpacked)

    def clear_cache(self) -> None:
        """Remove them; the next bake that needs one unpacks it again."""
        if self.cache.unpacked.exists():
            with self.cache.locked():
                self.chamber.remove([self.cache.unpacked])

    @contextmanager
    def entered(self, request: BakeRequest) -> Iterator[None]:
        """The block bakes, as the only one in this folder; what the disk answers comes as the port's errors.

        Raises Invalid for what cannot be baked here, before any work is done.
        """
        _check(request)
        with self._told(request.image.name), self.cache.locked():
            self._check_processor(request)
            yield

    def make(self, make: Make) -> Artifact:
        """What ``make`` makes; once more, when layers it stands on are no longer unpacked. What was left is swept.

        A bake that found no room also gives back what the vault has in a smaller form.
        """
        self.chamber.remove(self.cache.leftovers())
        try:
            artifact = self._made(make)
        except BaseException as error:
            given_back = [self.cache.packages] if _without_room(error) else []
            # The error at hand matters more than a sweep that fails: the next bake sweeps again.
            with suppress(WorldError):
                self.chamber.remove([*self.cache.leftovers(), *given_back])
            raise
        if not all(layer.cached for layer in artifact.layers):
            self.cache.trim()
            self.chamber.remove(self.cache.leftovers())
        return artifact

    @contextmanager
    def emptied(self, request: BakeRequest, registry: Registry) -> Iterator[Surroundings]:
        """Surroundings for a bake of the same from nothing, which are gone after it."""
        with self._told(request.image.name), self.cache.locked():
            work = self.cache.new_work()
            # A folder of its own is a cache of its own, and its bake leaves the lock that this one holds alone.
            try:
                yield replace(self.surroundings, folder=work / "again", registry=registry)
            finally:
                self.chamber.remove([work])

    def _made(self, make: Make) -> Artifact:
        try:
            return make()
        except TreesLost as error:
            for record in error.lost:
                self.cache.forget(record.inputs)
            return make()

    @contextmanager
    def _told(self, name: ImageName) -> Iterator[None]:
        """What the disk answers in the block, as the port's errors."""
        try:
            yield
        except OSError as error:
            if _without_room(error):
                raise NoCapacity(
                    f"cannot bake image {name}: no room left on the disk of {self._folder}",
                    hint="free some, or run `repave gc`; nothing half was kept",
                ) from error
            raise WorldError(f"cannot bake image {name} in {self._folder}: {error}") from error

    def _check_processor(self, request: BakeRequest) -> None:
        """Refuse packages whose own scripts cannot run here; what is only laid out needs no processor."""
        image, architecture = request.image, request.image.base.architecture
        debian = any(package.ecosystem is Ecosystem.DEB for package in request.packages)
        if debian and architecture != HERE and not self._runs(architecture):
            raise Invalid(
                f"image {image.name} is for {architecture}, and this machine ({HERE}) does not run its programs: its "
                "packages' own scripts must run while it is baked",
                hint=f"bake it on such a machine, or install {EMULATION} and try `repave doctor`; over an image of a "
                "registry (`base: {image: ...}`) nothing must run",
            )

    def _runs(self, architecture: str) -> bool:
        """Whether programs for it run in a root filesystem here, by themselves or emulated."""
        work = self.cache.new_work()
        try:
            return bool(
                self.chamber.run({"kind": "runs", "architecture": architecture, "work": os.fspath(work)})["runs"]
            )
        finally:
            self.chamber.remove([work])


def _without_room(error: BaseException) -> bool:
    """Whether it says that the disk, or our share of it, is full."""
    return isinstance(error, NoCapacity) or (isinstance(error, OSError) and error.errno in FULL_DISK)


def _check(request: BakeRequest) -> None:
    """Refuse what cannot be baked here before any work is done."""
    image = request.image
    if image.base.image and not any(package.ecosystem is Ecosystem.OCI for package in request.packages):
        raise Invalid(f"the base of image {image.name} is not locked", hint="lock it again")
    if debs_of(request, Layer.PLATFORM) and not debs_of(request, Layer.BASE):
        raise Invalid(f"image {image.name} has packages, but no base below them", hint="lock it again")
