"""A key in AWS KMS: moto's stands for a real one, with faults in front."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from aws_kms import P256, Kms, aws_kms
from signed_image import small_image, statements
from types_boto3_kms.literals import KeySpecType

from repave.attestations.signatures.aws_kms import KmsAddress, parse_kms_address
from repave.attestations.signatures.cosign import CosignSignatures
from repave.attestations.signatures.keys import Judge
from repave.attestations.signatures.opening import DeclaredKeys
from repave.model.release import SecretReference
from repave.model.signing import SigningSettings
from repave.model.statement import CYCLONEDX, PROVENANCE
from repave.ports.errors import Denied, Gone, Invalid, Throttled, Unreachable, WorldError
from repave.ports.signatures import Signer, TrustedKey
from repave.secrets.references import ReferenceSecrets

ARN = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"


@pytest.fixture(scope="module")
def kms() -> Iterator[Kms]:
    """The service, with one key."""
    with aws_kms() as service:
        service.make("release")
        yield service


def signer(address: str) -> Signer:
    """As the file declares it."""
    scheme, _, locator = address.partition(":")
    settings = SigningSettings(key=SecretReference(scheme=scheme, locator=locator))
    opened = DeclaredKeys(folder=Path(), secrets=ReferenceSecrets(folder=Path(), environment={})).signer(settings)
    assert opened is not None
    return opened


def judge(opened: Signer) -> Judge:
    """Knows its public half only."""
    return Judge([TrustedKey(name="release.pub", pem=opened.public)])


@pytest.mark.real
@pytest.mark.parametrize("message", [b"", b"message", b"m" * 1_000_000])
def test_a_key_signs_inside_kms(kms: Kms, message: bytes) -> None:
    """Whatever the size, only the digest goes there; by alias, id or ARN."""
    arn = kms.make(f"sized-{len(message)}")
    for address in (f"awskms:///alias/sized-{len(message)}", f"awskms:///{arn.rpartition('/')[2]}", f"awskms:///{arn}"):
        opened = signer(address)
        kms.asked.clear()
        assert judge(opened).who(message, opened.sign(message)) == "release.pub"
        assert [len(asked.get("Message", "")) for asked in kms.asked] == [0, 44]


@pytest.mark.real
def test_an_alias_that_moves_does_not_change_who_signs(kms: Kms) -> None:
    """What was shown as the public key is what signs, until the next run."""
    kms.make("moving")
    opened = signer("awskms:///alias/moving")
    known = judge(opened)
    other = kms.client().create_key(KeySpec=P256, KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
    kms.client().update_alias(AliasName="alias/moving", TargetKeyId=other)
    assert known.who(b"message", opened.sign(b"message")) == "release.pub"


@pytest.mark.real
def test_signing_again_changes_nothing_beside_an_artifact(kms: Kms, tmp_path: Path) -> None:
    """KMS draws a random number for each signature; what its key has signed already stays."""
    del kms
    opened = signer("awskms:///alias/release")
    registry, subject = small_image(tmp_path)
    signatures = CosignSignatures(registry)
    for _ in range(2):
        signatures.sign(subject, name="shop/web", statements=statements(subject), signer=opened)
        tags = registry.tags()
    signatures.sign(subject, name="shop/web", statements=statements(subject), signer=opened)
    assert registry.tags() == tags
    marks = signatures.marks(subject, [TrustedKey(name="release.pub", pem=opened.public)])
    assert [(mark.predicate, mark.key) for mark in marks] == [
        ("", "release.pub"),
        (CYCLONEDX, "release.pub"),
        (PROVENANCE, "release.pub"),
    ]


ANSWERS = [
    (400, "AccessDeniedException", Denied, "may not be used"),
    (400, "UnrecognizedClientException", Denied, "may not be used"),
    (400, "ThrottlingException", Throttled, "too often"),
    (400, "DisabledException", Denied, "disabled"),
    (400, "KMSInvalidStateException", Denied, "about to be deleted"),
    (400, "InvalidKeyUsageException", Invalid, "cannot sign"),
    (500, "KMSInternalException", Unreachable, "cannot be used now"),
]


@pytest.mark.real
@pytest.mark.parametrize(("status", "code", "error", "words"), ANSWERS, ids=[code for _, code, *_ in ANSWERS])
def test_what_keeps_kms_from_signing_is_named(
    kms: Kms, status: int, code: str, error: type[WorldError], words: str
) -> None:
    """Whether it is said of the public key or of the signature; then it goes on where it can."""
    opened = signer("awskms:///alias/release")
    for _ in range(2):
        kms.refusals.append((status, code, "not today"))
        with pytest.raises(error, match=rf"the key alias/release in AWS KMS.*{words}.*{code}: not today") as refused:
            opened.sign(b"message")
        assert refused.value.hint
        assert judge(opened).who(b"message", opened.sign(b"message"))


@pytest.mark.real
@pytest.mark.parametrize("specification", ["ECC_NIST_P384", "RSA_2048", "ECC_SECG_P256K1"])
def test_a_key_of_another_kind_is_refused(kms: Kms, specification: KeySpecType) -> None:
    """Before anything is signed, with the command that makes the right one."""
    kms.make(f"of-{specification.replace('_', '-')}", specification)
    with pytest.raises(Invalid, match="is a key of another kind") as refused:
        _ = signer(f"awskms:///alias/of-{specification.replace('_', '-')}").public
    assert "aws kms create-key --key-spec ECC_NIST_P256" in refused.value.hint


@pytest.mark.real
def test_a_key_that_is_not_there_is_gone(kms: Kms, monkeypatch: pytest.MonkeyPatch) -> None:
    """And a service that is not there, a region or login that nobody named are what they are."""
    del kms
    with pytest.raises(Gone, match="the key alias/none in AWS KMS is not there"):
        _ = signer("awskms:///alias/none").public
    monkeypatch.setenv("AWS_ENDPOINT_URL_KMS", "http://127.0.0.1:9")
    with pytest.raises(Unreachable, match="cannot be reached"):
        _ = signer("awskms:///alias/release").public
    with pytest.raises(Unreachable, match=r"https://127\.0\.0\.1:9/"):
        _ = signer("awskms://127.0.0.1:9/alias/release").public
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    with pytest.raises(Invalid, match="specify a region") as unplaced:
        _ = signer("awskms:///alias/release").public
    assert "AWS_DEFAULT_REGION" in unplaced.value.hint
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(Denied, match="credentials") as unknown:
        _ = signer(f"awskms:///{ARN}").public
    assert "AWS_PROFILE" in unknown.value.hint


def test_without_boto3_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who keeps no key in AWS need not have it."""
    monkeypatch.setitem(sys.modules, "botocore.exceptions", None)
    with pytest.raises(Invalid, match="boto3 is not installed") as missing:
        _ = signer("awskms:///alias/release").public
    assert "repave[aws]" in missing.value.hint


def test_an_address_names_the_key_its_region_and_its_endpoint() -> None:
    """As cosign writes them; the region is that of the ARN."""
    assert parse_kms_address("///alias/a/b") == KmsAddress(key="alias/a/b", region="", endpoint="")
    assert parse_kms_address(f"///{ARN}") == KmsAddress(key=ARN, region="eu-west-1", endpoint="")
    placed = parse_kms_address("//vpce-1.kms.eu-west-1.vpce.amazonaws.com/1234abcd-12ab-34cd-56ef-1234567890ab")
    assert (placed.key[:8], placed.endpoint[:6]) == ("1234abcd", "vpce-1")


@pytest.mark.parametrize(
    "text", ["", "///", "///release", "/alias/release", "///alias/", "///arn:aws:s3:::bucket", "//user:pass@h/alias/a"]
)
def test_an_address_that_names_no_key_is_refused(text: str) -> None:
    """With an example."""
    with pytest.raises(Invalid, match="which key is meant") as refused:
        parse_kms_address(text)
    assert "awskms:///alias/release" in refused.value.hint
