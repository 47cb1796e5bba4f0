"""A document at an address: asked for once per run, not sent again when it has not changed, its last copy kept."""

import hashlib
import json
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

import httpx

from repave.advisories.documents import LARGEST_DOCUMENT_BYTES, Copy
from repave.ports.errors import Corrupt, Denied, Gone, Unreachable, WorldError

TIMEOUT = httpx.Timeout(30.0, connect=15.0)
"""Of one read or connect, never of the whole document: a slow line is no error."""

RETRIES = 2
"""Of connecting. A failure is told, and the next scan asks again."""

VALIDATORS = {"If-None-Match": "ETag", "If-Modified-Since": "Last-Modified"}
"""What is sent, by the answer's header that it repeats (RFC 9110, 13.1)."""


@dataclass(frozen=True, kw_only=True)
class _Kept:
    """The last copy, and how the server tells whether it has changed."""

    content: bytes
    validators: dict[str, str]


class WebDocument:
    """The document of one address."""

    def __init__(self, url: str, *, name: str, kept: Path) -> None:
        """``kept`` is the file of the last copy."""
        self._url = url
        self._kept = kept
        self.name = name
        self._read: Copy | None = None

    def read(self) -> Copy:
        """As it is now; the last copy, and why, when it cannot be had. Raises WorldError when there is neither."""
        if self._read is None:
            self._read = self._ask()
        return self._read

    def _ask(self) -> Copy:
        kept = _load(self._kept)
        try:
            fresh = self._get(kept)
        except WorldError as failure:
            if kept is None:
                raise
            return Copy(content=kept.content, trouble=failure.message)
        if fresh is not kept:
            _store(self._kept, fresh)
        return Copy(content=fresh.content)

    def _get(self, kept: _Kept | None) -> _Kept:
        try:
            with (
                httpx.Client(
                    follow_redirects=True, timeout=TIMEOUT, transport=httpx.HTTPTransport(retries=RETRIES)
                ) as client,
                client.stream("GET", self._url, headers=kept.validators if kept else {}) as answer,
            ):
                if kept is not None and answer.status_code == httpx.codes.NOT_MODIFIED:
                    return kept
                _judge(self._url, answer)
                return _Kept(
                    content=_limited(self._url, answer),
                    validators={
                        asked: answer.headers[told] for asked, told in VALIDATORS.items() if told in answer.headers
                    },
                )
        except (httpx.HTTPError, httpx.InvalidURL) as trouble:
            raise Unreachable(f"{self._url} cannot be read: {str(trouble) or type(trouble).__name__}") from trouble


def _judge(url: str, answer: httpx.Response) -> None:
    status = answer.status_code
    if status in {httpx.codes.NOT_FOUND, httpx.codes.GONE}:
        raise Gone(f"{url} is not there (HTTP {status})")
    if status in {httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN}:
        raise Denied(f"{url} may not be read (HTTP {status})")
    if status != httpx.codes.OK:
        raise Unreachable(f"{url} cannot be read: HTTP {status}")


def _limited(url: str, answer: httpx.Response) -> bytes:
    content = bytearray()
    for chunk in answer.iter_bytes():
        content += chunk
        if len(content) > LARGEST_DOCUMENT_BYTES:
            raise Corrupt(f"{url} is larger than {LARGEST_DOCUMENT_BYTES} bytes")
    return bytes(content)


def _load(path: Path) -> _Kept | None:
    """None when there is no copy that can be believed: it is a cache, its loss changes no answer."""
    try:
        head, _, content = path.read_bytes().partition(b"\n")
        about = json.loads(head)
        if hashlib.sha256(content).hexdigest() != about["sha256"]:
            return None
        return _Kept(content=content, validators={str(key): str(value) for key, value in about["validators"].items()})
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _store(path: Path, kept: _Kept) -> None:
    """The old copy or the new, never a part."""
    about = {"sha256": hashlib.sha256(kept.content).hexdigest(), "validators": kept.validators}
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix="making-", dir=path.parent)
    making = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(json.dumps(about).encode() + b"\n" + kept.content)
        making.replace(path)
    finally:
        making.unlink(missing_ok=True)
