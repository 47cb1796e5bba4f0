"""What a key says of the record: a head, which is how far the record goes, or that another key signs from now on.

A saying is ``{"said": ..., "key": fingerprint, "signature": base64}``; the signature covers ``said`` as canonical JSON.
Its ``type`` is among what is covered, so that nothing else that the same key signed passes for it.
"""

import base64
from collections.abc import Mapping
from datetime import datetime

from repave.model.event import exact
from repave.model.statement import canonical
from repave.ports.signatures import Judge, Signer, TrustedKey

HEAD, HAND_OVER = "head", "key"
"""The kinds of events whose details are such a saying."""

HEAD_TYPE = "repave record head 1"
HAND_OVER_TYPE = "repave record key 1"


def head(*, project: str, at: datetime, number: int, hash_: str, bundle: str = "") -> Mapping[str, object]:
    """The record of ``project`` goes as far as this event; ``bundle``: the SHA-256 of a bundle's first line."""
    return {"type": HEAD_TYPE, "project": project, "at": at, "number": number, "hash": hash_, "bundle": bundle}


def hand_over(*, project: str, at: datetime, to: TrustedKey) -> Mapping[str, object]:
    """Another key signs from now on."""
    return {"type": HAND_OVER_TYPE, "project": project, "at": at, "to": to.fingerprint, "pem": to.pem}


def signed(said: Mapping[str, object], signer: Signer) -> Mapping[str, object]:
    """The saying of a key. Raises what the signer raises."""
    content = exact(said)
    key = TrustedKey(name="", pem=signer.public)
    signature = base64.b64encode(signer.sign(canonical(content))).decode()
    return {"said": content, "key": key.fingerprint, "signature": signature}


def said_by(saying: Mapping[str, object], judge: Judge) -> str:
    """The name of the trusted key that said it; empty when none did."""
    try:
        signature = base64.b64decode(str(saying["signature"]), validate=True)
        return judge.who(canonical(exact(saying["said"])), signature)
    except (KeyError, ValueError, RecursionError):
        return ""


def content_of(saying: Mapping[str, object], kind: str) -> Mapping[str, object]:
    """What was said, if it is of this type; nothing otherwise."""
    said = saying.get("said")
    return said if isinstance(said, Mapping) and said.get("type") == kind else {}
