"""A private key in AWS KMS: the key never leaves it, only digests go there.

Sources: AWS KMS API Reference, "GetPublicKey", "Sign" and "Common Errors"; the addresses are those that cosign has.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from repave.attestations.signatures.keys import public_pem, read_public_der
from repave.ports.errors import Denied, Gone, Invalid, Throttled, Unreachable, WorldError

if TYPE_CHECKING:
    from botocore.exceptions import BotoCoreError, ClientError
    from types_boto3_kms import KMSClient

ADDRESS = re.compile(
    r"//(?P<endpoint>[^/\s@]*)/"
    r"(?P<key>alias/[A-Za-z0-9/_-]+|(?:mrk-)?[0-9a-f-]{32,36}|arn:aws[a-z-]*:kms:(?P<region>[a-z0-9-]+):\d*:(?:key|alias)/\S+)"
)
EXAMPLE = "as awskms:///alias/release, or with the key's ARN: awskms:///arn:aws:kms:eu-central-1:111122223333:key/..."
ALGORITHM: Final = "ECDSA_SHA_256"
MAKE = "`aws kms create-key --key-spec ECC_NIST_P256 --key-usage SIGN_VERIFY` makes the right one"

CONNECT_SECONDS, READ_SECONDS = 5, 20
"""A signature takes KMS some milliseconds; boto3's own minute for each would keep a person waiting for nothing."""

AFTER_SECONDS = 5.0
"""KMS does not say when its quotas, which are per second, have room again; boto3 has then tried several times."""

GONE = frozenset({"NotFoundException"})
DENIED = frozenset(
    {
        "AccessDenied", "AccessDeniedException", "ExpiredToken", "ExpiredTokenException", "IncompleteSignature",
        "InvalidClientTokenId", "InvalidSignatureException", "MissingAuthenticationToken", "NotAuthorized",
        "OptInRequired", "RequestExpired", "SignatureDoesNotMatch", "UnrecognizedClientException",
    }
)  # fmt: skip
THROTTLED = frozenset({"LimitExceededException", "RequestLimitExceeded", "Throttling", "ThrottlingException"})
DORMANT = frozenset({"DisabledException", "KMSInvalidStateException"})
LOGINS = frozenset(
    {
        "CredentialRetrievalError", "NoAuthTokenError", "NoCredentialsError", "PartialCredentialsError",
        "ProfileNotFound", "SSOTokenLoadError", "TokenRetrievalError", "UnauthorizedSSOTokenError",
    }
)  # fmt: skip
"""boto3's own errors, by their classes: it found no login, or an unusable one."""


@dataclass(frozen=True, kw_only=True)
class KmsAddress:
    """Which key is meant, and where."""

    key: str
    """An alias (``alias/release``), a key's id, or an ARN."""

    region: str
    """That of the ARN; empty: boto3 knows."""

    endpoint: str
    """Host and port asked by HTTPS; empty: boto3 knows."""


def parse_kms_address(text: str) -> KmsAddress:
    """Read ``//[ENDPOINT]/KEY``, as it stands after ``awskms:``. Raises Invalid."""
    found = ADDRESS.fullmatch(text)
    if found is None:
        raise Invalid(f"awskms:{text} does not say which key is meant", hint=EXAMPLE)
    return KmsAddress(key=found["key"], region=found["region"] or "", endpoint=found["endpoint"])


class KmsSigner:
    """Signs in KMS. Region and credentials are found as boto3 finds them: environment, profiles, roles."""

    def __init__(self, address: KmsAddress) -> None:
        self._address = address

    @property
    def public(self) -> str:
        """The public key, as PEM; asked for once."""
        return self._found[1]

    def sign(self, message: bytes) -> bytes:
        """By the key whose public half was given, whatever its alias names meanwhile."""
        arn, _ = self._found
        with self._asking() as kms:
            answer = kms.sign(
                KeyId=arn, Message=sha256(message).digest(), MessageType="DIGEST", SigningAlgorithm=ALGORITHM
            )
        return answer["Signature"]

    def __str__(self) -> str:
        return f"the key {self._address.key} in AWS KMS"

    @cached_property
    def _found(self) -> tuple[str, str]:
        """The key's own ARN, and its public half as PEM."""
        with self._asking() as kms:
            answer = kms.get_public_key(KeyId=self._address.key)
        key = read_public_der(answer["PublicKey"], what=str(self), hint=MAKE)
        if answer["KeyUsage"] != "SIGN_VERIFY":
            raise Invalid(f"{self} signs nothing: it was made for {answer['KeyUsage']}", hint=MAKE)
        return answer["KeyId"], public_pem(key)

    @contextmanager
    def _asking(self) -> "Iterator[KMSClient]":
        """KMS; whatever it or the way to it answers becomes an error of ours."""
        try:
            from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - an extra, which only KMS needs
        except ImportError as missing:
            raise Invalid(
                f"{self} cannot be reached: boto3 is not installed", hint="pip install 'repave[aws]'"
            ) from missing
        try:
            yield self._client
        except ClientError as refused:
            raise self._answered(refused) from refused
        except (BotoCoreError, ValueError) as trouble:
            raise self._failed(trouble) from trouble

    @cached_property
    def _client(self) -> "KMSClient":
        import boto3  # noqa: PLC0415 - see above
        from botocore.config import Config  # noqa: PLC0415 - see above

        patience = Config(connect_timeout=CONNECT_SECONDS, read_timeout=READ_SECONDS, retries={"mode": "standard"})
        return boto3.Session().client(
            "kms",
            config=patience,
            region_name=self._address.region or None,
            endpoint_url=f"https://{self._address.endpoint}" if self._address.endpoint else None,
        )

    def _answered(self, refused: "ClientError") -> WorldError:
        """The one table of what KMS says."""
        said = refused.response.get("Error", {})
        code, why = said.get("Code", ""), said.get("Message", "") or str(refused)
        told = f"{code}: {why}"
        if code in GONE:
            return Gone(
                f"{self} is not there: {why}",
                hint="`aws kms list-aliases` shows those of a region; the ARN names its own",
            )
        if code in DENIED:
            return Denied(
                f"{self} may not be used ({told})",
                hint="kms:GetPublicKey and kms:Sign are needed; `aws sts get-caller-identity` shows who asks",
            )
        if code in THROTTLED:
            return Throttled(
                f"{self} is asked too often ({told})", after_seconds=AFTER_SECONDS, hint="try again in a moment"
            )
        if code in DORMANT:
            return Denied(
                f"{self} is disabled or about to be deleted ({told})", hint="`aws kms enable-key` brings it back"
            )
        status = refused.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        if status >= 500:  # noqa: PLR2004 - HTTP's own: the server's fault
            return Unreachable(f"{self} cannot be used now ({told})", hint="try again in a moment")
        return Invalid(f"{self} cannot sign ({told})", hint=MAKE)

    def _failed(self, trouble: "BotoCoreError | ValueError") -> WorldError:
        """The one table of what boto3 says by itself."""
        name = type(trouble).__name__
        if name in LOGINS:
            return Denied(
                f"{self} cannot be asked: {trouble}", hint="boto3 takes AWS_PROFILE, AWS_ACCESS_KEY_ID, or a role"
            )
        if name in {"NoRegionError", "InvalidRegionError", "ValueError"}:
            return Invalid(
                f"{self} cannot be asked: {trouble}",
                hint="set AWS_DEFAULT_REGION, or name the key by its ARN, which holds the region",
            )
        return Unreachable(f"{self} cannot be reached: {trouble}", hint="is its endpoint reachable from here?")
