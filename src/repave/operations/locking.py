"""From what the images declare to ``repave.lock``: nothing is written before every locked file is in the vault."""

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from repave.config.difference import LockDifference, difference
from repave.config.lockfile import FILENAME, dump_lock, lock_digest, read_lock
from repave.config.recipes import drift, merged
from repave.model.guards import Judged
from repave.model.lock import Lock, LockedFile, LockedPackage
from repave.model.names import Digest, ImageName
from repave.model.project import Project
from repave.model.recipe import LEFT_OUT, NODE_MODULES, Image
from repave.operations.errors import Refused
from repave.operations.guards.judging import judge_files, stop_at
from repave.operations.rewriting import Rewriting
from repave.ports.errors import Gone
from repave.ports.pinner import Foreign, Held, Pinner, PinRequest, Pins, Refresh, Repair, Rewritten
from repave.ports.progress import Progress, Silent
from repave.ports.vault import Fetch, Vault


@dataclass(frozen=True, kw_only=True)
class Asked:
    """How far a new lock may move from the old one."""

    refresh: Refresh = Refresh.KEEP
    named: tuple[str, ...] = ()
    repairs: tuple[Repair, ...] = ()
    """For ``Refresh.REPAIRS``."""

    images: tuple[ImageName, ...] = ()
    """Those in which something may move beside what the file newly asks for; empty for all."""


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """A lock that is resolved and not yet written."""

    lock: Lock
    text: str = field(repr=False)
    previous: Lock
    difference: LockDifference
    changed: bool
    """Whether writing it would change the file."""

    judged: Mapping[ImageName, tuple[Judged, ...]]
    """By image, what the guards saw in the application's files."""

    remarks: Mapping[ImageName, tuple[str, ...]]
    """By image, what a person should know of what was pinned, a sentence each."""

    held: Mapping[ImageName, tuple[Held, ...]]
    """By image, the repairs asked for that its ranges do not admit."""

    rewritten: tuple[Rewritten, ...] = ()
    """Files of the application that change with the lock: locks of other tools, with repairs."""

    @property
    def digest(self) -> Digest:
        """Of the text."""
        return lock_digest(self.text)


