"""Signatures and signed documents of artifacts: made, kept beside the artifact, and judged."""

from base64 import b64decode
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Protocol

from repave.model.names import Digest
from repave.model.signing import SigningSettings
from repave.model.statement import Statement


class Signer(Protocol):
    """A private key, wherever it is: in memory, in a token, with a cloud's key service.

    ECDSA on P-256 with SHA-256; of keys in memory also Ed25519.
    """

    @property
    def public(self) -> str:
        """The public key, as PEM."""
        ...

    def sign(self, message: bytes) -> bytes:
        """The signature of the message; of ECDSA, DER encoded. Raises Denied, Unreachable, Throttled, Invalid."""
        ...


@dataclass(frozen=True, kw_only=True)
class TrustedKey:
    """A public key whose signatures count."""

    name: str
    """As people know it: the path of its file."""

    pem: str

    @property
    def fingerprint(self) -> str:
        """``sha256:`` and the hex digest of the key (its DER), by which people compare keys."""
        body = "".join(line for line in self.pem.splitlines() if not line.startswith("-----"))
        return f"sha256:{sha256(b64decode(body)).hexdigest()}"


@dataclass(frozen=True, kw_only=True)
class Mark:
    """One signature or signed document that is kept beside an artifact."""

    predicate: str
    """Of a document, what kind it is (a URI); empty for a signature of the artifact itself."""

    key: str
    """Name of the trusted key that made it; empty when none did."""


class Judge(Protocol):
    """Says which of the keys that count made a signature."""

    def who(self, message: bytes, signature: bytes) -> str:
        """The key's name; empty when none of them did."""
        ...


Judges = Callable[[Collection[TrustedKey]], Judge]
"""Makes one for these keys. Raises Invalid for what is no key."""


class Keys(Protocol):
    """Opens keys."""

    def signer(self, settings: SigningSettings) -> Signer | None:
        """The private key that is declared; None when none is.

        Raises Gone (there is no such key), Denied (another passphrase or PIN), Invalid (no key that can sign). No
        message of these holds a secret.
        """
        ...

    def trusted(self, name: str) -> TrustedKey:
        """The public key in a file. Raises Gone, Denied, Invalid."""
        ...


class Signatures(Protocol):
    """Keeps and judges what is signed of artifacts, in the form that cosign has."""

    def sign(
        self, subject: Digest, *, name: str, statements: Sequence[Statement], signer: Signer
    ) -> tuple[Digest, ...]:
        """Sign the artifact and each document about it, and keep all beside it: the digests of the manifests written.

        What this key signed already stays as it is; its documents of the same kinds are replaced, those of others kept.
        May be called again after any failure. Raises what the signer raises.
        """
        ...

    def marks(self, subject: Digest, keys: Collection[TrustedKey]) -> tuple[Mark, ...]:
        """Everything that is kept beside the artifact, read and judged by these keys.

        Raises Corrupt when something of it does not have the digest it must have, or is about another artifact.
        """
        ...
