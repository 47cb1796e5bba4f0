"""What no lock, release, running instance or run under way needs any more: shown first, removed when asked."""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from repave.config.lockfile import FILENAME
from repave.model.lock import Lock
from repave.model.names import Digest, ReleaseNumber
from repave.model.signing import DOCUMENTS, SIGNATURES, name_beside
from repave.ports.caches import Cache
from repave.ports.errors import Conflict, Gone, NoCapacity
from repave.ports.provider import Machines
from repave.ports.registry import Registry
from repave.ports.store import Store
from repave.ports.vault import Vault
from repave.scratch.held import Kind, clear

KEPT_RELEASES = 5
"""Enough to go back to after a bad week; each costs about its application layer, since layers are shared."""


@dataclass(frozen=True, kw_only=True)
class Waste:
    """One thing that nothing needs."""

    kind: str
    """One of ``ORDER``."""

    name: str
    size_bytes: int


@dataclass(frozen=True, kw_only=True)
class Kept:
    """What needs files and blobs that therefore stay, and why."""

    name: str
    """A release, or ``repave.lock``."""

    reason: str
    vault_files: int
    blobs: int
    size_bytes: int
    """Of all it needs that is here; what several need counts for each of them."""


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """What would go, or went."""

    waste: tuple[Waste, ...]
    kept: tuple[Kept, ...]
    removed: bool

    stays_bytes: int
    """Of all that stays, counted once; without caches."""

    caches_bytes: int
    """Of caches that stay."""

    @property
    def size_bytes(self) -> int:
        """Of all that goes."""
        return sum(waste.size_bytes for waste in self.waste)


@dataclass(frozen=True, kw_only=True)
class Beside:
    """What lies beside the vault and the registry."""

    scratch: tuple[Kind, ...] = ()
    """The folders in which something was made by whoever was killed."""

    uncompressed: tuple[tuple[str, Path], ...] = ()
    """Packages as bakers laid them out, each by the sha256 that it has in the vault."""

    caches: Mapping[str, Cache] = field(default_factory=dict)
    """What only spares time, what is laid out among it, each by what a person calls it."""


@dataclass(frozen=True, kw_only=True)
class _Needed:
    """What one release or lock needs."""

    name: str
    reason: str
    files: frozenset[str] = frozenset()
    """Of the vault, by sha256."""

    manifests: frozenset[Digest] = frozenset()
    blobs: frozenset[Digest] = frozenset()
    """Of the registry, the manifests among them."""


