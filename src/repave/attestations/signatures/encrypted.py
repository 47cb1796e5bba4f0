"""cosign's own form of an encrypted private key: scrypt makes a key of the passphrase, NaCl's secretbox hides the rest.

Source: sigstore's securesystemslib ``encrypted`` package, whose JSON the PEM block holds.
"""

import base64
import binascii
import json
from typing import Any

from repave.ports.errors import Denied, Invalid

LABELS = ("ENCRYPTED SIGSTORE PRIVATE KEY", "ENCRYPTED COSIGN PRIVATE KEY")
KEY_BYTES = 32

MOST_SCRYPT_BYTES = 256 * 1024 * 1024
"""cosign's parameters need 64 MiB: a file that asks for much more wants to hurt."""

MOST_ROUNDS = 16


def is_encrypted(pem: str) -> bool:
    """Whether a PEM text is of this form."""
    return any(f"-----BEGIN {label}-----" in pem for label in LABELS)


def decrypted(pem: str, passphrase: bytes, *, what: str) -> bytes:
    """The private key in PKCS#8 DER. Raises Denied for another passphrase, Invalid for what is no such key."""
    from nacl.exceptions import CryptoError  # noqa: PLC0415 - 20 ms that only this form of a key needs
    from nacl.secret import SecretBox  # noqa: PLC0415 - see above

    try:
        document = json.loads(_body(pem))
        work, salt = document["kdf"]["params"], _bytes(document["kdf"]["salt"])
        nonce, content = _bytes(document["cipher"]["nonce"]), _bytes(document["ciphertext"])
        kinds = document["kdf"]["name"], document["cipher"]["name"]
    except (ValueError, KeyError, TypeError) as broken:
        raise Invalid(f"{what} is no encrypted key that can be read: {broken!r}") from broken
    if kinds != ("scrypt", "nacl/secretbox"):
        raise Invalid(f"{what} is encrypted by {' and '.join(map(str, kinds))}, which are not known here")
    key = _key_of(passphrase, salt, work, what)
    try:
        return bytes(SecretBox(key).decrypt(content, nonce))
    except (CryptoError, ValueError) as refused:
        raise Denied(
            f"{what} cannot be decrypted: the passphrase is another",
            hint="`signing.passphrase` names where the passphrase is",
        ) from refused


def _key_of(passphrase: bytes, salt: bytes, work: dict[str, Any], what: str) -> bytes:
    from cryptography.hazmat.primitives.kdf.scrypt import Scrypt  # noqa: PLC0415 - loaded by what signs

    try:
        rounds, block, lanes = work["N"], work["r"], work["p"]
        if 128 * rounds * block > MOST_SCRYPT_BYTES or not 0 < lanes <= MOST_ROUNDS or min(rounds, block) < 1:
            raise Invalid(f"{what} asks for other work to be decrypted than any key needs")
        return Scrypt(salt=salt, length=KEY_BYTES, n=rounds, r=block, p=lanes).derive(passphrase)
    except (ValueError, KeyError, TypeError) as broken:
        raise Invalid(f"{what} is no encrypted key that can be read: {broken!r}") from broken


def _body(pem: str) -> bytes:
    lines = [line.strip() for line in pem.strip().splitlines()]
    inside = [line for line in lines if line and not line.startswith("-----")]
    return base64.b64decode("".join(inside), validate=True)


def _bytes(text: object) -> bytes:
    try:
        return base64.b64decode(str(text), validate=True)
    except binascii.Error as broken:
        raise ValueError(str(broken)) from broken
