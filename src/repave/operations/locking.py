"""From what the images declare to ``repave.lock``: nothing is written before every locked file is in the vault."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from repave.config.difference import LockDifference, difference
from repave.config.lockfile import FILENAME, dump_lock, lock_digest
from repave.config.recipes import merged
from repave.model.guards import Judged
from repave.model.lock import Lock, LockedFile, LockedPackage
from repave.model.names import Digest, ImageName
from repave.model.project import Project
from repave.model.recipe import Image
from repave.operations.guards.judging import judge_files, stop_at
from repave.operations.locked import Locked
from repave.operations.rewriting import Rewriting
from repave.ports.errors import Gone
from repave.ports.pinner import Foreign, Held, Pinner, PinRequest, Pins, Refresh, Repair, Rewritten
from repave.ports.progress import Progress
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
        locked: Locked,
        pinners: Iterable[Pinner],
        vault: Vault,
        foreign: Iterable[Foreign] = (),
    ) -> None:
        """``pinners`` pin packages and files, in this order; ``foreign`` follow locks among the application's files."""
        self._project = project
        self._pinners = tuple(pinners)
        self._vault = vault
        self._foreign = tuple(foreign)
        self._folder = locked.path.parent
        self._rewriting = Rewriting(self._folder)
        self.locked = locked

    def propose(self, asked: Asked, progress: Progress) -> Proposal:
        """Resolve every image. Writes nothing but caches and the vault."""
        previous = self.locked.present() or Lock()
        images = self._project.images.values()
        rewritten, held = self._mended(previous, asked, progress)
        pins = {image.name: self._pin(image, previous, asked, rewritten, progress) for image in images}
        for name, pinned in pins.items():
            held[name] = (*held.get(name, ()), *pinned.held)
        lock = merged(images, pins)
        text = dump_lock(lock)
        unchanged = self.locked.path.exists() and self.locked.path.read_text(encoding="utf-8") == text
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
        for pinner in self._pinners:
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
