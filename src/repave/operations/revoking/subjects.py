"""What people name when they revoke: a digest, a release, a version of a package, a key."""

import re
from dataclasses import dataclass

from repave.model.revocation import RevokedKind
from repave.operations.errors import Refused
from repave.operations.integrity.naming import Naming
from repave.operations.releases import release_named
from repave.ports.catalog import Catalog
from repave.ports.errors import Gone
from repave.ports.signatures import Keys

RELEASE = re.compile(r"r[0-9]+")
DIGEST = re.compile(r"sha256:[0-9a-f]{8,64}|[0-9a-f]{8,64}")
PACKAGE = re.compile(r"(?P<name>[^=\s]+)={1,2}(?P<version>[^=\s]+)")
FORMS = "expected a digest, a release (r17), a version of a package (openssl=3.0.20) or the file of a public key"


@dataclass(frozen=True, kw_only=True)
class Named:
    """What is meant."""

    kind: RevokedKind
    subject: str
    key: str = ""
    """PEM of a key; empty else."""


class Subjects:
    """Tells what is meant by a name."""

    def __init__(self, *, catalog: Catalog, naming: Naming, keys: Keys) -> None:
        self._catalog = catalog
        self._naming = naming
        self._keys = keys

    def named(self, text: str) -> Named:
        """By the form of the name. Raises Refused for what is nothing, or several things; Denied, Invalid for a key."""
        if RELEASE.fullmatch(text):
            return Named(kind=RevokedKind.RELEASE, subject=str(release_named(self._catalog, text)))
        if DIGEST.fullmatch(text):
            return Named(kind=RevokedKind.ARTIFACT, subject=self._digest(text))
        if package := PACKAGE.fullmatch(text):
            return Named(kind=RevokedKind.PACKAGE, subject=f"{package['name']}={package['version']}")
        try:
            key = self._keys.trusted(text)
        except Gone as missing:
            raise Refused(f"`{text}` names nothing that can be revoked: {FORMS}", hint=missing.message) from missing
        return Named(kind=RevokedKind.KEY, subject=key.name, key=key.pem)

    def _digest(self, text: str) -> str:
        digests = sorted({subject.digest for subject in self._naming.named(text)})
        if len(digests) > 1:
            raise Refused(f"{text} is the beginning of {len(digests)} digests", hint=f"name one: {', '.join(digests)}")
        return digests[0]
