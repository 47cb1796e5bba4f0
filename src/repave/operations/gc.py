"""What no lock, release or running instance needs any more: shown first, removed when asked."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from repave.model.lock import Lock
from repave.model.names import Digest, ReleaseNumber
from repave.model.release import Release
from repave.ports.errors import Conflict, Gone
from repave.ports.provider import Machines
from repave.ports.registry import Registry
from repave.ports.store import Store
from repave.ports.vault import Vault

KEPT_RELEASES = 5
"""Enough to go back to after a bad week; each costs about its application layer, since layers are shared."""


@dataclass(frozen=True, kw_only=True)
class Waste:
    """One thing that nothing needs."""

    kind: str
    """``vault file``, ``blob``, ``tag`` or ``published image``."""

    name: str
    size_bytes: int


@dataclass(frozen=True, kw_only=True)
class Kept:
    """One release whose parts stay, and why."""

    release: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """What would go, or went."""

    waste: tuple[Waste, ...]
    kept: tuple[Kept, ...]
    removed: bool

    @property
    def size_bytes(self) -> int:
        """Of all that goes."""
        return sum(waste.size_bytes for waste in self.waste)


class Sweeping:
    """Looks at one project's vault, registry and providers."""

    def __init__(
        self, *, store: Store, vault: Vault, registry: Registry, machines: Iterable[Machines], present: Lock | None
    ) -> None:
        self._store = store
        self._vault = vault
        self._registry = registry
        self._machines = tuple(machines)
        self._present = present

    def sweep(self, keep: int = KEPT_RELEASES, *, remove: bool) -> Sweep:
        """Find, and with ``remove`` also remove: tags before manifests, so that a killed sweep leaves no dead name."""
        reasons = self._reasons(keep)
        kept = [release for release in self._store.releases() if release.number in reasons]
        waste = tuple(self._waste(kept))
        if remove:
            for one in sorted(waste, key=lambda found: ORDER.index(found.kind)):
                self._remove(one)
        told = tuple(Kept(release=str(release), reason=reasons[release.number]) for release in kept)
        return Sweep(waste=waste, kept=told, removed=remove)

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

    def _waste(self, kept: list[Release]) -> Iterator[Waste]:
        manifests = {digest for release in kept for digest in release.artifacts.values()}
        for name, manifest in self._registry.tags():
            if manifest not in manifests:
                yield Waste(kind="tag", name=name, size_bytes=0)
        for machines in self._machines:
            for digest in sorted(machines.published() - manifests):
                yield Waste(kind="published image", name=f"{machines.name} {digest}", size_bytes=0)
        blobs = set(manifests).union(*(self._blobs_of(manifest) for manifest in manifests))
        for digest, size in self._registry.blobs():
            if digest not in blobs:
                yield Waste(kind="blob", name=digest, size_bytes=size)
        files = self._files(kept)
        for sha256, size in self._vault.entries():
            if sha256 not in files:
                yield Waste(kind="vault file", name=sha256, size_bytes=size)

    def _files(self, kept: list[Release]) -> set[str]:
        locks = [self._store.lock(digest) for digest in {release.lock for release in kept}]
        locks += [self._present] if self._present else []
        packages = {package.sha256 for lock in locks for package in lock.packages}
        return packages | {file.sha256 for lock in locks for file in lock.files}

    def _blobs_of(self, manifest: Digest) -> set[Digest]:
        """Everything a manifest names, whatever its kind (OCI image specification, descriptors)."""
        try:
            content = json.loads(self._registry.read(manifest))
        except Gone:
            return set()
        return set(_digests(content))

    def _remove(self, waste: Waste) -> None:
        match waste.kind:
            case "tag":
                self._registry.untag(waste.name)
            case "blob":
                self._registry.remove(Digest(waste.name))
            case "vault file":
                self._vault.remove(waste.name)
            case _:
                provider, _, digest = waste.name.partition(" ")
                for machines in self._machines:
                    if machines.name == provider:
                        _withdraw(machines, Digest(digest))


ORDER = ("tag", "published image", "blob", "vault file")


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
