"""Which files the locks need, and which locks there are."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from repave.config.lockfile import FILENAME, dump_lock, lock_digest
from repave.model.lock import Lock, LockedFile, LockedPackage
from repave.model.names import Digest, ImageName
from repave.operations.errors import Refused
from repave.operations.releases import release_named
from repave.ports.catalog import Catalog
from repave.ports.vault import Fetch


@dataclass(frozen=True, kw_only=True)
class NamedLock:
    """A lock, and by what people know it."""

    names: tuple[str, ...]
    """``repave.lock``, ``r3``..."""

    lock: Lock

    @property
    def text(self) -> str:
        """As the file has it."""
        return dump_lock(self.lock)

    @property
    def digest(self) -> Digest:
        """Of the text."""
        return lock_digest(self.lock)

    def __str__(self) -> str:
        """All its names."""
        return ", ".join(self.names)


@dataclass(frozen=True, kw_only=True)
class Need:
    """One file that locks name."""

    sha256: str
    size_bytes: int
    what: tuple[str, ...]
    """Packages with their versions, and paths of the application."""

    locks: tuple[str, ...]
    """By name."""

    origin: str
    """An address; for a file of the application, its path in the project."""

    application: bool

    def fetch(self) -> Fetch:
        """How to ask for it; a file of the application has no address, so only shared vaults can have it."""
        url = "" if self.application else self.origin
        return Fetch(url=url, sha256=self.sha256, size_bytes=self.size_bytes, name=", ".join(self.what))


def kept_locks(catalog: Catalog, present: Lock | None) -> tuple[NamedLock, ...]:
    """The present lock and those of all releases, each once, with all its names."""
    names: dict[Digest, list[str]] = {}
    locks: dict[Digest, Lock] = {}
    if present is not None:
        digest = lock_digest(present)
        names[digest], locks[digest] = [FILENAME], present
    for release in catalog.releases():
        if release.lock not in locks:
            locks[release.lock] = catalog.lock(release.lock)
        names.setdefault(release.lock, []).append(str(release))
    return tuple(NamedLock(names=tuple(names[digest]), lock=lock) for digest, lock in locks.items())


def chosen_lock(catalog: Catalog, present: Lock | None, release: str | None) -> NamedLock:
    """The lock of a release, else the one in the folder. Raises Refused when there is none."""
    if release is not None:
        found = release_named(catalog, release)
        return NamedLock(names=(str(found),), lock=catalog.lock(found.lock))
    if present is None:
        raise Refused(f"there is no {FILENAME} here", hint="`repave lock` makes it, --release r3 names a release's")
    return NamedLock(names=(FILENAME,), lock=present)


def needs(locks: Iterable[NamedLock], image: ImageName | None = None) -> tuple[Need, ...]:
    """Every file that the locks name (for one image: that it wants), each once, by its sha256."""
    found: dict[str, Need] = {}
    for named in locks:
        for need in _needs_of(named, image):
            before = found.setdefault(need.sha256, need)
            what, names = (*before.what, *need.what), (*before.locks, *need.locks)
            found[need.sha256] = replace(before, what=_once(what), locks=_once(names))
    return tuple(need for _, need in sorted(found.items()))


def _path(entry: LockedPackage | LockedFile) -> str:
    """Of a file of the application in the project; empty for what has an address."""
    return entry.origin if isinstance(entry, LockedFile) else entry.project_path


def _once(words: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(words))


def project_path(need: Need, folder: Path) -> Path:
    """Where a file of the application may still be."""
    return folder / need.origin


def _needs_of(named: NamedLock, image: ImageName | None) -> Iterator[Need]:
    entries: tuple[LockedPackage | LockedFile, ...] = (*named.lock.packages, *named.lock.files)
    for entry in entries:
        if image is None or image in entry.images:
            yield Need(
                sha256=entry.sha256,
                size_bytes=entry.size_bytes,
                what=(f"{entry.name} {entry.version}" if isinstance(entry, LockedPackage) else entry.origin,),
                locks=named.names,
                origin=_path(entry) or entry.origin,
                application=bool(_path(entry)),
            )
