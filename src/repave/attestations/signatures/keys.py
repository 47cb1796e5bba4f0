"""Keys in memory: private ones by PEM, encrypted or not, and public ones by which signatures are judged.

ECDSA on P-256 with SHA-256, as cosign's own keys are: messages are hashed here, signatures are DER. Or Ed25519, by
RFC 8032.
"""

from collections.abc import Callable, Collection

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes, PublicKeyTypes
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_private_key,
    load_der_public_key,
    load_pem_private_key,
    load_pem_public_key,
)

from repave.attestations.signatures.encrypted import decrypted, is_encrypted
from repave.ports.errors import Denied, Invalid
from repave.ports.signatures import TrustedKey

KIND = (
    "a key on the curve P-256 is wanted, as `cosign generate-key-pair` or `openssl ecparam -name prime256v1` makes it, "
    "or of Ed25519, as `openssl genpkey -algorithm ed25519` does"
)

PublicKey = EllipticCurvePublicKey | Ed25519PublicKey

UNNAMED = "name where its passphrase is under `signing.passphrase`, as env:SIGNING_PASSPHRASE"


class MemorySigner:
    """A private key in this process's memory."""

    def __init__(self, key: EllipticCurvePrivateKey | Ed25519PrivateKey) -> None:
        self._key = key

    @property
    def public(self) -> str:
        """The public key, as PEM."""
        return public_pem(self._key.public_key())

    def sign(self, message: bytes) -> bytes:
        """The same message, the same signature (of ECDSA by RFC 6979): signing again changes no digest."""
        if isinstance(self._key, Ed25519PrivateKey):
            return self._key.sign(message)
        return self._key.sign(message, ECDSA(SHA256(), deterministic_signing=True))


def read_private(pem: str, passphrase: Callable[[], str | None], *, what: str) -> MemorySigner:
    """The key in a PEM text; ``passphrase`` is asked only for one that is encrypted. Raises Denied, Invalid."""
    try:
        if is_encrypted(pem):
            key: PrivateKeyTypes = load_der_private_key(
                decrypted(pem, _wanted(passphrase, what), what=what), password=None
            )
        elif "-----BEGIN ENCRYPTED PRIVATE KEY-----" in pem or "Proc-Type: 4,ENCRYPTED" in pem:
            key = _decrypted_pem(pem, _wanted(passphrase, what), what)
        else:
            key = load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as broken:
        # Not chained: a parser's words may hold some of what it read.
        raise Invalid(f"{what} is no private key in PEM ({type(broken).__name__})", hint=KIND) from None
    if isinstance(key, Ed25519PrivateKey) or (
        isinstance(key, EllipticCurvePrivateKey) and isinstance(key.curve, SECP256R1)
    ):
        return MemorySigner(key)
    raise Invalid(f"{what} is a key of another kind", hint=KIND)


def read_public(pem: str, *, what: str) -> PublicKey:
    """The public key in a PEM text. Raises Invalid."""
    try:
        key = load_pem_public_key(pem.encode())
    except (ValueError, UnsupportedAlgorithm) as broken:
        raise Invalid(f"{what} is no public key in PEM", hint=KIND) from broken
    return key if isinstance(key, Ed25519PublicKey) else _of_that_kind(key, what, KIND)


def read_public_der(der: bytes, *, what: str, hint: str) -> EllipticCurvePublicKey:
    """The public key in its bytes. Raises Invalid, with what makes one of the right kind."""
    try:
        key = load_der_public_key(der)
    except (ValueError, UnsupportedAlgorithm) as broken:
        raise Invalid(f"{what} is a key of another kind", hint=hint) from broken
    return _of_that_kind(key, what, hint)


def public_pem(key: PublicKey) -> str:
    """As `cosign` and `openssl` write it."""
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


class Judge:
    """Says which of the trusted keys made a signature."""

    def __init__(self, keys: Collection[TrustedKey]) -> None:
        self._keys = [(key.name, read_public(key.pem, what=key.name)) for key in keys]

    def who(self, message: bytes, signature: bytes) -> str:
        """The key's name; empty when none of them did."""
        for name, key in self._keys:
            if _signed(key, message, signature):
                return name
        return ""


def _signed(key: PublicKey, message: bytes, signature: bytes) -> bool:
    try:
        if isinstance(key, Ed25519PublicKey):
            key.verify(signature, message)
        else:
            key.verify(signature, message, ECDSA(SHA256()))
    except InvalidSignature:
        return False
    return True


def _of_that_kind(key: PublicKeyTypes, what: str, hint: str) -> EllipticCurvePublicKey:
    if not isinstance(key, EllipticCurvePublicKey) or not isinstance(key.curve, SECP256R1):
        raise Invalid(f"{what} is a key of another kind", hint=hint)
    return key


def _decrypted_pem(pem: str, passphrase: bytes, what: str) -> PrivateKeyTypes:
    try:
        return load_pem_private_key(pem.encode(), password=passphrase)
    except ValueError:
        # A wrong passphrase and a damaged key look alike; not chained, see above.
        raise Denied(
            f"{what} cannot be decrypted: the passphrase is another, or the file is damaged",
            hint="`signing.passphrase` names where the passphrase is",
        ) from None


def _wanted(passphrase: Callable[[], str | None], what: str) -> bytes:
    given = passphrase()
    if given is None:
        raise Denied(f"{what} is encrypted, and no passphrase is named", hint=UNNAMED)
    return given.encode()
