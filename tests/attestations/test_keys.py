"""Private keys in every form people have them, opened with the right passphrase and with nothing else."""

import base64
import json
from pathlib import Path

import pytest
from cosign_program import PASSPHRASE, ed25519_pair, pair
from cryptography.hazmat.primitives.asymmetric import ec, ed448, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from hypothesis import given
from hypothesis import strategies as st
from nacl.secret import SecretBox

from repave.attestations.signatures.encrypted import decrypted
from repave.attestations.signatures.keys import Judge, read_private
from repave.attestations.signatures.opening import DeclaredKeys
from repave.model.release import SecretReference
from repave.model.signing import SigningSettings
from repave.ports.errors import Denied, Gone, Invalid
from repave.secrets.references import ReferenceSecrets

COSIGN = """-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----
eyJrZGYiOnsibmFtZSI6InNjcnlwdCIsInBhcmFtcyI6eyJOIjo2NTUzNiwiciI6
OCwicCI6MX0sInNhbHQiOiJvSmNaZGNidkk2d2xnelAzWittNW85VUQ5aUdIYkRs
MWFpT1VFMVlUaTFjPSJ9LCJjaXBoZXIiOnsibmFtZSI6Im5hY2wvc2VjcmV0Ym94
Iiwibm9uY2UiOiIwT2dQZ2VVMzlxN2xoTGpOUmFJNk1NUVNwaVBXN0trRSJ9LCJj
aXBoZXJ0ZXh0IjoiVW80YzJWRE54Mm9MSm0rdlZjVnlVM2IxT1VHS1U2eVdxUzk4
ajRNZkN4ZFUzbVVsemN4VlFCUlhnOC9RdjhoR1hGcC9EbzE3bjhVdFROUkR3c1Rz
eTgvaEFweDVYaUlHcjRiQlo4YTBseUtZSU00bllSK2VCVUd2dE12Q2RFZHBYZGFX
MTVTclVkc1lRTmlEOEsrTUUyeWpXYjJONmc3REZTdlJJMVREWk1oOVVNRFNSQnMz
N1Z2TFpsdkhTMnh5SGI3Q3pIVHVVQUZVQWc9PSJ9
-----END ENCRYPTED SIGSTORE PRIVATE KEY-----
"""
"""Made by ``cosign generate-key-pair`` (2.5.0); its passphrase is ``secret``, and it signs nothing anywhere."""

COSIGN_PUBLIC = """-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEOcqm+a79v0r4XLxqnkxzgPMYd6QK
p8cV6GghbItkKGlBprjduScN/xDZbqnjrTVebLmbujwlCAHHE8Uhng+oYg==
-----END PUBLIC KEY-----
"""


def test_a_key_of_cosign_is_opened() -> None:
    """Its public half is what cosign wrote beside it."""
    assert read_private(COSIGN, lambda: "secret", what="k").public == COSIGN_PUBLIC


@pytest.mark.parametrize("form", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL])
@pytest.mark.parametrize("passphrase", ["", PASSPHRASE])
def test_a_key_of_openssl_is_opened(form: PrivateFormat, passphrase: str) -> None:
    """Encrypted or not; the passphrase is not even asked for where there is none."""
    made = pair("release.pub")

    def asked() -> str:
        assert passphrase
        return passphrase

    signer = read_private(made.pem(form, passphrase), asked, what="k")
    assert signer.public == made.trusted.pem
    assert Judge((made.trusted,)).who(b"message", signer.sign(b"message")) == "release.pub"
    assert signer.sign(b"message") == signer.sign(b"message")


@pytest.mark.parametrize("passphrase", ["", PASSPHRASE])
def test_a_key_of_ed25519_is_opened(passphrase: str) -> None:
    """What it signs counts for no other key, and another message not for it."""
    made = ed25519_pair("release.pub")
    signer = read_private(made.pem(passphrase=passphrase), lambda: passphrase, what="k")
    signature = signer.sign(b"message")
    assert signer.public == made.trusted.pem
    assert Judge((pair("other.pub").trusted, made.trusted)).who(b"message", signature) == "release.pub"
    assert not Judge((made.trusted,)).who(b"messages", signature)
    assert not Judge((ed25519_pair("another.pub").trusted,)).who(b"message", signature)


@pytest.mark.parametrize("pem", [COSIGN, pair("k").pem(passphrase=PASSPHRASE)])
def test_another_passphrase_opens_nothing(pem: str) -> None:
    """And is not told; nor is one guessed."""
    with pytest.raises(Denied, match="passphrase is another") as refused:
        read_private(pem, lambda: "battery staple", what="the key k")
    assert "staple" not in refused.value.message + refused.value.hint
    with pytest.raises(Denied, match="no passphrase is named"):
        read_private(pem, lambda: None, what="the key k")


