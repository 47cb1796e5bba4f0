"""The keys port: what the file declares, opened."""

import os
from collections.abc import Mapping
from pathlib import Path

from repave.model.signing import AWS_KMS, PKCS11, SigningSettings
from repave.ports.errors import Denied, Gone, Invalid
from repave.ports.secrets import Secrets
from repave.ports.signatures import Signer, TrustedKey

LARGEST_KEY_BYTES = 64 * 1024


class DeclaredKeys:
    """Keys of one project; ``folder`` is where relative paths start."""

    def __init__(self, *, folder: Path, secrets: Secrets, environment: Mapping[str, str] = os.environ) -> None:
        self._folder = folder
        self._secrets = secrets
        self._environment = environment

    def signer(self, settings: SigningSettings) -> Signer | None:
        """The private key; see the port."""
        if settings.key is None:
            return None

        # Here, and not above: most projects sign nothing, and cryptography takes 60 ms to load.
        from repave.attestations.signatures.aws_kms import KmsSigner, parse_kms_address  # noqa: PLC0415 - see above
        from repave.attestations.signatures.keys import read_private  # noqa: PLC0415 - see above
        from repave.attestations.signatures.tokens import TokenSigner, parse_address  # noqa: PLC0415 - see above

        def passphrase() -> str | None:
            return self._secrets.resolve(settings.passphrase) if settings.passphrase else None

        if settings.key.scheme == PKCS11:
            return TokenSigner(parse_address(settings.key.locator, self._environment), passphrase)
        if settings.key.scheme == AWS_KMS:
            return KmsSigner(parse_kms_address(settings.key.locator))
        return read_private(self._secrets.resolve(settings.key), passphrase, what=f"the key {settings.key}")

    def trusted(self, name: str) -> TrustedKey:
        """The public key in a file; see the port."""
        return public_key(self._folder / name, name=name)


def public_key(path: Path, *, name: str) -> TrustedKey:
    """The public key in a file, as ``name``. Raises Gone, Denied, Invalid."""
    from repave.attestations.signatures.keys import read_public  # noqa: PLC0415 - as above

    try:
        with path.open("rb") as stream:
            content = stream.read(LARGEST_KEY_BYTES + 1)
        pem = content.decode("ascii")
    except FileNotFoundError as missing:
        raise Gone(
            f"there is no public key {path}", hint="relative paths start at the folder of repave.yaml"
        ) from missing
    except OSError as refused:
        raise Denied(f"the public key {path} cannot be read: {refused.strerror}") from refused
    except UnicodeDecodeError as broken:
        raise Invalid(f"{path} is no public key in PEM", hint="as `cosign public-key` writes it") from broken
    if len(content) > LARGEST_KEY_BYTES:
        raise Invalid(f"{path} is no public key: it is larger than any", hint="as `cosign public-key` writes it")
    read_public(pem, what=str(path))
    return TrustedKey(name=name, pem=pem)
