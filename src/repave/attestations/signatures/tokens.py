"""A private key in a token (smart card, HSM), reached by PKCS#11: the key never leaves it.

Source: RFC 7512, "The PKCS #11 URI Scheme"; PKCS#11 3.0, section 6.3 (ECDSA).
"""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, unquote_to_bytes

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from repave.attestations.signatures.keys import KIND, public_pem
from repave.ports.errors import Denied, Gone, Invalid, Unreachable

if TYPE_CHECKING:
    import pkcs11

MODULE_VARIABLE = "PKCS11_MODULE_PATH"
"""Where other tools look for the module too, when the address does not name it."""

NUMBER_BYTES = 32
UNCOMPRESSED_POINT = b"\x04\x41"
"""How the DER of an uncompressed P-256 point begins: an octet string of 65 bytes."""


@dataclass(frozen=True, kw_only=True)
class TokenAddress:
    """What a PKCS#11 URI says, as far as it is of use here."""

    token: str
    object: str
    id: bytes
    module: str


def parse_address(text: str, environment: Mapping[str, str] = os.environ) -> TokenAddress:
    """Read ``token=signing;object=release?module-path=/usr/lib/module.so``. Raises Invalid."""
    path, _, query = text.removeprefix("pkcs11:").partition("?")
    parts = dict(part.partition("=")[::2] for part in path.split(";") if part)
    options = dict(part.partition("=")[::2] for part in query.split("&") if part)
    if "pin-value" in options:
        raise Invalid(
            "the address of the key holds its PIN", hint="name where the PIN is under `signing.passphrase`, as env:PIN"
        )
    module = unquote(options.get("module-path", "")) or environment.get(MODULE_VARIABLE, "")
    if not parts.get("token") or not (parts.get("object") or parts.get("id")) or not module:
        raise Invalid(
            f"pkcs11:{text} does not say which key is meant",
            hint="as pkcs11:token=signing;object=release?module-path=/usr/lib/softhsm/libsofthsm2.so; "
            f"{MODULE_VARIABLE} may name the module instead",
        )
    return TokenAddress(
        token=unquote(parts["token"]),
        object=unquote(parts.get("object", "")),
        id=unquote_to_bytes(parts.get("id", "")),
        module=module,
    )


class TokenSigner:
    """Signs in the token, in a session of its own for each signature."""

    def __init__(self, address: TokenAddress, pin: Callable[[], str | None]) -> None:
        self._address = address
        self._pin = pin

    @cached_property
    def public(self) -> str:
        """The public key, as PEM."""
        import pkcs11  # noqa: PLC0415 - an extra, which only tokens need

        with self._session() as session:
            key = self._object(session, pkcs11.ObjectClass.PUBLIC_KEY)
            point = bytes(key[pkcs11.Attribute.EC_POINT])
        try:
            found = EllipticCurvePublicKey.from_encoded_point(SECP256R1(), point.removeprefix(UNCOMPRESSED_POINT))
        except ValueError as broken:
            raise Invalid(f"{self} is a key of another kind", hint=KIND) from broken
        return public_pem(found)

    def sign(self, message: bytes) -> bytes:
        """Only the digest goes to the token: every token can sign one (CKM_ECDSA)."""
        import pkcs11  # noqa: PLC0415 - see above

        with self._session() as session:
            key = self._object(session, pkcs11.ObjectClass.PRIVATE_KEY)
            raw = key.sign(sha256(message).digest(), mechanism=pkcs11.Mechanism.ECDSA)
        if len(raw) != 2 * NUMBER_BYTES:
            raise Invalid(f"{self} is a key of another kind", hint=KIND)
        first, second = raw[:NUMBER_BYTES], raw[NUMBER_BYTES:]
        return encode_dss_signature(int.from_bytes(first, "big"), int.from_bytes(second, "big"))

    def __str__(self) -> str:
        return f"the key {self._address.object or self._address.id.hex()} of the token {self._address.token}"

    @contextmanager
    def _session(self) -> "Iterator[pkcs11.Session]":
        try:
            import pkcs11  # noqa: PLC0415 - see above
        except ImportError as missing:
            raise Invalid(
                f"{self} cannot be reached: PKCS#11 is not installed", hint="pip install 'repave[pkcs11]'"
            ) from missing
        try:
            module = pkcs11.lib(self._address.module)
            token = module.get_token(token_label=self._address.token)
            with token.open(user_pin=self._pin()) as session:
                yield session
        except (pkcs11.NoSuchToken, pkcs11.NoSuchKey) as missing:
            raise Gone(
                f"{self} is not there", hint="`pkcs11-tool --list-objects` shows what the token holds"
            ) from missing
        except (pkcs11.PinIncorrect, pkcs11.PinLocked, pkcs11.PinLenRange, pkcs11.UserNotLoggedIn) as refused:
            raise Denied(
                f"{self} may not be used: the PIN is another, is locked, or is not named",
                hint="`signing.passphrase` names where the PIN is",
            ) from refused
        except (pkcs11.PKCS11Error, RuntimeError, OSError) as trouble:
            why = str(trouble) or type(trouble).__name__
            raise Unreachable(f"{self} cannot be used through {self._address.module}: {why}") from trouble

    def _object(self, session: "pkcs11.Session", kind: "pkcs11.ObjectClass") -> Any:  # noqa: ANN401 - pkcs11's own
        named: dict[str, Any] = {"label": self._address.object or None, "id": self._address.id or None}
        return session.get_key(object_class=kind, **{name: value for name, value in named.items() if value})