@pytest.mark.parametrize(
    "key",
    [
        ec.generate_private_key(ec.SECP384R1()),
        rsa.generate_private_key(65537, 2048),
        ed448.Ed448PrivateKey.generate(),
    ],
)
def test_a_key_of_another_kind_is_refused(
    key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed448.Ed448PrivateKey, tmp_path: Path
) -> None:
    """Private and public, with how to make the right one."""
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    with pytest.raises(Invalid, match="another kind") as refused:
        read_private(pem, lambda: None, what="k")
    assert "P-256" in refused.value.hint
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (tmp_path / "key.pub").write_bytes(public)
    with pytest.raises(Invalid, match="another kind"):
        declared(tmp_path).trusted("key.pub")


def declared(folder: Path, **environment: str) -> DeclaredKeys:
    """As the composition root makes it."""
    return DeclaredKeys(folder=folder, secrets=ReferenceSecrets(folder=folder, environment=environment))


def settings(key: str, passphrase: str = "") -> SigningSettings:
    """As the file says it."""
    references = [SecretReference(scheme=s, locator=v) for s, _, v in (w.partition(":") for w in (key, passphrase))]
    return SigningSettings(key=references[0], passphrase=references[1] if passphrase else None)


def test_a_key_comes_from_a_file_or_a_variable(tmp_path: Path) -> None:
    """The passphrase too, each by its own reference."""
    made = pair("k")
    (tmp_path / "release.key").write_text(made.pem(passphrase=PASSPHRASE), encoding="ascii")
    (tmp_path / "passphrase").write_text(f"{PASSPHRASE}\n", encoding="ascii")
    from_file = declared(tmp_path).signer(settings("file:release.key", "file:passphrase"))
    from_variable = declared(tmp_path, KEY=made.pem()).signer(settings("env:KEY"))
    for signer in (from_file, from_variable):
        assert signer is not None
        assert signer.public == made.trusted.pem
    assert declared(tmp_path).signer(SigningSettings()) is None


def test_keys_that_are_not_there_are_named(tmp_path: Path) -> None:
    """By their place."""
    (tmp_path / "letter").write_text("Dear Sir", encoding="ascii")
    (tmp_path / "long").write_text("x" * 100_000, encoding="ascii")
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    with pytest.raises(Gone, match=r"release\.key"):
        declared(tmp_path).signer(settings("file:release.key"))
    with pytest.raises(Gone, match=r"release\.pub"):
        declared(tmp_path).trusted("release.pub")
    with pytest.raises(Denied):
        declared(tmp_path).trusted(".")
    with pytest.raises(Invalid, match="file:letter"):
        declared(tmp_path).signer(settings("file:letter"))
    for name in ("letter", "long", "binary"):
        with pytest.raises(Invalid, match=name):
            declared(tmp_path).trusted(name)


def encrypted(content: bytes, **work: int) -> str:
    """A key in cosign's form, with as little work as scrypt allows."""
    box = SecretBox(b"k" * 32).encrypt(content, b"n" * 24)
    document = {
        "kdf": {"name": "scrypt", "params": {"N": 2, "r": 1, "p": 1} | work, "salt": "c2FsdA=="},
        "cipher": {"name": "nacl/secretbox", "nonce": base64.b64encode(box.nonce).decode()},
        "ciphertext": base64.b64encode(box.ciphertext).decode(),
    }
    return pem_of(json.dumps(document).encode())


def pem_of(content: bytes) -> str:
    """The block around it."""
    body = base64.b64encode(content).decode()
    label = "ENCRYPTED SIGSTORE PRIVATE KEY"
    return f"-----BEGIN {label}-----\n{body}\n-----END {label}-----\n"


@pytest.mark.parametrize("work", [{"N": 1 << 40}, {"r": 1 << 30}, {"p": 1 << 20}, {"N": 3}, {"N": -2}])
def test_a_key_that_asks_for_a_machine_is_refused(work: dict[str, int]) -> None:
    """Before any memory is taken."""
    with pytest.raises(Invalid):
        decrypted(encrypted(b"x", **work), b"p", what="k")


@given(content=st.binary(max_size=300))
def test_no_bytes_in_place_of_a_key_do_harm(content: bytes) -> None:
    """Each is refused by a sentence."""
    with pytest.raises((Invalid, Denied)):
        decrypted(pem_of(content), b"p", what="k")


@given(
    document=st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=8),
        lambda inner: (
            st.dictionaries(st.sampled_from(["kdf", "params", "salt", "cipher", "N"]), inner) | st.lists(inner)
        ),
        max_leaves=12,
    )
)
def test_no_document_in_place_of_a_key_does_harm(document: object) -> None:
    """Each is refused by a sentence."""
    with pytest.raises((Invalid, Denied)):
        decrypted(pem_of(json.dumps(document).encode()), b"p", what="k")
