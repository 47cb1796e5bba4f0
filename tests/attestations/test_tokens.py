"""A key in a token: SoftHSM stands for a real one."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from cosign_program import Pair, pair

from repave.attestations.signatures.keys import Judge
from repave.attestations.signatures.opening import DeclaredKeys
from repave.attestations.signatures.tokens import parse_address
from repave.model.release import SecretReference
from repave.model.signing import SigningSettings
from repave.ports.errors import Denied, Gone, Invalid, Unreachable
from repave.ports.signatures import Signer
from repave.secrets.references import ReferenceSecrets

MODULE = "/usr/lib/softhsm/libsofthsm2.so"
PIN = "1234"


@pytest.fixture(scope="module")
def token(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """A token with one key, known by label and id; the module reads its place from the environment, once."""
    folder = tmp_path_factory.mktemp("token")
    (folder / "tokens").mkdir()
    (folder / "softhsm2.conf").write_text(f"directories.tokendir = {folder}/tokens\n", encoding="ascii")
    made = pair("release")
    (folder / "key.pem").write_text(made.pem(), encoding="ascii")
    os.environ["SOFTHSM2_CONF"] = str(folder / "softhsm2.conf")
    run = ["softhsm2-util", "--token", "signing token", "--pin", PIN]
    for arguments in (
        ["softhsm2-util", "--init-token", "--free", "--label", "signing token", "--so-pin", "4321", "--pin", PIN],
        [*run, "--import", str(folder / "key.pem"), "--label", "release", "--id", "a1b2"],
    ):
        subprocess.run(arguments, check=True, capture_output=True)
    yield made
    del os.environ["SOFTHSM2_CONF"]


def signer(locator: str, pin: str | None = PIN) -> Signer:
    """As the file declares it."""
    secrets = ReferenceSecrets(folder=Path(), environment={"PIN": pin or ""})
    settings = SigningSettings(
        key=SecretReference(scheme="pkcs11", locator=locator),
        passphrase=SecretReference(scheme="env", locator="PIN") if pin else None,
    )
    opened = DeclaredKeys(folder=Path(), secrets=secrets).signer(settings)
    assert opened is not None
    return opened


@pytest.mark.real
@pytest.mark.parametrize("which", ["object=release", "id=%a1%b2", "object=release;id=%a1%b2"])
def test_a_key_signs_inside_its_token(token: Pair, which: str) -> None:
    """What it signed is judged by the public key, which the token gives too."""
    opened = signer(f"token=signing%20token;{which}?module-path={MODULE}")
    assert opened.public == token.trusted.pem
    assert Judge((token.trusted,)).who(b"message", opened.sign(b"message")) == "release"


@pytest.mark.real
def test_what_keeps_a_token_from_signing_is_named(token: Pair) -> None:
    """Another PIN, none, another token, another key, no module."""
    del token
    place = f"token=signing%20token;object=release?module-path={MODULE}"
    with pytest.raises(Denied, match="PIN is another") as refused:
        signer(place, "9876").sign(b"message")
    assert "9876" not in refused.value.message + refused.value.hint
    with pytest.raises((Denied, Gone)):
        signer(place, None).sign(b"message")
    with pytest.raises(Gone, match="token other"):
        signer(f"token=other;object=release?module-path={MODULE}").sign(b"message")
    with pytest.raises(Gone, match="key other"):
        signer(f"token=signing%20token;object=other?module-path={MODULE}").sign(b"message")
    with pytest.raises(Unreachable, match=r"/none\.so"):
        signer("token=signing%20token;object=release?module-path=/none.so").sign(b"message")


@pytest.mark.parametrize(
    "text", ["", "token=a", "object=a?module-path=m", "token=a;object=b", "token=a;object=b?module-path=m&pin-value=1"]
)
def test_an_address_that_names_no_key_is_refused(text: str) -> None:
    """Nor may it hold the PIN."""
    with pytest.raises(Invalid):
        parse_address(text, {})


def test_the_module_may_be_named_by_the_environment() -> None:
    """As for other tools."""
    assert parse_address("token=a;object=b", {"PKCS11_MODULE_PATH": "/m.so"}).module == "/m.so"
