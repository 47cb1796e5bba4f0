"""Questions over HTTP to servers that are no registries, with patience and limits."""

import json
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from pathlib import Path
from typing import IO

import httpx

from repave.ports.errors import Corrupt, Denied, Gone, Invalid, WorldError
from repave.ports.logins import Access
from repave.ports.progress import Progress, Task
from repave.ports.reaching import first_reached
from repave.ports.web import JSON, Answer, Brought, Wanted
from repave.registries.connections import OriginAuth, new_client
from repave.registries.durable import rename_durably, room_wanted
from repave.registries.patience import TRANSIENT_STATUS, Transient, patiently, retry_after_seconds

CHUNK_BYTES = 256 * 1024

TOLD_CHARACTERS = 300
"""Of a server's own words: enough for a sentence, too few for a page of HTML."""

TOLD_BYTES = 64 * 1024
"""Of a refusal, read to find those words."""


class WebClient:
    """The web port; safe to use from several threads."""

    def __init__(self, access: Access | None = None) -> None:
        self._origins = (access or Access()).origins
        self._client = new_client(OriginAuth((access or Access()).logins))

    def ask(
        self, address: str, *, what: str, most_bytes: int, posted: bytes | None = None, accept: str = JSON
    ) -> Answer:
        """Get, or post JSON; see the port."""
        headers = {"Accept": accept, **({"Content-Type": JSON} if posted is not None else {})}

        def asked(place: str) -> Answer:
            told = what if place == address else f"{what} (at {place})"
            return patiently(lambda: self._once(place, told, most_bytes, headers, posted), what=told)

        return first_reached(self._origins.places(address), asked)

    def bring(self, wanted: Wanted, target: Path, *, progress: Progress) -> Brought | None:
        """Write a document that is newer; see the port."""
        target.parent.mkdir(parents=True, exist_ok=True)
        with (
            tempfile.NamedTemporaryFile(dir=target.parent, prefix="incoming-", delete=False) as incoming,
            progress.task(f"Downloading {wanted.name}", unit="B") as task,
        ):
            temporary = Path(incoming.name)
            try:
                brought = first_reached(
                    self._origins.places(wanted.address),
                    lambda place: self._brought(replace(wanted, address=place), incoming, task),
                )
                incoming.flush()
                if brought is not None:
                    rename_durably(temporary, target)
            except OSError as full:
                raise room_wanted(wanted.name, target.parent, full) or full from full
            finally:
                temporary.unlink(missing_ok=True)
        return brought

    def close(self) -> None:
        """End the connections."""
        self._client.close()

    def _once(self, address: str, what: str, most_bytes: int, headers: dict[str, str], posted: bytes | None) -> Answer:
        method = "GET" if posted is None else "POST"
        with self._answer(method, address, what, headers, posted) as answer:
            content = b"".join(_limited(answer, what, most_bytes))
            return Answer(content=content, at=_moment(answer.headers, "Date"))

    def _brought(self, wanted: Wanted, target: IO[bytes], task: Task) -> Brought | None:
        what = f"download {wanted.name} from {wanted.address}"
        return patiently(lambda: self._write(wanted, target, what, task), what=what)

    def _write(self, wanted: Wanted, target: IO[bytes], what: str, task: Task) -> Brought | None:
        task.advance(-target.tell())
        target.seek(0)
        target.truncate()
        headers = {"If-Modified-Since": format_datetime(wanted.since, usegmt=True)} if wanted.since else {}
        with self._answer("GET", wanted.address, what, headers) as answer:
            if answer.status_code == httpx.codes.NOT_MODIFIED:
                return None
            for chunk in _limited(answer, what, wanted.most_bytes):
                target.write(chunk)
                task.advance(len(chunk))
            return Brought(modified=_moment(answer.headers, "Last-Modified"))

    @contextmanager
    def _answer(
        self, method: str, address: str, what: str, headers: dict[str, str], posted: bytes | None = None
    ) -> Iterator[httpx.Response]:
        """An answer that counts, before its body is read; troubles with the body are its troubles."""
        asked = {"Accept": JSON, **headers}
        try:
            with self._client.stream(method, address, content=posted, headers=asked) as answer:
                if answer.status_code in TRANSIENT_STATUS:
                    after_seconds = retry_after_seconds(answer.headers)
                    raise Transient(f"the server answered {answer.status_code}", after_seconds=after_seconds)
                if not answer.is_success and answer.status_code != httpx.codes.NOT_MODIFIED:
                    raise _refusal(answer, what)
                yield answer
        except (httpx.TransportError, httpx.DecodingError) as trouble:
            raise Transient(str(trouble) or type(trouble).__name__) from trouble
        except (httpx.InvalidURL, httpx.TooManyRedirects) as trouble:
            raise Invalid(f"could not {what}: {trouble}") from trouble


def _limited(answer: httpx.Response, what: str, most_bytes: int) -> Iterator[bytes]:
    size = 0
    for chunk in answer.iter_bytes(CHUNK_BYTES):
        size += len(chunk)
        if size > most_bytes:
            raise Corrupt(f"could not {what}: the answer is longer than {most_bytes} bytes")
        yield chunk


def _moment(headers: Mapping[str, str], name: str) -> datetime | None:
    """A date among the headers; a cache keeps that of the answer it hands out again (RFC 9110, 6.6.1)."""
    try:
        moment = parsedate_to_datetime(headers.get(name, ""))
    except ValueError:
        return None
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _refusal(answer: httpx.Response, what: str) -> WorldError:
    told = f"could not {what}: the server answered {answer.status_code}{_words(answer)}"
    match answer.status_code:
        case 404 | 410:
            return Gone(told, hint="check the address in repave.yaml")
        case 401 | 403 | 407:
            return Denied(
                told, hint="`credentials` under `origins` say who we are there; the proxy may have its own say"
            )
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
