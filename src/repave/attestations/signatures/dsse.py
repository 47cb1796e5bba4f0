"""Signed envelopes of documents. Source: DSSE 1.0 (secure-systems-lab/dsse, ``protocol.md`` and ``envelope.md``)."""

import base64
import binascii
import json
from dataclasses import dataclass

from repave.model.statement import STATEMENT_MEDIA_TYPE, canonical
from repave.ports.errors import Corrupt

MOST_SIGNATURES = 64


@dataclass(frozen=True, kw_only=True)
class Envelope:
    """A document, and who signed it."""

    payload_type: str
    payload: bytes
    signatures: tuple[bytes, ...]

    @property
    def covered(self) -> bytes:
        """The bytes that signatures cover (PAE)."""
        return covered(self.payload_type, self.payload)

    @property
    def json(self) -> bytes:
        """As it is kept."""
        signatures = [{"keyid": "", "sig": base64.b64encode(signature).decode()} for signature in self.signatures]
        payload = base64.b64encode(self.payload).decode()
        return canonical({"payload": payload, "payloadType": self.payload_type, "signatures": signatures})


def covered(payload_type: str, payload: bytes) -> bytes:
    """What a signature of this document is made over: the type counts too, so that no document passes for another."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def read_envelope(content: bytes, *, what: str) -> Envelope:
    """An envelope around an in-toto statement. Raises Corrupt."""
    try:
        document = json.loads(content)
        payload = base64.b64decode(document["payload"], validate=True)
        named = document["signatures"]
        signatures = tuple(base64.b64decode(one["sig"], validate=True) for one in named[:MOST_SIGNATURES])
        kind = document["payloadType"]
    except (ValueError, KeyError, TypeError, RecursionError, binascii.Error) as broken:
        raise Corrupt(f"{what} is no signed envelope: {broken!r}", hint="sign the artifact again") from broken
    if kind != STATEMENT_MEDIA_TYPE:
        raise Corrupt(f"{what} holds {kind}, not {STATEMENT_MEDIA_TYPE}", hint="sign the artifact again")
    return Envelope(payload_type=STATEMENT_MEDIA_TYPE, payload=payload, signatures=signatures)
