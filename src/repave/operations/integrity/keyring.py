"""The keys of a project, to be shown, compared and pinned; of private ones only the public half."""

from dataclasses import dataclass

from repave.model.signing import SigningSettings
from repave.operations.errors import Refused
from repave.ports.signatures import Keys, TrustedKey


@dataclass(frozen=True, kw_only=True)
class ShownKey:
    """One public key."""

    name: str
    """As the file writes it: of what signs, where the private half is."""

    fingerprint: str
    pem: str


@dataclass(frozen=True, kw_only=True)
class ShownKeys:
    """Those that the file names."""

    signs: ShownKey | None
    counts: tuple[ShownKey, ...]

    @property
    def may_be_deployed(self) -> bool:
        """Whether what is signed here counts here."""
        fingerprints = {key.fingerprint for key in self.counts}
        return self.signs is None or not fingerprints or self.signs.fingerprint in fingerprints


class Keyring:
    """Reads them. Raises what the keys port raises."""

    def __init__(self, *, settings: SigningSettings, keys: Keys) -> None:
        self._settings = settings
        self._keys = keys

    def shown(self) -> ShownKeys:
        """All of them."""
        counts = tuple(_shown(self._keys.trusted(name)) for name in self._settings.verify)
        return ShownKeys(signs=self.signing() if self._settings.key else None, counts=counts)

    def signing(self) -> ShownKey:
        """The one that signs. Raises Refused when there is none."""
        signer = self._keys.signer(self._settings)
        if signer is None:
            raise Refused("repave.yaml names no key that signs", hint="name one under `signing.key`")
        return _shown(TrustedKey(name=str(self._settings.key), pem=signer.public))


def _shown(key: TrustedKey) -> ShownKey:
    return ShownKey(name=key.name, fingerprint=key.fingerprint, pem=key.pem)
