"""AWS KMS as moto has it, on loopback, with faults in front that are ordered beforehand."""

import base64
import json
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from unittest.mock import patch
from wsgiref.types import StartResponse, WSGIEnvironment

import boto3
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256
from moto.kms.models import kms_backends
from moto.kms.utils import ECDSAPrivateKey
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from types_boto3_kms import KMSClient
from types_boto3_kms.literals import KeySpecType
from werkzeug.serving import WSGIRequestHandler, make_server

REGION, ACCOUNT = "eu-central-1", "123456789012"
SIGN = "TrentService.Sign"
P256: KeySpecType = "ECC_NIST_P256"

Answer = Iterable[bytes]


class Kms:
    """The service: makes keys, and refuses what it is told to."""

    def __init__(self) -> None:
        self._moto: Callable[[WSGIEnvironment, StartResponse], Answer] = DomainDispatcherApplication(create_backend_app)
        self.refusals: list[tuple[int, str, str]] = []
        """One for each of the next requests: status, code, message."""

        self.asked: list[dict[str, str]] = []
        """What was asked, and ``X-Amz-Target`` as ``target``."""

    def __call__(self, environment: WSGIEnvironment, start: StartResponse) -> Answer:
        """One request."""
        length = int(environment.get("CONTENT_LENGTH") or 0)
        body = environment["wsgi.input"].read(length)
        target = environment.get("HTTP_X_AMZ_TARGET", "")
        asked = {**json.loads(body), "target": target}
        self.asked.append(asked)
        if self.refusals:
            status, code, message = self.refusals.pop(0)
            return _json(start, f"{status} Refused", {"__type": code, "message": message})
        if target == SIGN and asked["MessageType"] == "DIGEST":
            return _signed(start, asked)
        return self._moto({**environment, "wsgi.input": _Again(body)}, start)

    def make(self, name: str, specification: KeySpecType = P256) -> str:
        """A key with that alias; answers its ARN."""
        kms = self.client()
        made = kms.create_key(KeySpec=specification, KeyUsage="SIGN_VERIFY")["KeyMetadata"]
        kms.create_alias(AliasName=f"alias/{name}", TargetKeyId=made["KeyId"])
        return made["Arn"]

    def client(self) -> KMSClient:
        """As the environment says."""
        return boto3.client("kms", region_name=REGION)


def _signed(start: StartResponse, asked: dict[str, str]) -> Answer:
    """What moto does wrong: it hashes a digest again, where KMS signs it as it is (API reference, "Sign")."""
    key = kms_backends[ACCOUNT][REGION].describe_key(asked["KeyId"])
    digest = base64.b64decode(asked["Message"])
    private = key.private_key
    assert isinstance(private, ECDSAPrivateKey)
    signature = private.private_key.sign(digest, ECDSA(Prehashed(SHA256())))
    answer = {"KeyId": key.arn, "Signature": base64.b64encode(signature).decode()}
    return _json(start, "200 OK", answer | {"SigningAlgorithm": asked["SigningAlgorithm"]})


def _json(start: StartResponse, status: str, document: dict[str, str]) -> Answer:
    body = json.dumps(document).encode()
    start(status, [("Content-Type", "application/x-amz-json-1.1"), ("Content-Length", str(len(body)))])
    return [body]


class _Silent(WSGIRequestHandler):
    """Writes no log."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing."""


class _Again:
    """A body that was read already."""

    def __init__(self, body: bytes) -> None:
        self._rest = body

    def read(self, size: int = -1) -> bytes:
        """The next bytes."""
        end = len(self._rest) if size < 0 else size
        taken, self._rest = self._rest[:end], self._rest[end:]
        return taken


@contextmanager
def aws_kms() -> Iterator[Kms]:
    """The service answers in the block, and the environment leads to it, with no retries."""
    kms_backends.reset()
    kms = Kms()
    server = make_server("127.0.0.1", 0, kms, threaded=True, request_handler=_Silent)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    found = {
        "AWS_ENDPOINT_URL_KMS": f"http://127.0.0.1:{server.server_port}",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "AKIDTEST",
        "AWS_SECRET_ACCESS_KEY": "not-so-secret",
        "AWS_MAX_ATTEMPTS": "1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "NO_PROXY": "127.0.0.1",
    }
    try:
        with patch.dict(os.environ, found):
            yield kms
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
