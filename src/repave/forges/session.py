"""An API of a forge: JSON over HTTP with a token, each question once; whoever asks comes again by itself."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import httpx

from repave.ports.errors import Denied, Gone, Invalid, Throttled, Unreachable

TIMEOUT = httpx.Timeout(30.0, connect=15.0)

MOST_BYTES = 4 * 1024 * 1024
"""Of an answer: one merge request with its text."""

TOLD_CHARACTERS = 300
"""Of a server's own words."""

REST_SECONDS = 60.0
"""After a refusal for asking too much that does not say when."""


class Session:
    """Speaks to one API; the token is resolved for each question and kept nowhere."""

    def __init__(self, api: str, *, token: Callable[[], str], headers: Callable[[str], Mapping[str, str]]) -> None:
        """``headers`` of a token."""
        self._api = api
        self._token = token
        self._headers = headers
        self._client = httpx.Client(timeout=TIMEOUT, follow_redirects=False)

    def close(self) -> None:
        """End the connections."""
        self._client.close()

    def ask(
        self,
        method: str,
        path: str,
        *,
        what: str,
        query: Mapping[str, str | int] | None = None,
        body: Mapping[str, object] | None = None,
        there_already: int = 0,
    ) -> Any:  # noqa: ANN401 - whatever JSON the API answers
        """The answer's JSON; None where the API says by the status ``there_already`` that there is one.

        Raises Denied, Gone, Throttled, Unreachable, Invalid; ``what`` is for people.
        """
        token = self._token()
        if not re.fullmatch(r"[!-~]+", token):
            # Never told to the library: its own error would show it.
            raise Invalid(f"could not {what}: the token is empty, or has characters that no token has")
        headers = {**self._headers(token), "Accept-Encoding": "identity"}
        try:
            with self._client.stream(method, f"{self._api}{path}", params=query, json=body, headers=headers) as answer:
                content = _content(answer)
        except (httpx.TransportError, httpx.DecodingError) as trouble:
            raise Unreachable(
                f"could not {what}: {str(trouble) or type(trouble).__name__}",
                hint="check the network and the proxy variables; the next pass asks again",
            ) from trouble
        if there_already and answer.status_code == there_already:
            return None
        if not answer.is_success:
            raise _refusal(answer, content or b"", what)
        if content is None:
            raise Invalid(f"could not {what}: the answer is longer than {MOST_BYTES} bytes", hint="check `review.api`")
        try:
            return json.loads(content)
        except ValueError as broken:
            raise Invalid(f"could not {what}: the answer is no JSON", hint="check `review.api`") from broken


@contextmanager
def reading(what: str) -> Iterator[None]:
    """Of an answer's JSON: what is not as the API has it is Invalid."""
    try:
        yield
    except (LookupError, TypeError, ValueError, AttributeError) as strange:
        raise Invalid(
            f"could not {what}: the answer is not as this API has them", hint="check `review.forge` and `review.api`"
        ) from strange


def _content(answer: httpx.Response) -> bytes | None:
    """None when it is longer than any answer that was asked for."""
    read = bytearray()
    for piece in answer.iter_bytes():
        read += piece
        if len(read) > MOST_BYTES:
            return None
    return bytes(read)


def _refusal(answer: httpx.Response, content: bytes, what: str) -> Denied | Gone | Throttled | Unreachable | Invalid:
    told = f"could not {what}: the server answered {answer.status_code}{_words(content)}"
    status = answer.status_code
    if status == httpx.codes.TOO_MANY_REQUESTS or answer.headers.get("X-RateLimit-Remaining") == "0":
        asked = answer.headers.get("Retry-After", "")
        after_seconds = float(asked[:9]) if asked.isascii() and asked.isdigit() else REST_SECONDS
        return Throttled(told, after_seconds=after_seconds, hint="the next pass asks again")
    if status in {401, 403}:
        return Denied(told, hint="`review.token` is to be one that may open and change merge requests there")
    if status == httpx.codes.NOT_FOUND:
        return Gone(told, hint="check `review.repository`, and that the token may see it: forges hide what it may not")
    if answer.is_redirect:
        return Invalid(told, hint="check `review.repository`, which may have another name by now, and `review.api`")
    if answer.is_server_error:
        return Unreachable(told, hint="the next pass asks again")
    return Invalid(told, hint="check `review.into` and `review.api`")


def _words(content: bytes) -> str:
    """Of its error: ``{"message": ...}`` with both forges."""
    try:
        message = json.loads(content)["message"]
    except (ValueError, KeyError, TypeError):
        return ""
    text = str(message)[:TOLD_CHARACTERS]
    return f" ({text})" if text.isprintable() else ""