class Locking:
    """The lock of one project."""

    def __init__(
        self,
        *,
        project: Project,
        folder: Path,
        pinners: Iterable[Pinner],
        files: Pinner,
        vault: Vault,
        foreign: Iterable[Foreign] = (),
    ) -> None:
        """``pinners`` pin packages, in this order; ``files`` pins the application's files and asks no network.

        ``foreign`` are those that follow locks among the application's files.
        """
        self._project = project
        self._folder = folder
        self._pinners = tuple(pinners)
        self._files = files
        self._vault = vault
        self._rewriting = Rewriting(folder)
        self._foreign = tuple(foreign)
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
        return (*self.recipe_drift(lock), *self.file_drift(lock))

    def recipe_drift(self, lock: Lock) -> tuple[str, ...]:
        """As far as ``repave.yaml`` goes."""
        return drift(self._project, lock)

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

    def propose(self, asked: Asked, progress: Progress) -> Proposal:
        """Resolve every image. Writes nothing but caches and the vault."""
        previous = self.present() or Lock()
        images = self._project.images.values()
        rewritten, held = self._mended(previous, asked, progress)
        pins = {image.name: self._pin(image, previous, asked, rewritten, progress) for image in images}
        for name, pinned in pins.items():
            held[name] = (*held.get(name, ()), *pinned.held)
        lock = merged(images, pins)
        text = dump_lock(lock)
        unchanged = self.path.exists() and self.path.read_text(encoding="utf-8") == text
        return Proposal(
            lock=lock,
            text=text,
            previous=previous,
            difference=difference(previous, lock),
            changed=not unchanged,
            judged={image.name: judge_files(image, lock.files_of(image.name), self._vault) for image in images},
            remarks={name: pinned.remarks for name, pinned in pins.items()},
            held={name: told for name, told in held.items() if told},
            rewritten=rewritten,
        )

    def write(self, proposal: Proposal, progress: Progress) -> None:
        """Bring everything into the vault, verified; only then replace the files, each in one move, the lock last.

        Raises Guarded, before anything is fetched, for what must not go into an image.
        """
        stop_at(proposal.judged)
        fetch_all(proposal.lock, self._folder, self._vault, progress)
        files = {one.path: one.content.decode() for one in proposal.rewritten}
        if proposal.changed:
            files[FILENAME] = proposal.text
        self._rewriting.write(files)

    def go_on(self) -> None:
        """Finish a ``write`` that was killed among its files. Raises Refused."""
        self._rewriting.go_on()

    def _mended(
        self, previous: Lock, asked: Asked, progress: Progress
    ) -> tuple[tuple[Rewritten, ...], dict[ImageName, tuple[Held, ...]]]:
        """Locks of other tools, with repairs, and by image what holds others. One such lock may serve several."""
        rewritten: dict[str, Rewritten] = {}
        held: dict[ImageName, tuple[Held, ...]] = {}
        for image in self._project.images.values():
            for foreign in self._foreign:
                request = replace(self._request(image, previous, asked), rewritten=tuple(rewritten.values()))
                found = foreign.mend(request, progress=progress)
                rewritten |= {one.path: one for one in found.rewritten}
                held[image.name] = (*held.get(image.name, ()), *found.held)
        return tuple(rewritten.values()), held

    def _pin(
        self, image: Image, previous: Lock, asked: Asked, rewritten: tuple[Rewritten, ...], progress: Progress
    ) -> Pins:
        pins = Pins()
        asking = replace(self._request(image, previous, asked), rewritten=rewritten)
        for pinner in (*self._pinners, self._files):
            found = pinner.pin(replace(asking, pinned=pins.packages), progress=progress)
            pins = Pins(
                packages=(*pins.packages, *found.packages),
                files=(*pins.files, *found.files),
                remarks=(*pins.remarks, *found.remarks),
                held=(*pins.held, *found.held),
            )
        return pins

    def _request(self, image: Image, previous: Lock, asked: Asked) -> PinRequest:
        moves = not asked.images or image.name in asked.images
        return PinRequest(
            image=image,
            folder=self._folder,
            previous=previous,
            refresh=asked.refresh if moves else Refresh.KEEP,
            named=asked.named,
            repairs=tuple(repair for repair in asked.repairs if image.name in repair.images),
        )

    def _differing(self, image: Image, lock: Lock) -> Iterator[str]:
        request = PinRequest(image=image, folder=self._folder, previous=lock, refresh=Refresh.KEEP)
        return (sentence for one in self._foreign for sentence in one.differs(request))

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


def fetch_all(lock: Lock, folder: Path, vault: Vault, progress: Progress) -> None:
    """Every byte of the lock in the vault. Raises Corrupt, Gone, Unreachable, each naming the file."""
    for package in lock.packages:
        source = folder / package.project_path
        if package.project_path and not vault.has(package.sha256) and source.is_file():
            vault.add(source, sha256=package.sha256)
    vault.fetch([_fetch(package) for package in lock.packages], progress=progress)
    for file in lock.files:
        if not vault.has(file.sha256):
            _keep(file, folder, vault)


def _fetch(package: LockedPackage) -> Fetch:
    return Fetch(
        url="" if package.project_path else package.origin,
        sha256=package.sha256,
        size_bytes=package.size_bytes,
        name=f"{package.name} {package.version}",
    )


def _keep(file: LockedFile, folder: Path, vault: Vault) -> None:
    source = folder / file.origin
    if not source.is_file():
        raise Gone(f"{file.origin} is locked, but is not in {folder} any more", hint="`repave lock` again")
    vault.add(source, sha256=file.sha256)
