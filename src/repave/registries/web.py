"""Questions over HTTP to servers that are no registries, with patience and limits."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx

from repave.ports.errors import Corrupt, Denied, Gone, Invalid, WorldError
from repave.ports.web import Answer
from repave.registries.connections import new_client
from repave.registries.patience import TRANSIENT_STATUS, Transient, patiently, retry_after_seconds

CHUNK_BYTES = 256 * 1024

TOLD_CHARACTERS = 300
"""Of a server's own words: enough for a sentence, too few for a page of HTML."""

TOLD_BYTES = 64 * 1024
"""Of a refusal, read to find those words."""


class WebClient:
    """The web port; safe to use from several threads."""

    def __init__(self) -> None:
        self._client = new_client()

    def ask(self, address: str, *, what: str, most_bytes: int, posted: bytes | None = None) -> Answer:
        """Get, or post JSON; see the port."""
        return patiently(lambda: self._once(address, what, most_bytes, posted), what=what)

    def close(self) -> None:
        """End the connections."""
        self._client.close()

    def _once(self, address: str, what: str, most_bytes: int, posted: bytes | None) -> Answer:
        headers = {"Accept": "application/json"}
        if posted is not None:
            headers["Content-Type"] = "application/json"
        method = "GET" if posted is None else "POST"
        try:
            with self._client.stream(method, address, content=posted, headers=headers) as answer:
                if answer.status_code in TRANSIENT_STATUS:
                    after_seconds = retry_after_seconds(answer.headers)
                    raise Transient(f"the server answered {answer.status_code}", after_seconds=after_seconds)
                if not answer.is_success:
                    raise _refusal(answer, what)
                return Answer(content=_content(answer, what, most_bytes), at=_made_at(answer.headers))
        except (httpx.TransportError, httpx.DecodingError) as trouble:
            raise Transient(str(trouble) or type(trouble).__name__) from trouble
        except (httpx.InvalidURL, httpx.TooManyRedirects) as trouble:
            raise Invalid(f"could not {what}: {trouble}") from trouble


def _content(answer: httpx.Response, what: str, most_bytes: int) -> bytes:
    content = bytearray()
    for chunk in answer.iter_bytes(CHUNK_BYTES):
        content += chunk
        if len(content) > most_bytes:
            raise Corrupt(f"could not {what}: the answer is longer than {most_bytes} bytes")
    return bytes(content)


def _made_at(headers: Mapping[str, str]) -> datetime | None:
    """The date of the answer: a cache that hands it out again keeps it (RFC 9110, 6.6.1)."""
    try:
        made_at = parsedate_to_datetime(headers.get("Date", ""))
    except ValueError:
        return None
    return made_at.astimezone(UTC) if made_at.tzinfo else made_at.replace(tzinfo=UTC)


def _refusal(answer: httpx.Response, what: str) -> WorldError:
    told = f"could not {what}: the server answered {answer.status_code}{_words(answer)}"
    match answer.status_code:
        case 404 | 410:
            return Gone(told, hint="check the address in repave.yaml")
        case 401 | 403 | 407:
            return Denied(told, hint="check the permissions at the server and at the proxy")
        case _:
            return Invalid(told)


def _words(answer: httpx.Response) -> str:
    """Of its error, as APIs of Google and many others give it: ``{"message": ...}``."""
    content = bytearray()
    for chunk in answer.iter_bytes(CHUNK_BYTES):
        content += chunk
        if len(content) > TOLD_BYTES:
            return ""
    try:
        message = json.loads(content)["message"]
    except (ValueError, KeyError, TypeError):
        return ""
    return f" ({message[:TOLD_CHARACTERS]})" if isinstance(message, str) and message.isprintable() else ""
