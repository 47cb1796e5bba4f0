"""Debian's cosign, fetched from trixie by apt itself into a folder that is kept; and keys made without it."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from debian_download import download, isolated_apt

from repave.attestations.signatures.keys import MemorySigner, read_private
from repave.ports.signatures import TrustedKey

CACHE = Path(__file__).resolve().parents[2] / ".cache" / "cosign"
PASSPHRASE = "correct horse"  # noqa: S105 - a test's own


@dataclass(frozen=True, kw_only=True)
class Pair:
    """A fresh key."""

    name: str
    private: EllipticCurvePrivateKey | Ed25519PrivateKey

    @property
    def signer(self) -> MemorySigner:
        """Signs by it."""
        return read_private(self.pem(), lambda: None, what=self.name)

    @property
    def trusted(self) -> TrustedKey:
        """Its public half."""
        key = self.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        return TrustedKey(name=self.name, pem=key.decode())

    def pem(self, form: PrivateFormat = PrivateFormat.PKCS8, passphrase: str = "") -> str:
        """The private half."""
        hidden = BestAvailableEncryption(passphrase.encode()) if passphrase else NoEncryption()
        return self.private.private_bytes(Encoding.PEM, form, hidden).decode()


def pair(name: str) -> Pair:
    """A fresh key of that name."""
    return Pair(name=name, private=generate_private_key(SECP256R1()))


def ed25519_pair(name: str) -> Pair:
    """Another, of Ed25519."""
    return Pair(name=name, private=Ed25519PrivateKey.generate())


def cosign_program() -> Path:
    """The program; apt verifies the index by the distribution's keyring, and the package by the index."""
    program = CACHE / "root" / "usr" / "bin" / "cosign"
    if not program.is_file():
        download(CACHE, "cosign", isolated_apt(CACHE, "trixie"))
        (package,) = CACHE.glob("cosign_*.deb")
        subprocess.run(["dpkg", "--extract", package, CACHE / "unpacked"], check=True)
        (CACHE / "unpacked").rename(CACHE / "root")
    return program
