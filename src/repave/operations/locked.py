"""The lock that is there, and what differs from it by now: read from the folder alone, without what would pin anew."""

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from repave.archives.closure import unmet
from repave.archives.own_words import contradiction, control_of
from repave.config.lockfile import FILENAME, read_lock
from repave.config.recipes import drift
from repave.model.lock import Ecosystem, Lock
from repave.model.project import Project
from repave.model.recipe import LEFT_OUT, NODE_MODULES, Image
from repave.operations.errors import Refused
from repave.ports.pinner import Foreign, Pinner, PinRequest, Refresh
from repave.ports.progress import Silent
from repave.ports.vault import Vault


class Locked:
    """The lock of one project, as it lies in its folder."""

    def __init__(
        self, *, project: Project, folder: Path, files: Pinner, foreign: Callable[[], Iterable[Foreign]] = tuple
    ) -> None:
        """``files`` pins the application's files; ``foreign`` are those that follow other tools' locks among them."""
        self._project = project
        self._folder = folder
        self._files = files
        self._foreign = foreign
        self.path = folder / FILENAME

    def present(self) -> Lock | None:
        """The lock in the folder; None when there is none. Raises FileError."""
        return read_lock(self.path) if self.path.exists() else None

    def matching(self) -> Lock:
        """The lock, which fits recipes and files. Raises Refused when it does not."""
        lock = self.present()
        if lock is None:
            raise Refused(f"there is no {self.path.name} in {self._folder}", hint="`repave lock` makes it")
        differs = self.drift(lock)
        if differs:
            raise Refused(f"{self.path.name} does not match: {'; '.join(differs)}", hint="`repave lock` brings it up")
        return lock

    def drift(self, lock: Lock) -> tuple[str, ...]:
        """What recipes and files say and the lock does not match, a sentence each; asks no network."""
        return (*drift(self._project, lock), *self.file_drift(lock))

    def file_drift(self, lock: Lock) -> tuple[str, ...]:
        """As far as the application's files go, and the locks that other tools keep among them."""
        images = (self._project.images[image.name] for image in lock.images if image.name in self._project.images)
        return tuple(
            sentence
            for image in images
            for sentence in (*self._changed_files(image, lock), *self._differing(image, lock))
        )

    def edited(self, lock: Lock) -> tuple[str, ...]:
        """As ``file_drift``, at the price of a look at each file: none is read where all are older than the lock.

        Raises as the pinner of files does, OSError.
        """
        locked_at = self.path.stat().st_mtime_ns
        mappings = {mapping for image in self._project.images.values() for mapping in image.files}
        places = (place for mapping in mappings for place in _below(self._folder / mapping.source))
        return self.file_drift(lock) if any(place.stat().st_mtime_ns > locked_at for place in places) else ()

    def contradicted(self, lock: Lock, vault: Vault) -> tuple[str, ...]:
        """Where packages that the vault has say they are others than the lock says, a sentence each; asks no network.

        Raises Corrupt.
        """
        here = (package for package in lock.packages if vault.has(package.sha256))
        return tuple(told for package in here if (told := contradiction(package, vault)))

    def gaps(self, lock: Lock, vault: Vault) -> tuple[str, ...]:
        """What Debian packages of an image need and none of them is, a sentence each; asks no network.

        Only where the vault has them all. Essential packages are needed by all and named by none: they are not missed.
        Raises Corrupt.
        """
        debian = [package for package in lock.packages if package.ecosystem is Ecosystem.DEB]
        controls = {one.sha256: control_of(one, vault) for one in debian if vault.has(one.sha256)}
        found: list[str] = []
        for image in lock.images:
            own = [package for package in debian if image.name in package.images]
            if all(package.sha256 in controls for package in own):
                missed = unmet({package.name: controls[package.sha256] for package in own})
                found.extend(
                    f"image {image.name}: {name} needs `{' | '.join(of)}`, which is not locked"
                    for of, name in sorted(missed.items())
                )
        return tuple(found)

    def _differing(self, image: Image, lock: Lock) -> Iterator[str]:
        request = PinRequest(image=image, folder=self._folder, previous=lock, refresh=Refresh.KEEP)
        return (sentence for one in self._foreign() for sentence in one.differs(request))

    def _changed_files(self, image: Image, lock: Lock) -> Iterator[str]:
        request = PinRequest(image=image, folder=self._folder, previous=lock, refresh=Refresh.KEEP)
        now = {file.target: file for file in self._files.pin(request, progress=Silent()).files}
        locked = {file.target: file for file in lock.files_of(image.name)}
        for target in sorted({*now, *locked}):
            new, old = now.get(target), locked.get(target)
            if new is None and old is not None:
                yield f"`{old.origin}` is locked, but not there any more"
            elif old is None and new is not None:
                yield f"`{new.origin}` is not locked"
            elif old and new and (old.sha256, old.mode) != (new.sha256, new.mode):
                yield f"`{new.origin}` has changed since it was locked"


def _below(source: Path) -> Iterator[Path]:
    """The source and all that may be taken of it; a folder is younger than what was added to it or removed."""
    yield source
    for folder, folders, files in os.walk(source):
        folders[:] = [name for name in folders if name not in {*LEFT_OUT, NODE_MODULES}]
        yield from (Path(folder, name) for name in (*folders, *files))
