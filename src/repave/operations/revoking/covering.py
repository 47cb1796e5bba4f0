"""Which artifacts a revocation covers, of all that releases hold."""

from collections.abc import Iterable, Iterator

from repave.model.lock import Lock
from repave.model.names import Digest, ImageName
from repave.model.release import Release
from repave.model.revocation import RevokedKind
from repave.operations.releases import release_named
from repave.ports.catalog import Catalog
from repave.ports.signatures import Signatures, TrustedKey

REVOKED = "the revoked key"


class Covering:
    """Looks in the catalogue, and at what is signed beside artifacts."""

    def __init__(self, *, catalog: Catalog, signatures: Signatures, trusted: tuple[TrustedKey, ...]) -> None:
        self._catalog = catalog
        self._signatures = signatures
        self._trusted = trusted

    def artifacts(self, kind: RevokedKind, subject: str, key: str, among: Iterable[Release]) -> tuple[Digest, ...]:
        """Those of the releases that are covered, sorted. Raises Corrupt for signatures that are not as written."""
        match kind:
            case RevokedKind.ARTIFACT:
                found: Iterable[Digest] = (Digest(subject),)
            case RevokedKind.RELEASE:
                found = release_named(self._catalog, subject).artifacts.values()
            case RevokedKind.PACKAGE:
                found = self._holding(subject, among)
            case RevokedKind.KEY:
                found = self._signed_by_it_alone(key, among)
        return tuple(sorted(set(found)))

    def _holding(self, subject: str, among: Iterable[Release]) -> Iterator[Digest]:
        name, _, version = subject.partition("=")
        locks = frozenset(self._catalog.locks_holding(name, version))
        for release in among:
            if release.lock in locks:
                lock = self._catalog.lock(release.lock)
                for image, digest in release.artifacts.items():
                    if holds(lock, image, subject):
                        yield digest

    def _signed_by_it_alone(self, pem: str, among: Iterable[Release]) -> Iterator[Digest]:
        """Signed by the key, and by no other that is trusted."""
        others = [key for key in self._trusted if key.pem.strip() != pem.strip()]
        keys = (TrustedKey(name=REVOKED, pem=pem), *others)
        for digest in dict.fromkeys(digest for release in among for digest in release.artifacts.values()):
            marks = self._signatures.marks(digest, keys)
            if {mark.key for mark in marks if mark.key and not mark.predicate} == {REVOKED}:
                yield digest


def holds(lock: Lock, image: ImageName, subject: str) -> bool:
    """Whether the lock pins a version of a package (``openssl=3.0.20``) for the image.

    A source package stands for all that is built of it.
    """
    name, _, version = subject.partition("=")
    pinned = lock.packages_of(image)
    return any(name in (package.name, package.source) and package.version == version for package in pinned)
