"""Signatures of people, made and judged by OpenSSH itself."""

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from personal_keys import person, private_key

from repave.attestations.signatures.ssh import SshSignatures
from repave.jobs.commands import LocalCommands
from repave.ports.errors import Denied, Gone

WORDS = b'{"kind":"approval","release":17}'


@pytest.fixture
def signatures() -> SshSignatures:
    """Without an agent."""
    return SshSignatures(LocalCommands(), {})


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
def test_the_key_says_who_signed(tmp_path: Path, signatures: SshSignatures, kind: str) -> None:
    """Of several people, by keys of every kind that OpenSSH makes."""
    ana, bob = person(tmp_path, "ana", kind), person(tmp_path, "bob", kind)
    signature = signatures.sign(WORDS, private_key(tmp_path, "bob"))
    assert signatures.signed_by(WORDS, signature, [ana, bob]) == "bob"
    assert signatures.signed_by(WORDS, signature, [ana]) is None
    assert signatures.signed_by(WORDS, signature, []) is None


def test_other_words_another_purpose_and_what_is_no_signature_count_for_nothing(
    tmp_path: Path, signatures: SshSignatures
) -> None:
    """Not one byte may differ, and what was signed for a commit is no approval."""
    ana = person(tmp_path, "ana")
    key = private_key(tmp_path, "ana")
    signature = signatures.sign(WORDS, key)
    assert signatures.signed_by(WORDS.replace(b"17", b"18"), signature, [ana]) is None
    assert signatures.signed_by(WORDS, signature[: len(signature) // 2], [ana]) is None
    assert signatures.signed_by(WORDS, "", [ana]) is None
    foreign = subprocess.run(
        ["ssh-keygen", "-Y", "sign", "-f", key, "-n", "git"], input=WORDS, capture_output=True, check=True
    )
    assert signatures.signed_by(WORDS, foreign.stdout.decode(), [ana]) is None
    assert signatures.signed_by(WORDS, signature, [replace(ana, keys=person(tmp_path, "eve").keys)]) is None


def test_a_key_that_is_not_there_or_cannot_be_used_is_told(tmp_path: Path, signatures: SshSignatures) -> None:
    """With what makes one, and what unlocks one."""
    with pytest.raises(Gone, match="there is no key"):
        signatures.sign(WORDS, tmp_path / "none")
    person(tmp_path, "ana", passphrase="open sesame")  # noqa: S106 - of a key that lives as long as the test
    with pytest.raises(Denied, match="cannot sign") as told:
        signatures.sign(WORDS, private_key(tmp_path, "ana"))
    assert "ssh-add" in told.value.hint
    assert "sesame" not in str(told.value)
