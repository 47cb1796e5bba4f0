"""Who signs what is baked, and whose signatures count."""

from dataclasses import dataclass

from repave.model.names import Digest
from repave.model.release import SecretReference

PKCS11 = "pkcs11"
"""The scheme of a key that never leaves its token."""

AWS_KMS = "awskms"
"""The scheme of a key that never leaves AWS KMS."""


SIGNATURES, DOCUMENTS = "sig", "att"
"""How the names end under which signatures and signed documents are kept beside an artifact, as cosign has it."""


@dataclass(frozen=True, kw_only=True)
class SigningSettings:
    """What a project declares; nothing of it is a secret."""

    key: SecretReference | None = None
    """The private key: ``file:PATH`` or ``env:NAME`` (PEM), ``pkcs11:...`` (RFC 7512), ``awskms:...``; or none."""

    passphrase: SecretReference | None = None
    """Of an encrypted key; the PIN of a token."""

    verify: tuple[str, ...] = ()
    """Files of public keys, relative to the project's folder. When there are any, one of them must have signed."""


def name_beside(subject: Digest, kind: str) -> str:
    """``sha256-0123....sig``: by which what is kept beside an artifact is found, here and in any registry."""
    return f"{subject.replace(':', '-')}.{kind}"