class Sweeping:
    """Looks at one project's vault, registry and providers."""

    def __init__(
        self,
        *,
        store: Store,
        vault: Vault,
        registry: Registry,
        machines: Iterable[Machines],
        present: Lock | None,
        beside: Beside | None = None,
    ) -> None:
        self._store = store
        self._vault = vault
        self._registry = registry
        self._machines = tuple(machines)
        self._present = present
        self._beside = beside or Beside()

    def sweep(self, keep: int = KEPT_RELEASES, *, remove: bool, caches: bool = False) -> Sweep:
        """Find, and with ``remove`` also remove; with ``caches`` also what only spares time.

        Tags and documents go before manifests, so that a killed sweep leaves no dead name; only where the disk has no
        room for the list without them, they go when there is some. The next sweep finds those that a killed one left.
        """
        needed = tuple(self._needed(keep))
        files, blobs = dict(self._vault.entries()), dict(self._registry.blobs())
        cached = tuple(self._cached())
        spared = cached if caches else tuple(self._unneeded(needed))
        named = tuple(self._waste(needed, files, blobs))
        waste = (*self._left(), *spared, *named)
        if remove:
            self._remove_all(sorted(waste, key=lambda found: ORDER.index(found.kind)))
        return Sweep(
            waste=waste,
            kept=tuple(_kept(one, files, blobs) for one in needed),
            removed=remove,
            stays_bytes=sum(files.values()) + sum(blobs.values()) - sum(one.size_bytes for one in named),
            caches_bytes=sum(one.size_bytes for one in cached) - sum(one.size_bytes for one in spared),
        )

    def _needed(self, keep: int) -> Iterator[_Needed]:
        if self._present:
            yield _Needed(name=FILENAME, reason="the lock in this folder", files=_files(self._present))
        reasons = self._reasons(keep)
        for release in self._store.releases():
            if release.number in reasons:
                manifests = self._with_beside(release.artifacts.values())
                yield _Needed(
                    name=str(release),
                    reason=reasons[release.number],
                    files=_files(self._store.lock(release.lock)),
                    manifests=manifests,
                    blobs=manifests.union(*(self._blobs_with_documents(manifest) for manifest in manifests)),
                )

    def _with_beside(self, artifacts: Iterable[Digest]) -> frozenset[Digest]:
        """The artifacts' manifests, and those of what is signed of them."""
        wanted = frozenset(artifacts)
        names = {name_beside(digest, kind) for digest in wanted for kind in (SIGNATURES, DOCUMENTS)}
        return wanted.union(manifest for name, manifest in self._registry.tags() if name in names)

    def _reasons(self, keep: int) -> dict[ReleaseNumber, str]:
        releases = self._store.releases()
        reasons = {release.number: f"among the newest {keep}" for release in releases[-keep:]} if keep else {}
        for key in self._store.fleets():
            if target := self._store.target(key):
                reasons |= {proof.release: f"{key.environment} may roll back to it" for proof in target.proven[-2:]}
                reasons[target.release] = f"wanted in {key.environment}"
        for lifetime in self._store.lifetimes(living=True):
            reasons[lifetime.release] = f"runs in {lifetime.fleet.environment}"
        return reasons

    def _left(self) -> Iterator[Waste]:
        for kind in self._beside.scratch:
            for folder, size in kind.left():
                yield Waste(kind="work folder", name=str(folder), size_bytes=size)

    def _cached(self) -> Iterator[Waste]:
        for name, cache in self._beside.caches.items():
            if size := cache.cached_bytes():
                yield Waste(kind="cache", name=name, size_bytes=size)

    def _unneeded(self, needed: tuple[_Needed, ...]) -> Iterator[Waste]:
        """Uncompressed packages: of what is needed they spare the next bake some work, of anything else nobody's."""
        for sha256, place in self._beside.uncompressed:
            if any(sha256 in need.files for need in needed):
                continue
            with suppress(FileNotFoundError):  # a bake may give back its own meanwhile
                yield Waste(kind="uncompressed package", name=str(place), size_bytes=place.stat().st_size)

    def _waste(
        self, needed: tuple[_Needed, ...], files: Mapping[str, int], blobs: Mapping[Digest, int]
    ) -> Iterator[Waste]:
        manifests = frozenset[Digest]().union(*(one.manifests for one in needed))
        for name, manifest in self._registry.tags():
            if manifest not in manifests:
                yield Waste(kind="tag", name=name, size_bytes=0)
        for one in self._registry.attached():
            if one.subject not in manifests:
                yield Waste(kind="document", name=one.manifest, size_bytes=0)
        for machines in self._machines:
            for digest in sorted(machines.published() - manifests):
                yield Waste(kind="published image", name=f"{machines.name} {digest}", size_bytes=0)
        wanted_blobs = frozenset[Digest]().union(*(one.blobs for one in needed))
        for digest, size in blobs.items():
            if digest not in wanted_blobs:
                yield Waste(kind="blob", name=digest, size_bytes=size)
        wanted_files = frozenset[str]().union(*(one.files for one in needed))
        for sha256, size in files.items():
            if sha256 not in wanted_files:
                yield Waste(kind="vault file", name=sha256, size_bytes=size)

    def _blobs_with_documents(self, manifest: Digest) -> set[Digest]:
        """Everything of an artifact, and of the documents about it."""
        documents = [one.manifest for one in self._registry.attached(manifest)]
        return set(documents).union(*(self._blobs_of(one) for one in (manifest, *documents)))

    def _blobs_of(self, manifest: Digest) -> set[Digest]:
        """Everything a manifest names, whatever its kind (OCI image specification, descriptors)."""
        try:
            content = json.loads(self._registry.read(manifest))
        except Gone:
            return set()
        return set(_digests(content))

    def _remove_all(self, ordered: Iterable[Waste]) -> None:
        later = []
        for one in ordered:
            try:
                self._remove(one)
            except NoCapacity:
                later.append(one)
        for one in later:
            self._remove(one)

    def _remove(self, waste: Waste) -> None:
        match waste.kind:
            case "work folder":
                clear(Path(waste.name))
            case "cache":
                self._beside.caches[waste.name].clear_cache()
            case "uncompressed package":
                Path(waste.name).unlink(missing_ok=True)
            case "tag":
                self._registry.untag(waste.name)
            case "document":
                self._registry.detach(Digest(waste.name))
            case "blob":
                self._registry.remove(Digest(waste.name))
            case "vault file":
                self._vault.remove(waste.name)
            case _:
                provider, _, digest = waste.name.partition(" ")
                for machines in self._machines:
                    if machines.name == provider:
                        _withdraw(machines, Digest(digest))


ORDER = ("work folder", "cache", "uncompressed package", "vault file", "tag", "document", "published image", "blob")
"""Work folders, caches, packages and files of the vault have no other name: they make room for what is written anew."""


def _kept(needed: _Needed, files: Mapping[str, int], blobs: Mapping[Digest, int]) -> Kept:
    """Count what is here of it."""
    its_files = [files[sha256] for sha256 in needed.files & files.keys()]
    its_blobs = [blobs[digest] for digest in needed.blobs & blobs.keys()]
    return Kept(
        name=needed.name,
        reason=needed.reason,
        vault_files=len(its_files),
        blobs=len(its_blobs),
        size_bytes=sum(its_files) + sum(its_blobs),
    )


def _files(lock: Lock) -> frozenset[str]:
    """Everything a lock names, by sha256."""
    packages = {package.sha256 for package in lock.packages}
    return frozenset(packages | {file.sha256 for file in lock.files})


def _withdraw(machines: Machines, digest: Digest) -> None:
    try:
        machines.withdraw(digest)
    except Conflict:
        # An instance that no record lists runs it: the provider knows better, and keeps it.
        return


def _digests(content: object) -> Iterator[Digest]:
    if isinstance(content, dict):
        found = content.get("digest")
        if isinstance(found, str):
            yield Digest(found)
        for value in content.values():
            yield from _digests(value)
    elif isinstance(content, list):
        for value in content:
            yield from _digests(value)
